#include "node/pod_status.h"

namespace muster::node {

namespace {

json::Object terminated(const ContainerName& container, const ExitRecord& exit) {
  json::Object state{{"exitCode", exit.exit_code},
                     {"reason", exit.reason},
                     {"finishedAt", exit.ended_at},
                     {"containerID", "process://" + container.uid}};
  if (!exit.started_at.empty()) state["startedAt"] = exit.started_at;
  if (exit.signal != 0) state["signal"] = exit.signal;
  if (!exit.message.empty()) state["message"] = exit.message;
  return {{"terminated", std::move(state)}};
}

json::Object container_status(const ContainerName& container, json::Object state, bool ready, int restarts,
                              const std::optional<ExitRecord>& last) {
  json::Object status{{"name", container.name},
                      {"image", container.image},
                      {"imageID", ""},
                      {"containerID", "process://" + container.uid},
                      {"ready", ready},
                      {"started", ready},
                      {"restartCount", restarts},
                      {"state", std::move(state)}};
  if (last) status["lastState"] = terminated(container, *last);
  return status;
}

}  // namespace

json::Value running_status(const ContainerName& container, const StartRecord& start, int restarts,
                           const std::optional<ExitRecord>& last) {
  json::Object state{{"running", json::Object{{"startedAt", start.started_at}}}};
  json::Object status{
      {"phase", "Running"},
      {"hostIP", "127.0.0.1"},
      {"podIP", "127.0.0.1"},
      {"containerStatuses", json::Array{container_status(container, std::move(state), true, restarts, last)}}};
  if (restarts == 0) status["startTime"] = start.started_at;
  return status;
}

json::Value ended_status(const ContainerName& container, const ExitRecord& exit, int restarts,
                         const std::string& reason) {
  const bool succeeded = exit.exit_code == 0 && reason.empty();
  json::Object status{{"phase", succeeded ? "Succeeded" : "Failed"},
                      {"containerStatuses", json::Array{container_status(container, terminated(container, exit), false,
                                                                         restarts, std::nullopt)}}};
  if (!reason.empty()) {
    status["reason"] = reason;
  } else if (exit.reason == "Lost") {
    status["reason"] = exit.reason;
    status["message"] = exit.message;
  }
  if (restarts == 0 && !exit.started_at.empty()) status["startTime"] = exit.started_at;
  return status;
}

json::Value waiting_status(const ContainerName& container, const ExitRecord& last, int restarts, Duration delay) {
  json::Object state{{"waiting", json::Object{{"reason", "CrashLoopBackOff"},
                                              {"message", "back-off " + to_text(delay) + " before the next attempt"}}}};
  return json::Object{
      {"phase", "Running"},
      {"containerStatuses", json::Array{container_status(container, std::move(state), false, restarts, last)}}};
}

json::Value refused_status(const std::string& reason, const std::string& message) {
  return json::Object{{"phase", "Failed"}, {"reason", reason}, {"message", message}};
}

}  // namespace muster::node
