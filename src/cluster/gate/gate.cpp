#include "cluster/gate/gate.h"

#include <algorithm>
#include <charconv>
#include <stop_token>
#include <thread>

#include "base/log.h"
#include "kube/kinds.h"
#include "kube/objects.h"
#include "model/names.h"

namespace muster::cluster {
namespace {

constexpr std::size_t most_streams = 256;
constexpr std::size_t most_unsent = 1 << 20;

bool is_true(const std::string* value) {
  return value != nullptr && (*value == "true" || *value == "1" || value->empty());
}

}  // namespace

// One stream: its thread, what it reads and whom it sends to. Outlives nothing that it uses but the gate's map.
class Gate::Producer {
 public:
  Producer(kube::PodStreams& streams, std::shared_ptr<LogOrder> order, LogWish wish, std::set<std::string> done,
           std::shared_ptr<net::Stream> stream)
      : streams_(streams),
        order_(std::move(order)),
        wish_(std::move(wish)),
        done_(std::move(done)),
        stream_(std::move(stream)) {}
  ~Producer() {
    cancel();
    if (thread_.joinable()) thread_.join();
  }

  void begin() {
    thread_ = std::jthread([this] { run(); });
  }
  // From any thread: ends as soon as possible.
  void cancel() {
    {
      Lock lock(mutex_);
      cancelled_ = true;
      if (source_) source_->cancel();
    }
    order_->wake();
  }
  bool is_over() const {
    Lock lock(mutex_);
    return over_;
  }

 private:
  void run() {
    name_thread("logs");
    while (!is_cancelled()) {
      const LogOrder::Next next = order_->wait_next(wish_, done_, [this] { return is_cancelled(); });
      if (next.kind != LogOrder::Next::Kind::Pod) break;
      tell(next);
      done_.insert(next.uid);
      wish_.options.tail_lines.reset();
    }
    stream_->close();
    Lock lock(mutex_);
    over_ = true;
  }

  void tell(const LogOrder::Next& next) {
    kube::LogOptions options = wish_.options;
    if (next.is_past) options.previous = true;
    Result<std::unique_ptr<kube::ByteStream>> source = streams_.logs(kube::Key{wish_.ns, next.name}, options);
    if (!source) {
      log::warn("logs_not_read", {{"pod", wish_.ns + "/" + next.name}, {"error", source.error().text}});
      return;
    }
    kube::ByteStream* reading = nullptr;
    {
      Lock lock(mutex_);
      if (cancelled_) return;
      source_ = *std::move(source);
      reading = source_.get();
    }
    while (!is_cancelled()) {
      Result<std::string> bytes = reading->read(Deadline::never());
      if (!bytes && bytes.error().kind == ErrorKind::Timeout) continue;
      if (!bytes || bytes->empty()) break;
      while (stream_->unsent() > most_unsent && stream_->is_open() && !is_cancelled()) {
        sleep_until(std::stop_token(), Deadline::in(milliseconds(10)));
      }
      if (!stream_->send(*std::move(bytes))) break;
    }
    Lock lock(mutex_);
    source_.reset();
  }

  bool is_cancelled() const {
    Lock lock(mutex_);
    return cancelled_;
  }

