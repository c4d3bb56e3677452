#pragma once
// Nouns of a scenario file turned into the engine's: nodes, queues, jobs with their pods, the configuration. Used for
// the file's lists and for what steps add.

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "sim/scenario/document.h"
#include "sim/scenario/scenario.h"

namespace muster::sim {

Result<sched::Config> read_config(const document::Scenario& file);
Result<model::Node> read_node(const document::Node& node, const sched::Config& config, const std::string& pointer);
// `created` holds for a queue that names no age of its own.
Result<model::Queue> read_queue(const document::Queue& queue, Time now, Time created, const std::string& pointer);
Result<Job> read_job(const document::Job& job, Time now, Time created, const std::string& pointer);
Result<Expect> read_expect(const document::Expect& expect, const std::string& pointer);
Result<model::Action> read_action(const std::string& text, const std::string& pointer);
Result<model::PodState> read_state(const std::string& text, const std::string& pointer);

// Gives devices to every pod that holds some, or is nominated: first labelled shares, then the rest in order, each on
// the lowest free index. `seated` are pods that have their devices already. Invalid when a node has too few.
Result<void> seat_pods(const std::vector<model::Node>& nodes, const std::vector<model::Pod>& seated,
                       std::vector<Job>& jobs);

}  // namespace muster::sim
