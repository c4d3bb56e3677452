#include "sched/replay/log.h"

#include <fmt/core.h>

#include "sched/replay/archive.h"

namespace muster::sched::replay {

namespace {

constexpr std::string_view magic = "MUSTRLG1";
constexpr std::size_t head_size = 16;  // length, its complement, checksum

// Chained, so that a record that was moved or left out is found as well as one that was changed.
std::uint64_t checksum(std::string_view bytes, std::uint64_t chain) {
  std::uint64_t h = 0xcbf29ce484222325ULL ^ (chain * 0x9e3779b97f4a7c15ULL);
  for (char c : bytes) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return h ^ (h >> 29);
}

std::string payload_of(Record& record) {
  Writer w;
  w(record.sequence), w(record.time), w(record.action), w(record.deltas), w(record.decisions);
  return w.take();
}

std::string bytes_of(std::vector<model::Decision>& decisions) {
  Writer w;
  w(decisions);
  return w.take();
}

}  // namespace

std::string_view header() { return magic; }

std::string encode(Record& record, std::uint64_t& chain) {
  std::string payload = payload_of(record);
  chain = checksum(payload, chain);
  Writer w;
  w.number(payload.size(), 4), w.number(~payload.size() & 0xffffffff, 4), w.number(chain, 8);
  return w.take() + payload;
}

Result<std::optional<Record>> LogReader::next() {
  if (!started_) {
    if (bytes_.substr(0, magic.size()) != magic) return invalid("decision log: the file does not begin as one");
    bytes_.remove_prefix(magic.size());
    started_ = true;
  }
  if (bytes_.size() < head_size) return std::optional<Record>{};
  ++sequence_;
  Reader head(bytes_.substr(0, head_size));
  std::uint64_t size = head.number(4), inverse = head.number(4), sum = head.number(8);
  // The length is written twice: a wrong one is not taken for a file that was cut off.
  if ((size ^ inverse) != 0xffffffff)
    return invalid(fmt::format("decision log: record {} was changed: its length does not hold", sequence_));
  if (bytes_.size() - head_size < size) return std::optional<Record>{};
  std::string_view payload = bytes_.substr(head_size, static_cast<std::size_t>(size));
  if (checksum(payload, chain_) != sum)
    return invalid(fmt::format("decision log: record {} was changed: its checksum does not hold", sequence_));
  chain_ = sum;
  bytes_.remove_prefix(head_size + static_cast<std::size_t>(size));
  Record record;
  Reader r(payload);
  r(record.sequence), r(record.time), r(record.action), r(record.deltas), r(record.decisions);
  if (r.failed() || !r.rest().empty() || record.sequence != sequence_)
    return invalid(fmt::format("decision log: record {} cannot be read", sequence_));
  return std::optional<Record>(std::move(record));
}

Result<Replay> replay(std::string_view bytes) {
  LogReader reader(bytes);
  Engine engine;
  Replay out;
  for (;;) {
    std::optional<Record> record = TRY(reader.next());
    if (!record) return out;
    // What was refused then is refused now.
    for (const Delta& d : record->deltas) ignore(engine.apply(d), "a refusal is part of what happened");
    Round round = record->action ? engine.run_action(*record->action, record->time) : engine.run(record->time);
    ++out.records;
    out.decisions += round.decisions.size();
    if (bytes_of(round.decisions) != bytes_of(record->decisions) && !out.first_difference)
      out.first_difference = record->sequence;
  }
}

Recorder::Recorder(Engine& engine, const Config& config, Append append) : engine_(engine), append_(std::move(append)) {
  append_(magic);
  deltas_.push_back(SetConfig{config});
}

Result<void> Recorder::apply(const Delta& delta) {
  deltas_.push_back(delta);
  return engine_.apply(delta);
}

Round Recorder::run(Time now) { return record(std::nullopt, now); }
Round Recorder::run_action(model::Action action, Time now) { return record(action, now); }

Round Recorder::record(std::optional<model::Action> action, Time now) {
  Round round = action ? engine_.run_action(*action, now) : engine_.run(now);
  Record r{++sequence_, now, action, std::move(deltas_), round.decisions};
  deltas_.clear();
  append_(encode(r, chain_));
  return round;
}

}  // namespace muster::sched::replay
