#include <doctest/doctest.h>

#include <set>
#include <stop_token>

#include "cluster/test_machine.h"

namespace muster::cluster {
namespace {

// What each pod prints; following one waits until it is closed.
class FakeStreams final : public kube::PodStreams {
 public:
  void print(const std::string& pod, const std::string& text) {
    Lock lock(mutex_);
    texts_[pod] += text;
    changed_.notify_all();
  }
  void end(const std::string& pod) {
    Lock lock(mutex_);
    ended_.insert(pod);
    changed_.notify_all();
  }
  Result<std::unique_ptr<kube::ByteStream>> logs(const kube::Key& pod, const kube::LogOptions& options) override {
    return std::make_unique<One>(*this, pod.name, options);
  }

 private:
  class One final : public kube::ByteStream {
   public:
    One(FakeStreams& streams, std::string pod, kube::LogOptions options)
        : streams_(streams), pod_(std::move(pod)), options_(options) {}
    Result<std::string> read(Deadline deadline) override {
      Lock lock(streams_.mutex_);
      while (true) {
        const std::string& text = streams_.texts_[pod_];
        if (at_ < text.size()) return text.substr(std::exchange(at_, text.size()));
        if (cancelled_ || !options_.follow || streams_.ended_.contains(pod_)) return std::string();
        if (!streams_.changed_.wait_until(streams_.mutex_, deadline)) return timed_out("nothing was printed");
      }
    }
    void cancel() override {
      Lock lock(streams_.mutex_);
      cancelled_ = true;
      streams_.changed_.notify_all();
    }

   private:
    FakeStreams& streams_;
    std::string pod_;
    kube::LogOptions options_;
    std::size_t at_ = 0;
    bool cancelled_ = false;
  };

  Mutex mutex_;
  Condition changed_;
  std::map<std::string, std::string> texts_;
  std::set<std::string> ended_;
};

class FakeReader final : public net::Stream {
 public:
  bool send(std::string bytes) override {
    Lock lock(mutex_);
    got_ += bytes;
    return !closed_;
  }
  bool is_open() const override {
    Lock lock(mutex_);
    return !closed_;
  }
  void close() override {
    Lock lock(mutex_);
    closed_ = true;
  }
  void on_close(std::function<void()> callback) override {
    Lock lock(mutex_);
    on_close_ = std::move(callback);
  }
  void go_away() {
    std::function<void()> callback;
    {
      Lock lock(mutex_);
      closed_ = true;
      callback = on_close_;
    }
    callback();
  }
  std::string got() const {
    Lock lock(mutex_);
    return got_;
  }

 private:
  mutable Mutex mutex_;
  std::string got_;
  bool closed_ = false;
  std::function<void()> on_close_;
};

struct GateWorld {
  FakeStreams streams;
  TestMachine machine{1};
  net::Router router;

  GateWorld() {
    machine.start({.streams = &streams});
    machine.cluster->add_gate_routes(router, [](const net::Request& request, const std::string&, const std::string&) {
      return request.query_value("stranger") != nullptr ? Result<void>(denied("not yours")) : Result<void>();
    });
    machine.project("vision", 1);
  }
  net::Response get(const std::string& workload, std::vector<std::pair<std::string, std::string>> query) {
    net::Request request{.method = "GET", .path = "/gate/v1/projects/vision/workloads/" + workload + "/logs"};
    request.query = std::move(query);
    return router.dispatch(request);
  }
  std::shared_ptr<FakeReader> read(const std::string& workload,
                                   std::vector<std::pair<std::string, std::string>> query) {
    const net::Response response = get(workload, std::move(query));
    REQUIRE(response.status == 200);
    auto reader = std::make_shared<FakeReader>();
    response.stream(reader);
    return reader;
  }
};

}  // namespace

TEST_CASE("following a workload tells every attempt in turn and ends when the workload has ended") {
  GateWorld world;
  json::Object spec = one_gpu(2500, 1, 1);
  spec["backoffLimit"] = 1;
  world.machine.training("vision", "job", std::move(spec));
  REQUIRE(eventually([&] { return world.get("job", {{"follow", "true"}}).status == 200; }));
  const std::shared_ptr<FakeReader> reader = world.read("job", {{"follow", "true"}});
  world.streams.print("job-0", "first\n");
  REQUIRE(eventually([&] { return reader->got() == "first\n"; }));
  world.streams.end("job-0");
  REQUIRE(eventually([&] { return world.machine.agent->started().size() == 2; }));
  world.streams.print("job-0-r1", "second\n");
  world.streams.end("job-0-r1");
  REQUIRE(eventually([&] { return !reader->is_open(); }));
  CHECK(reader->got() == "first\nsecond\n");
  // Later readers get the newest attempt, or the one before.
  const std::shared_ptr<FakeReader> later = world.read("job", {});
  REQUIRE(eventually([&] { return !later->is_open(); }));
  CHECK(later->got() == "second\n");
  const std::shared_ptr<FakeReader> previous = world.read("job", {{"previous", "true"}});
  REQUIRE(eventually([&] { return !previous->is_open(); }));
  CHECK(previous->got() == "first\n");
  const std::shared_ptr<FakeReader> named = world.read("job", {{"pod", "job-0"}});
  REQUIRE(eventually([&] { return !named->is_open(); }));
  CHECK(named->got() == "first\n");
}

TEST_CASE("logs are refused with a reason") {
  GateWorld world;
  CHECK(world.get("nothing", {}).status == 404);
  CHECK(world.get("nothing", {{"stranger", "1"}}).status == 403);
  world.machine.training("vision", "first", one_gpu());
  REQUIRE(eventually([&] { return world.machine.phase("first") == "Running"; }));
  world.machine.training("vision", "second", one_gpu());
  REQUIRE(eventually(
      [&] { return world.machine.phase("second") == "Pending" && world.machine.phase("first") == "Running"; }));
  const net::Response waits = world.get("second", {});
  CHECK(waits.status == 404);
  CHECK(waits.body.find("has not started") != std::string::npos);
  CHECK(world.get("first", {{"tail", "many"}}).status == 400);
  CHECK(world.get("first", {{"pod", "second-0"}}).status == 404);
}

TEST_CASE("a reader who goes away, and a gateway that stops, end the stream") {
  GateWorld world;
  world.machine.training("vision", "job", one_gpu());
  REQUIRE(eventually([&] { return world.machine.phase("job") == "Running"; }));
  const std::shared_ptr<FakeReader> gone = world.read("job", {{"follow", "true"}});
  const std::shared_ptr<FakeReader> stays = world.read("job", {{"follow", "true"}});
  world.streams.print("job-0", "x");
  REQUIRE(eventually([&] { return gone->got() == "x" && stays->got() == "x"; }));
  gone->go_away();
  CHECK(stays->is_open());
  world.machine.cluster.reset();
  CHECK_FALSE(stays->is_open());
}

}  // namespace muster::cluster
