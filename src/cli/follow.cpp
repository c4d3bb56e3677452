#include "cli/follow.h"

#include <stop_token>
#include <thread>

#include "base/text.h"
#include "base/threads.h"
#include "cli/feed.h"
#include "cli/workload.h"
#include "net/http.h"

namespace muster::cli {
namespace {

// How long a command goes on without noticing Ctrl-C.
constexpr Duration beat = milliseconds(200);

// Whether a run of the job has begun: its pod is being started, runs, ended, or waits for its next attempt.
bool has_begun(const json::Value& workload) {
  const std::string phase = json::text_or(workload, "/phase");
  if (phase == "Initializing" || phase == "Running" || phase == "Degraded" || is_over(phase)) return true;
  return phase == "Pending" && json::find(workload, "/waiting/message") == nullptr &&
         !json::text_or(workload, "/phaseMessage").empty();
}

// What a job prints, written by a thread of its own while phases are watched.
class Output {
 public:
  Output(Session& session, Server& server, std::string path, bool to_err)
      : session_(session), server_(server), path_(std::move(path)), to_err_(to_err) {}
  ~Output() { stop(); }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // Begins to read, or reads on when an earlier run of the job has ended.
  void start() EXCLUDES(mutex_) {
    Lock lock(mutex_);
    if (running_) return;
    if (thread_.joinable()) thread_.join();
    running_ = true;
    thread_ = std::jthread([this](std::stop_token stop) { read(stop); });
  }
  // What comes from now on is another run's: a broken connection must not skip any of it.
  void begin_attempt() EXCLUDES(mutex_) {
    Lock lock(mutex_);
    printed_ = 0;
  }
  // Waits until everything has come; gives up at the deadline.
  void finish(Deadline deadline) EXCLUDES(mutex_) {
    Lock lock(mutex_);
    is_over_ = true;
    while (running_ && !deadline.passed() && !session_.around.interrupted())
      ended_.wait_until(mutex_, Deadline{std::min(deadline.monotonic_ms, Deadline::in(beat).monotonic_ms)});
  }
  void stop() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
  }
  void write(const std::string& bytes) { (to_err_ ? session_.around.err : session_.around.out)(bytes); }

 private:
  void read(const std::stop_token& stop) EXCLUDES(mutex_) {
    // The server may be away or not have the log yet. Once the job is over it gets a few more chances.
    for (int chances = 25; chances > 0 && !stop.stop_requested();) {
      const Result<std::unique_ptr<net::Client::Reading>> reading = server_.open(path_ + "?follow=true");
      if (reading.has_value() && copy(**reading, stop)) break;
      if (!reading.has_value() &&
          (reading.error().kind == ErrorKind::Denied || reading.error().kind == ErrorKind::Unauthenticated)) {
        session_.around.err("muster: " + reading.error().text + "\n");
        break;
      }
      sleep_until(stop, Deadline::in(beat));
      Lock lock(mutex_);
      if (is_over_) --chances;
    }
    Lock lock(mutex_);
    running_ = false;
    ended_.notify_all();
  }

  // True when the server has sent everything.
  bool copy(net::Client::Reading& reading, const std::stop_token& stop) EXCLUDES(mutex_) {
    std::size_t skip = 0;
    {
      Lock lock(mutex_);
      skip = printed_;
    }
    while (!stop.stop_requested()) {
      Result<std::string> bytes = reading.read(Deadline::in(beat));
      if (!bytes.has_value() && bytes.error().kind == ErrorKind::Timeout) continue;
      if (!bytes.has_value()) return false;
      if (bytes->empty()) return true;
      const std::size_t known = std::min(skip, bytes->size());
      skip -= known;
      bytes->erase(0, known);
      if (bytes->empty()) continue;
      {
        Lock lock(mutex_);
        printed_ += bytes->size();
      }
      write(*bytes);
    }
    return true;
  }

  Session& session_;
  Server& server_;
  const std::string path_;
  const bool to_err_;
  Mutex mutex_;
  Condition ended_;
  bool running_ GUARDED_BY(mutex_) = false;
  bool is_over_ GUARDED_BY(mutex_) = false;
  std::size_t printed_ GUARDED_BY(mutex_) = 0;  // of this run; skipped when a broken connection is made anew
  std::jthread thread_;
};

class Follower {
 public:
  Follower(Session& session, Server& server, std::string id, std::string project, std::string name, bool output_to_err)
      : session_(session),
        server_(server),
        id_(std::move(id)),
        project_(std::move(project)),
        name_(std::move(name)),
        output_(session, server, log_path(project_, name_), output_to_err) {}

