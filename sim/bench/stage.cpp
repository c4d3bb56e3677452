#include "sim/bench/stage.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <ctime>

#include "base/check.h"
#include "base/file.h"
#include "base/text.h"

namespace muster::sim::bench {
namespace {

constexpr std::int64_t cores = 1000;
constexpr std::int64_t gib = std::int64_t{1} << 30;

// The engine is one thread without I/O: what it costs is the processor time of that thread, whoever else runs.
std::int64_t thread_us() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
}

model::Pod pod_of(const Crew& crew, Time created, std::int32_t index) {
  model::Pod pod{.name = crew.name + "-" + std::to_string(index), .gang = crew.name};
  pod.uid = pod.name;
  pod.created = created;
  pod.constraints.cpu = cores;
  pod.constraints.memory = gib;
  if (crew.milli > 0) {
    pod.constraints.gpu = {.kind = model::GpuRequest::Kind::Portion, .devices = 1, .milli = crew.milli};
  } else if (crew.gpus > 0) {
    pod.constraints.gpu = {.kind = model::GpuRequest::Kind::Whole, .devices = crew.gpus, .milli = 1000};
  }
  return pod;
}

model::Gang gang_of(const Crew& crew, Time created) {
  model::Gang gang{.name = crew.name, .uid = crew.name, .queue = crew.queue, .priority = crew.priority};
  gang.created = created;
  return gang;
}

}  // namespace

Stage::Stage(sched::Config config, sched::replay::Recorder::Append log) : engine_(config) {
  if (log) recorder_ = std::make_unique<sched::replay::Recorder>(engine_, config, std::move(log));
}

void Stage::tell(const sched::Delta& delta) {
  const Result<void> told = recorder_ ? recorder_->apply(delta) : engine_.apply(delta);
  CHECK(told.has_value(), "a benchmark tells the engine only what is sound");
}

void Stage::add(const model::Node& node) { tell(sched::UpsertNode{node}); }
void Stage::add(const model::Queue& queue) { tell(sched::UpsertQueue{queue}); }

void Stage::add(const model::Gang& gang, const std::vector<model::Pod>& pods) {
  tell(sched::UpsertGang{gang});
  for (const model::Pod& pod : pods) {
    tell(sched::UpsertPod{pod});
    others_[pod.name] = pod;
  }
}

std::uint32_t Stage::keep(const Crew& crew, Time created) {
  const auto id = static_cast<std::uint32_t>(crews_.size());
  crews_.emplace_back(crew, created);
  jobs_[crew.name] = id;
  return id;
}

void Stage::add(const Crew& crew, Time created) {
  const std::uint32_t id = keep(crew, created);
  tell(sched::UpsertGang{gang_of(crew, created)});
  for (std::int32_t i = 0; i < crew.pods; ++i) {
    const model::Pod pod = pod_of(crew, created, i);
    tell(sched::UpsertPod{pod});
    pods_[pod.name] = {.crew = id, .index = i};
  }
}

void Stage::add_running(const Crew& crew, Time created, const std::string& node, std::int32_t index) {
  model::Pod pod = pod_of(crew, created, 0);
  pod.state = model::PodState::Running;
  pod.node = node;
  if (crew.milli > 0) {
    pod.devices = {{.index = index, .milli = crew.milli}};
  } else {
    for (std::int32_t i = 0; i < crew.gpus; ++i) pod.devices.push_back({.index = index + i, .milli = 1000});
  }
  model::Gang gang = gang_of(crew, created);
  gang.last_start = created;
  tell(sched::UpsertGang{gang});
  tell(sched::UpsertPod{pod});
  pods_[pod.name] = {.crew = keep(crew, created), .index = 0, .runs = true};
}

void Stage::remove(const std::string& job) {
  const auto known = jobs_.find(job);
  const Crew& crew = crews_[known->second].first;
  for (std::int32_t i = 0; i < crew.pods; ++i) {
    const std::string pod = crew.name + "-" + std::to_string(i);
    tell(sched::RemovePod{"default", pod});
    pods_.erase(pod);
  }
  jobs_.erase(known);
  tell(sched::RemoveGang{"default", job});
}

model::Pod Stage::pod_named(const std::string& name) const {
  const auto other = others_.find(name);
  if (other != others_.end()) return other->second;
  const Member& member = pods_.at(name);
  const auto& [crew, created] = crews_[member.crew];
  return pod_of(crew, created, member.index);
}

model::Pod Stage::carried_out(const model::Decision& decision) {
  model::Pod pod = pod_named(decision.pod);
  const bool runs = decision.kind == model::Decision::Kind::Bind;
  if (runs) {
    pod.state = model::PodState::Running;
    pod.node = decision.node;
    pod.devices = decision.devices;
  }
  const auto member = pods_.find(decision.pod);
  if (member != pods_.end()) member->second.runs = runs;
  return pod;
}

void Stage::timed(const std::function<void()>& work) {
  const std::int64_t begin = thread_us();
  work();
  micros_ += thread_us() - begin;
}

void Stage::reset() {
  micros_ = 0;
  counts_ = {};
}

sched::Round Stage::cycle(Time now) {
  sched::Round round;
  timed([&] { round = recorder_ ? recorder_->run(now) : engine_.run(now); });
  std::vector<model::Pod> changed;
  for (const model::Decision& decision : round.decisions) {
    switch (decision.kind) {
      case model::Decision::Kind::Bind:
        ++counts_.binds;
        changed.push_back(carried_out(decision));
        break;
      case model::Decision::Kind::Evict:
        ++counts_.evictions;
        changed.push_back(carried_out(decision));
        break;
      case model::Decision::Kind::Nominate:
        ++counts_.nominations;
        break;
    }
  }
  timed([&] {
    for (const model::Pod& pod : changed) tell(sched::UpsertPod{pod});
  });
  return round;
}

std::vector<std::string> Stage::running() const {
  std::vector<std::string> out;
  for (const auto& [name, member] : pods_) {
    if (member.runs) out.push_back(crews_[member.crew].first.name);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

model::Node node_of(const std::string& name, std::int32_t gpus) {
  model::Node node{.name = name, .cpu = 128 * cores, .memory = 2048 * gib, .pods = 250};
  node.labels["kubernetes.io/hostname"] = name;
  for (std::int32_t i = 0; i < gpus; ++i) node.devices.push_back({.uuid = name + "-" + std::to_string(i)});
  return node;
}

model::Queue queue_of(const std::string& name, const std::string& parent, std::int64_t quota_gpus) {
  model::Queue queue{.name = name, .parent = parent, .display_name = name};
  queue.gpu.quota = quota_gpus * 1000;
  return queue;
}

std::int64_t resident_mib() {
  const Result<std::string> text = read_file("/proc/self/statm", 4096);
  if (!text.has_value()) return 0;
  const std::vector<std::string_view> words = split(*text, ' ');
  std::int64_t pages = 0;
  if (words.size() > 1) std::from_chars(words[1].data(), words[1].data() + words[1].size(), pages);
  return pages * sysconf(_SC_PAGESIZE) >> 20;
}

}  // namespace muster::sim::bench
