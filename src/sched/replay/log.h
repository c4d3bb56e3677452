#pragma once
// Decision log: what an engine was told and what it decided, round by round, as bytes to append to a file. Replaying
// them on a fresh engine reproduces every decision; a changed byte is found and the record is named. Writing files is
// the caller's business.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sched/engine.h"

namespace muster::sched::replay {

struct Record {
  std::uint64_t sequence = 0;
  Time time;
  std::optional<model::Action> action;  // nullopt: a whole round
  std::vector<Delta> deltas;            // since the record before
  std::vector<model::Decision> decisions;
};

// The first bytes of a log.
std::string_view header();
// One record; `chain` is the checksum of the one before (0 for the first) and becomes that of this one.
std::string encode(Record& record, std::uint64_t& chain);

// Reads a log from its first byte. Invalid names the sequence number at which it broke.
class LogReader {
 public:
  explicit LogReader(std::string_view bytes) : bytes_(bytes) {}
  // nullopt at the end. A record that was cut off at the end of the file, as a crash leaves it, ends the log.
  Result<std::optional<Record>> next();

 private:
  std::string_view bytes_;
  bool started_ = false;
  std::uint64_t chain_ = 0, sequence_ = 0;
};

struct Replay {
  std::uint64_t records = 0, decisions = 0;
  std::optional<std::uint64_t> first_difference;  // sequence number
  bool identical() const { return !first_difference; }
};
Result<Replay> replay(std::string_view bytes);

// An engine that writes down what it is told and what it decides. `append` gets whole pieces of the log, the header
// first.
class Recorder {
 public:
  using Append = std::function<void(std::string_view)>;
  Recorder(Engine& engine, const Config& config, Append append);
  Result<void> apply(const Delta& delta);
  Round run(Time now);
  Round run_action(model::Action action, Time now);

 private:
  Round record(std::optional<model::Action> action, Time now);

  Engine& engine_;
  Append append_;
  std::vector<Delta> deltas_;
  std::uint64_t sequence_ = 0, chain_ = 0;
};

}  // namespace muster::sched::replay