  kube::PodStreams& streams_;
  const std::shared_ptr<LogOrder> order_;
  LogWish wish_;
  std::set<std::string> done_;
  const std::shared_ptr<net::Stream> stream_;
  mutable Mutex mutex_;
  std::unique_ptr<kube::ByteStream> source_ GUARDED_BY(mutex_);
  bool cancelled_ GUARDED_BY(mutex_) = false;
  bool over_ GUARDED_BY(mutex_) = false;
  std::jthread thread_;
};

Gate::Gate(kube::Api& api, kube::PodStreams* streams, Feeds& feeds) : api_(api), streams_(streams) {
  feeds.subscribe(kube::kinds::training, [this](const kube::Change& change) { order_->on_training(change); });
  feeds.subscribe(kube::kinds::pod, [this](const kube::Change& change) { order_->on_pod(change); });
}

Gate::~Gate() { stop(); }

void Gate::stop() {
  order_->stop();
  std::vector<std::shared_ptr<Producer>> producers;
  {
    Lock lock(mutex_);
    stopping_ = true;
    producers.swap(producers_);
  }
  for (const std::shared_ptr<Producer>& producer : producers) producer->cancel();
}

void Gate::add_routes(net::Router& router, Cluster::MayRead may_read) {
  router.add("GET", "/gate/v1/projects/{p}/workloads/{w}/logs",
             [this, may_read = std::move(may_read)](const net::Request& request) { return answer(request, may_read); });
}

net::Response Gate::answer(const net::Request& request, const Cluster::MayRead& may_read) {
  if (may_read) {
    const Result<void> allowed = may_read(request, request.param("p"), request.param("w"));
    if (!allowed) return net::error_response(allowed.error());
  }
  if (streams_ == nullptr) return net::error_response(unavailable("no logs can be read here: pods run elsewhere"));
  Result<LogWish> wish = read(request);
  if (!wish) return net::error_response(wish.error());
  Result<std::set<std::string>> done = order_->begin(*wish);
  if (!done) return net::error_response(done.error());
  {
    Lock lock(mutex_);
    if (stopping_) return net::error_response(unavailable("the gateway is stopping"));
    if (producers_.size() >= most_streams) {
      std::erase_if(producers_, [](const std::shared_ptr<Producer>& one) { return one->is_over(); });
    }
    if (producers_.size() >= most_streams) {
      return net::error_response(
          exhausted("too many logs are being read at once (" + std::to_string(most_streams) + "); close one"));
    }
  }
  net::Response response{.status = 200, .headers = {}, .body = "", .content_type = "text/plain; charset=utf-8"};
  response.stream = [this, wish = *std::move(wish), done = *std::move(done)](std::shared_ptr<net::Stream> stream) {
    begin(wish, done, std::move(stream));
  };
  return response;
}

void Gate::begin(LogWish wish, std::set<std::string> done, std::shared_ptr<net::Stream> stream) {
  auto producer = std::make_shared<Producer>(*streams_, order_, std::move(wish), std::move(done), stream);
  {
    Lock lock(mutex_);
    if (stopping_) return stream->close();
    std::erase_if(producers_, [](const std::shared_ptr<Producer>& one) { return one->is_over(); });
    producers_.push_back(producer);
    producer->begin();
  }
  // May call back at once, when the peer has gone already.
  stream->on_close([weak = std::weak_ptr<Producer>(producer)] {
    if (const std::shared_ptr<Producer> one = weak.lock()) one->cancel();
  });
}

Result<json::Value> Gate::find_training(const std::string& ns, const std::string& name_or_id) {
  Result<json::Value> named = api_.get(kube::kinds::training, kube::Key{ns, name_or_id});
  if (named || named.error().kind != ErrorKind::NotFound) return named;
  kube::ListOptions options{.ns = ns};
  options.label_selector = std::string(model::keys::workload_id_label) + "=" + name_or_id;
  Result<kube::List> list = api_.list(kube::kinds::training, options);
  if (list && !list->items.empty()) return std::move(list->items.front());
  return not_found("there is no workload \"" + name_or_id + "\" in namespace " + ns);
}

Result<LogWish> Gate::read(const net::Request& request) {
  const std::string& project = request.param("p");
  std::string ns = model::namespace_of_project(project);
  if (const Result<json::Value> object = api_.get(kube::kinds::project, kube::Key{"", project})) {
    ns = json::text_or(*object, "/spec/namespace", ns);
  }
  const json::Value training = TRY(find_training(ns, request.param("w")));
  order_->know(training);
  LogWish wish{.ns = ns, .name = kube::name_of(training), .uid = kube::uid_of(training), .pod = "", .options = {}};
  if (const std::string* pod = request.query_value("pod")) wish.pod = *pod;
  wish.options.follow = is_true(request.query_value("follow"));
  wish.options.previous = is_true(request.query_value("previous"));
  if (const std::string* tail = request.query_value("tail"); tail != nullptr && !tail->empty()) {
    std::int64_t lines = 0;
    const auto [end, ec] = std::from_chars(tail->data(), tail->data() + tail->size(), lines);
    if (ec != std::errc() || end != tail->data() + tail->size() || lines < 0) {
      return invalid("tail \"" + *tail + "\" is not a number of lines", "/tail");
    }
    wish.options.tail_lines = lines;
  }
  return wish;
}

}  // namespace muster::cluster
