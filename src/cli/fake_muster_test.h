#pragma once
// FakeMuster: a server with the paths that the command line uses and answers of the test's choice, and a command line
// run against it. For the tests of this room.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/temporary_folder.h"
#include "base/threads.h"
#include "cli/surroundings.h"
#include "net/server.h"

namespace muster::cli {

// What one run of the command line did.
struct Ran {
  int status = 0;
  std::string out, err;
};

class FakeMuster {
 public:
  FakeMuster();
  ~FakeMuster();

  // The command line as user 1000 with HOME=/home/ann in folder /srv/ann, finding this server by its endpoint.json.
  Ran run(const std::vector<std::string>& words);
  // `body` is answered to later requests "GET /path" (without query).
  void answer(const std::string& method_and_path, json::Value body, int status = 200);
  // Called on each submission with the id, on a server thread; it plays the job.
  std::function<void(const std::string& id)> on_submit;

  // The state of a workload changes: entity and event.
  void set(const std::string& id, const json::Object& fields);
  void add_workload(const std::string& id, const std::string& project, const std::string& name,
                    json::Object fields = {});
  void remove_workload(const std::string& id);
  // What a workload prints; `end` closes the log.
  void print(const std::string& bytes);
  void end_log();
  // Cuts every stream, as a server that is killed does.
  void cut_streams();

  // "POST /api/v1/workloads/trainings {...}", in order, without the reads.
  std::vector<std::string> requests() const;
  json::Value body_of_last(const std::string& method) const;
  std::string last_query(const std::string& path) const;

  std::map<std::string, std::string> variables;
  bool terminal = false;
  // Ctrl-C is pressed this long after a command began; never, unless set.
  std::optional<Duration> interrupt_after;
  std::string answer_to_question;
  std::string data() const { return folder_.path(); }
  std::string url() const;
  void stop_serving() { server_.reset(); }

  static constexpr const char* token = "the-owner-s-token";

 private:
  void add_routes();
  net::Response accept(const net::Request& request);
  void tell(const std::string& event, const json::Value& data) REQUIRES(mutex_);

  TemporaryFolder folder_;
  net::Router router_;
  mutable Mutex mutex_;
  std::map<std::string, json::Value> workloads_ GUARDED_BY(mutex_);
  std::map<std::string, std::pair<int, json::Value>> answers_ GUARDED_BY(mutex_);
  std::vector<std::string> requests_ GUARDED_BY(mutex_);
  std::map<std::string, std::string> bodies_ GUARDED_BY(mutex_);
  std::map<std::string, std::string> queries_ GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<net::Stream>> watchers_ GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<net::Stream>> readers_ GUARDED_BY(mutex_);
  std::string log_ GUARDED_BY(mutex_);
  bool log_ended_ GUARDED_BY(mutex_) = false;
  int submitted_ GUARDED_BY(mutex_) = 0;
  int event_id_ GUARDED_BY(mutex_) = 0;
  std::unique_ptr<net::Server> server_;
};

}  // namespace muster::cli