  Result<int> run() {
    std::unique_ptr<Feed> feed = TRY(Feed::open(server_));
    // What happened before the feed was open.
    TRY(look());
    bool was_connected = true;
    Deadline next_look = Deadline::in(seconds(5));
    while (!over_) {
      if (session_.around.interrupted()) return detach();
      const std::optional<FeedEvent> event = TRY(feed->next(Deadline::in(beat)));
      if (feed->is_connected() != was_connected) {
        was_connected = feed->is_connected();
        say(was_connected ? "connected again"
                          : "the connection to the server broke; " + name_ + " goes on, waiting for the server");
      }
      if (event && event->kind == "workload" && json::text_or(event->object, "/id") == id_) see(event->object);
      if (event && event->kind == "workload-gone" && json::text_or(event->object, "/id") == id_) gone();
      // Should an event ever be missed, the state is not.
      if (!over_ && ((event && event->kind == "gap") || next_look.passed())) {
        if (feed->is_connected()) TRY(look());
        next_look = Deadline::in(seconds(5));
      }
    }
    if (has_output_) output_.finish(Deadline::in(seconds(60)));
    if (session_.around.interrupted()) return detach();
    return end();
  }

 private:
  void say(const std::string& text) { session_.around.err("muster: " + text + "\n"); }

  Result<void> look() {
    const Result<json::Value> workload = server_.get("/api/v1/workloads/" + id_);
    if (workload.has_value()) {
      see(*workload);
    } else if (workload.error().kind == ErrorKind::NotFound) {
      gone();
    } else if (workload.error().kind != ErrorKind::Unavailable && workload.error().kind != ErrorKind::Timeout) {
      return workload.error();
    }
    return {};
  }

  void see(const json::Value& workload) {
    last_ = workload;
    const std::string phase = json::text_or(workload, "/phase");
    if (has_begun(workload)) {
      if (was_running_ && phase == "Pending") output_.begin_attempt();
      was_running_ = phase == "Running";
      has_run_ = has_run_ || was_running_;
      has_output_ = true;
      output_.start();
    }
    if (is_over(phase)) {
      // A short job may run and end between two looks: its running is told all the same, and its output stands before
      // its end.
      if (!has_run_ && json::integer_at(workload, "/exitCode")) tell(name_ + ": Running");
      has_run_ = true;
      if (has_output_) output_.finish(Deadline::in(seconds(60)));
    }
    std::string line = name_ + ": " + phase;
    if (const std::string reason = reason_text(workload); !reason.empty()) line += ": " + reason;
    tell(line);
    if (is_over(phase) || phase == "Stopped" || !json::text_or(workload, "/deletedAt").empty()) over_ = true;
  }

  void tell(const std::string& line) {
    if (line == said_) return;
    said_ = line;
    say(line);
  }

  void gone() {
    if (over_) return;
    over_ = true;
    say(name_ + ": deleted");
  }

  Result<int> end() {
    // The end of the log may be a moment behind the phase, the exit status behind both.
    json::Value last = last_;
    if (const Result<json::Value> now = server_.get("/api/muster/v1/workloads/" + id_); now.has_value()) last = *now;
    if (session_.screen.is_for_programs()) session_.screen.value(last);
    return exit_status_of(last);
  }

  int detach() {
    const std::string where = project_ == "default" ? "" : " -p " + project_;
    say(name_ + " goes on; follow it with \"muster logs -f" + where + " " + name_ + "\", end it with \"muster delete" +
        where + " " + name_ + "\"");
    return 130;
  }

  Session& session_;
  Server& server_;
  const std::string id_, project_, name_;
  Output output_;
  json::Value last_;
  std::string said_;
  bool has_output_ = false, has_run_ = false, was_running_ = false;
  bool over_ = false;
};

}  // namespace

std::string log_path(const std::string& project, const std::string& name) {
  return "/gate/v1/projects/" + net::encode_component(project) + "/workloads/" + net::encode_component(name) + "/logs";
}

Result<int> follow_workload(Session& session, const std::string& id, const std::string& project,
                            const std::string& name, bool output_to_err) {
  hold_interrupt();
  Server* server = TRY(session.server());
  Follower follower(session, *server, id, project, name, output_to_err);
  return follower.run();
}

Result<int> stream_log(Session& session, const std::string& path) {
  hold_interrupt();
  Server* server = TRY(session.server());
  const std::unique_ptr<net::Client::Reading> reading = TRY(server->open(path));
  while (!session.around.interrupted()) {
    const Result<std::string> bytes = reading->read(Deadline::in(beat));
    if (!bytes.has_value() && bytes.error().kind == ErrorKind::Timeout) continue;
    if (!bytes.has_value()) return bytes.error().at("reading the log");
    if (bytes->empty()) return 0;
    session.around.out(*bytes);
  }
  return 130;
}

}  // namespace muster::cli
