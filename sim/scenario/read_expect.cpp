// What a scenario file expects.

#include "sim/scenario/amounts.h"
#include "sim/scenario/nouns.h"

namespace muster::sim {
namespace {

Result<ExpectPods> read_pods(const document::ExpectPods& in, const std::string& pointer) {
  ExpectPods out;
  if (in.state) out.state = TRY(read_state(*in.state, pointer + "/state"));
  if (in.gpus) out.gpu_milli = milli_of(*in.gpus);
  if (in.node.is_string()) {
    out.nodes.emplace_back(in.node.get_string());
  } else if (in.node.is_array()) {
    for (const json::Value& node : in.node.get_array()) {
      if (!node.is_string()) return at_pointer("expected node names", pointer + "/node");
      out.nodes.emplace_back(node.get_string());
    }
  } else if (!in.node.is_null()) {
    return at_pointer("expected a node name or a list of them", pointer + "/node");
  }
  return out;
}

Result<ExpectShare> read_share(const document::ExpectShare& in, const std::string& pointer) {
  ExpectShare out;
  if (!in.gpu.is_null()) out.gpu = TRY(read_devices(in.gpu, pointer + "/gpu"));
  if (!in.cpu.is_null()) out.cpu = TRY(read_cores(in.cpu, pointer + "/cpu"));
  if (!in.memory.is_null()) out.memory = TRY(read_bytes(in.memory, pointer + "/memory"));
  return out;
}

Result<ExpectVerdict> read_verdict(const json::Value& in, const std::string& pointer) {
  ExpectVerdict out;
  if (in.is_null()) return out;
  document::ExpectVerdict verdict;
  TRY(json::detail::read(in, verdict, pointer, json::Unknown::Refuse));
  model::Reason reason{};
  if (!model::parse(verdict.reason, reason)) {
    std::vector<std::string> known;
    for (int i = 0; i <= static_cast<int>(model::Reason::BindFailing); ++i) {
      known.emplace_back(model::to_text(static_cast<model::Reason>(i)));
    }
    return unknown_word("reason", verdict.reason, known, pointer + "/reason");
  }
  out.reason = reason;
  out.queue = verdict.queue;
  out.numbers = verdict.numbers;
  return out;
}

}  // namespace

Result<Expect> read_expect(const document::Expect& in, const std::string& pointer) {
  Expect out;
  const auto below = [&](const char* part, const std::string& name) {
    return pointer + "/" + part + "/" + json::escape_step(name);
  };
  for (const auto& [name, pods] : in.pods) out.pods[name] = TRY(read_pods(pods, below("pods", name)));
  for (const auto& [name, pods] : in.jobs) out.jobs[name] = TRY(read_pods(pods, below("jobs", name)));
  for (const auto& [name, node] : in.nodes) {
    if (node.idle_gpus) out.nodes[name].idle_gpu_milli = milli_of(*node.idle_gpus);
    if (node.releasing_gpus) out.nodes[name].releasing_gpu_milli = milli_of(*node.releasing_gpus);
  }
  out.shared_gpus = in.shared_gpus;
  for (const document::Together& together : in.together) out.together.push_back({together.label, together.pods});
  static const std::vector<std::string> ties = {"node-name", "job-name"};
  for (const std::string& tie : in.ties) {
    if (tie != ties[0] && tie != ties[1]) return unknown_word("tie", tie, ties, pointer + "/ties");
  }
  out.binds = in.at_most.binds;
  out.evictions = in.at_most.evictions;
  out.pipelines = in.at_most.pipelines;
  for (const auto& [name, share] : in.fair_share)
    out.fair_share[name] = TRY(read_share(share, below("fairShare", name)));
  for (const auto& [name, verdict] : in.verdicts)
    out.verdicts[name] = TRY(read_verdict(verdict, below("verdicts", name)));
  return out;
}

}  // namespace muster::sim
