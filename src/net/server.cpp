#include "net/server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <deque>
#include <set>
#include <thread>

#include "base/file.h"
#include "base/log.h"
#include "base/threads.h"
#include "net/listen.h"

// One Session per connection, on a strand. Handlers run on the worker pool; their answers are posted back to the
// strand. A stream keeps its session alive, holds no worker, and is fed through a bounded outbox.

namespace muster::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Socket = asio::generic::stream_protocol::socket;
using boost::system::error_code;

constexpr auto idle_limit = std::chrono::seconds(75);
constexpr std::size_t most_read_away = 16 << 20;  // of a refused request, after the answer

struct Shared {
  Shared(const Server::Options& from)
      : options(from), pool("http-worker", static_cast<std::size_t>(from.workers), 4096) {}
  Server::Options options;
  std::atomic<const Router*> router = nullptr;
  std::atomic<std::size_t> connections = 0;
  std::atomic<std::size_t> busy = 0;  // requests whose answer is not written yet
  std::atomic<bool> stopping = false;
  std::atomic<bool> cut_posted = false;
  asio::io_context io{2};
  Mutex mutex;
  std::set<class Session*> sessions GUARDED_BY(mutex);
  WorkerPool pool;
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(std::shared_ptr<Shared> shared, Socket socket, std::string peer)
      : shared_(std::move(shared)),
        socket_(std::move(socket)),
        strand_(asio::make_strand(shared_->io)),
        timer_(shared_->io),
        buffer_(shared_->options.limits.header_bytes + (64 << 10)),
        peer_(std::move(peer)) {
    ++shared_->connections;
    Lock lock(shared_->mutex);
    shared_->sessions.insert(this);
  }
  ~Session() {
    --shared_->connections;
    Lock lock(shared_->mutex);
    shared_->sessions.erase(this);
  }

  void take_credentials() {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (getsockopt(socket_.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0) {
      uid_ = peer.uid;
      gid_ = peer.gid;
      pid_ = peer.pid;
    }
  }

  void start() {
    asio::post(strand_, [self = shared_from_this()] { self->read_head(); });
  }

  void cut() {
    asio::post(strand_, [self = shared_from_this()] { self->close(); });
  }

  // Called by streams, from any thread.
  bool stream_send(std::string bytes) {
    if (bytes.empty()) return stream_open_.load();
    if (!stream_open_.load()) return false;
    const std::size_t size = bytes.size();
    if (outbox_bytes_.fetch_add(size) + size > shared_->options.limits.stream_outbox_bytes) {
      log::warn("slow_reader_cut", {{"peer", peer_}});
      stream_open_ = false;
      cut();
      return false;
    }
    asio::post(strand_,
               [self = shared_from_this(), bytes = std::move(bytes)]() mutable { self->enqueue(std::move(bytes)); });
    return true;
  }
  bool stream_is_open() const { return stream_open_.load(); }
  std::size_t stream_unsent() const { return outbox_bytes_.load(); }
  void stream_close() {
    asio::post(strand_, [self = shared_from_this()] { self->end_stream(); });
  }
  void stream_on_close(std::function<void()> callback) {
    bool gone = false;
    {
      Lock lock(close_mutex_);
      if (closed_) gone = true;
      else on_close_ = std::move(callback);
    }
    if (gone) callback();
  }

 private:
  void arm_timer(std::chrono::seconds limit) {
    timer_.expires_after(limit);
    timer_.async_wait(asio::bind_executor(strand_, [weak = weak_from_this()](error_code ec) {
      if (ec) return;
      if (auto self = weak.lock()) self->close();
    }));
  }

  void set_busy(bool busy) {
    if (busy == busy_) return;
    busy_ = busy;
    if (busy) ++shared_->busy;
    else --shared_->busy;
  }

  void read_head() {
    set_busy(false);
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(shared_->options.limits.header_bytes));
    parser_->body_limit(shared_->options.limits.body_bytes);
    arm_timer(idle_limit);
    http::async_read_header(
        socket_, buffer_, *parser_,
        asio::bind_executor(strand_, [self = shared_from_this()](error_code ec, std::size_t) { self->got_head(ec); }));
  }

  void got_head(error_code ec) {
    if (ec == http::error::end_of_stream || ec == asio::error::operation_aborted || ec == asio::error::connection_reset)
      return close();
    if (ec) return refuse(ec);
    if (beast::iequals(parser_->get()[http::field::expect], "100-continue")) {
      auto go_on = std::make_shared<std::string>("HTTP/1.1 100 Continue\r\n\r\n");
      asio::async_write(socket_, asio::buffer(*go_on),
                        asio::bind_executor(strand_, [self = shared_from_this(), go_on](error_code ec2, std::size_t) {
                          if (ec2) return self->close();
                          self->read_body();
                        }));
      return;
    }
    read_body();
  }

  void read_body() {
    arm_timer(idle_limit);
    http::async_read(socket_, buffer_, *parser_,
                     asio::bind_executor(strand_, [self = shared_from_this()](error_code ec, std::size_t) {
                       if (ec) return self->refuse(ec);
                       self->handle();
                     }));
  }

  void refuse(error_code ec) {
    if (ec == http::error::partial_message || ec == asio::error::eof || ec == asio::error::operation_aborted ||
        ec == asio::error::connection_reset) {
      return close();
    }
    Error error = invalid("the request is not valid HTTP: " + ec.message());
    if (ec == http::error::header_limit || ec == http::error::buffer_overflow) {
      error = invalid("the request's head has more than " + std::to_string(shared_->options.limits.header_bytes) +
                      " bytes");
      error.status = 431;
    } else if (ec == http::error::body_limit) {
      error =
          invalid("the request's body has more than " + std::to_string(shared_->options.limits.body_bytes) + " bytes");
      error.status = 413;
    }
    keep_alive_ = false;
    head_only_ = false;
    lingers_ = true;
    respond(error_response(error));
  }

  // A client that is still sending would see a reset instead of the answer: what it sends is read away for a moment.
  void linger() {
    error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
    sink_.resize(16 << 10);
    arm_timer(std::chrono::seconds(2));
    read_away();
  }

  void read_away() {
    socket_.async_read_some(asio::buffer(sink_),
                            asio::bind_executor(strand_, [self = shared_from_this()](error_code ec, std::size_t n) {
                              self->read_away_ += n;
                              if (ec || self->read_away_ > most_read_away) return self->close();
                              self->read_away();
                            }));
  }

  void handle() {
    timer_.cancel();
    set_busy(true);
    http::request<http::string_body> message = parser_->release();
    parser_.reset();
    keep_alive_ = message.keep_alive() && !shared_->stopping;
    auto request = std::make_shared<Request>();
    request->method = std::string(message.method_string());
    head_only_ = request->method == "HEAD";
    request->peer = peer_;
    request->peer_uid = uid_;
    request->peer_gid = gid_;
    request->peer_pid = pid_;
    for (const auto& field : message)
      request->headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    request->body = std::move(message.body());
    std::string_view target(message.target().data(), message.target().size());
    const std::size_t mark = target.find('?');
    Result<std::string> path = decode_component(target.substr(0, mark), false);
    auto query = parse_query(mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1));
    if (!path.has_value()) return respond(error_response(path.error()));
    if (!query.has_value()) return respond(error_response(query.error()));
    request->path = *std::move(path);
    request->query = *std::move(query);
    const bool taken = shared_->pool.submit([self = shared_from_this(), request] {
      const Router* router = self->shared_->router.load();
      Response response = router != nullptr ? router->dispatch(*request)
                                            : error_response(unavailable("the server is starting; try again"));
      asio::post(self->strand_,
                 [self, response = std::move(response)]() mutable { self->respond(std::move(response)); });
    });
    if (!taken) respond(error_response(exhausted("the server has too many requests waiting; try again in a moment")));
  }

  void respond(Response response) {
    if (closed_.load()) return;
    if (response.stream && !head_only_) return begin_stream(std::move(response));
    auto message = std::make_shared<http::response<http::string_body>>(static_cast<http::status>(response.status), 11);
    fill(*message, response);
    message->body() = std::move(response.body);
    if (head_only_) {
      const std::size_t size = message->body().size();
      message->body().clear();
      message->content_length(size);
    } else if (response.status != 204 && response.status != 304) {
      message->prepare_payload();
    }
    message->keep_alive(keep_alive_);
    arm_timer(idle_limit);
    auto written = asio::bind_executor(strand_, [self = shared_from_this(), message](error_code ec, std::size_t) {
      if (!ec && self->lingers_) return self->linger();
      if (ec || !self->keep_alive_) return self->close();
      self->read_head();
    });
    if (!head_only_) {
      http::async_write(socket_, *message, std::move(written));
      return;
    }
    auto serializer = std::make_shared<http::response_serializer<http::string_body>>(*message);
    http::async_write_header(
        socket_, *serializer,
        asio::bind_executor(strand_, [self = shared_from_this(), message, serializer](error_code ec, std::size_t) {
          if (ec || !self->keep_alive_) return self->close();
          self->read_head();
        }));
  }

  template <class Message>
  void fill(Message& message, const Response& response) {
    for (const auto& [name, value] : response.headers) message.insert(name, value);
    if (!response.content_type.empty() && response.status != 204)
      message.set(http::field::content_type, response.content_type);
    if (message.find(http::field::cache_control) == message.end()) message.set(http::field::cache_control, "no-store");
    message.set("X-Content-Type-Options", "nosniff");
  }

  class OutStream final : public Stream {
   public:
    explicit OutStream(std::shared_ptr<Session> session) : session_(std::move(session)) {}
    ~OutStream() override { session_->stream_close(); }
    bool send(std::string bytes) override { return session_->stream_send(std::move(bytes)); }
    bool is_open() const override { return session_->stream_is_open(); }
    std::size_t unsent() const override { return session_->stream_unsent(); }
    void close() override { session_->stream_close(); }
    void on_close(std::function<void()> callback) override { session_->stream_on_close(std::move(callback)); }

   private:
    std::shared_ptr<Session> session_;
  };

  void begin_stream(Response response) {
    timer_.cancel();
    set_busy(false);
    http::response<http::empty_body> message(static_cast<http::status>(response.status), 11);
    fill(message, response);
    message.chunked(true);
    message.keep_alive(false);
    std::string head = "HTTP/1.1 " + std::to_string(response.status) + " " + std::string(message.reason()) + "\r\n";
    for (const auto& field : message)
      head += std::string(field.name_string()) + ": " + std::string(field.value()) + "\r\n";
    head += "\r\n";
    stream_open_ = true;
    raw_out_.push_back(std::move(head));
    write_next();
    watch_peer();
    const bool taken =
        shared_->pool.submit([callback = std::move(response.stream),
                              stream = std::make_shared<OutStream>(shared_from_this())] { callback(stream); });
    if (!taken) close();
  }

  // A peer that goes away is seen by a read that ends.
  void watch_peer() {
    socket_.async_read_some(asio::buffer(scratch_),
                            asio::bind_executor(strand_, [self = shared_from_this()](error_code ec, std::size_t) {
                              if (ec) return self->close();
                              self->watch_peer();
                            }));
  }

  void enqueue(std::string bytes) {
    if (closed_.load()) return;
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    queued_bytes_.push_back(bytes.size());
    raw_out_.push_back(size + std::move(bytes) + "\r\n");
    write_next();
  }

  void write_next() {
    if (writing_ || raw_out_.empty()) return;
    writing_ = true;
    // Everything that waits goes out in one call.
    current_.clear();
    current_size_ = 0;
    while (!raw_out_.empty()) {
      current_ += raw_out_.front();
      raw_out_.pop_front();
    }
    for (const std::size_t size : queued_bytes_) current_size_ += size;
    queued_bytes_.clear();
    asio::async_write(socket_, asio::buffer(current_),
                      asio::bind_executor(strand_, [self = shared_from_this()](error_code ec, std::size_t) {
                        self->writing_ = false;
                        self->outbox_bytes_.fetch_sub(self->current_size_);
                        if (ec) return self->close();
                        if (self->ending_ && self->raw_out_.empty()) return self->close();
                        self->write_next();
                      }));
  }

  void end_stream() {
    if (closed_.load() || ending_) return;
    ending_ = true;
    stream_open_ = false;
    raw_out_.push_back("0\r\n\r\n");
    write_next();
  }

  void close() {
    std::function<void()> callback;
    {
      Lock lock(close_mutex_);
      if (closed_.exchange(true)) return;
      callback = std::move(on_close_);
    }
    stream_open_ = false;
    set_busy(false);
    timer_.cancel();
    error_code ignored;
    socket_.shutdown(Socket::shutdown_both, ignored);
    socket_.close(ignored);
    if (callback) callback();
  }

  std::shared_ptr<Shared> shared_;
  Socket socket_;
  asio::strand<asio::io_context::executor_type> strand_;
  asio::steady_timer timer_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::string peer_;
  std::optional<uid_t> uid_;
  std::optional<gid_t> gid_;
  std::optional<pid_t> pid_;
  bool keep_alive_ = true, head_only_ = false, busy_ = false, lingers_ = false;
  std::vector<char> sink_;
  std::size_t read_away_ = 0;
  // Streams.
  std::atomic<bool> stream_open_ = false;
  std::atomic<std::size_t> outbox_bytes_ = 0;
  std::deque<std::string> raw_out_;
  std::vector<std::size_t> queued_bytes_;
  std::string current_;
  std::size_t current_size_ = 0;
  bool writing_ = false, ending_ = false;
  std::array<char, 512> scratch_{};
  Mutex close_mutex_;
  std::atomic<bool> closed_ = false;
  std::function<void()> on_close_ GUARDED_BY(close_mutex_);
};

class BeastServer final : public Server {
 public:
  explicit BeastServer(const Options& options)
      : shared_(std::make_shared<Shared>(options)), tcp_(shared_->io), local_(shared_->io) {}
  ~BeastServer() override { stop(seconds(1)); }

  Result<void> open() {
    const Options& options = shared_->options;
    error_code ec;
    Fd tcp = TRY(listen_tcp(options.address, options.port));
    asio::ip::tcp::acceptor plain(shared_->io);
    const bool v6 = options.address.find(':') != std::string::npos;
    plain.assign(v6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4(), tcp.release(), ec);
    if (ec) return internal("listening on " + options.address + ": " + ec.message());
    port_ = plain.local_endpoint(ec).port();
    tcp_ = std::move(plain);
    if (!options.unix_socket.empty()) {
      Fd local = TRY(listen_unix(options.unix_socket, options.unix_mode));
      local_.assign(asio::local::stream_protocol(), local.release(), ec);
      if (ec) return internal("listening on " + options.unix_socket + ": " + ec.message());
    }
    return {};
  }

  std::uint16_t port() const override { return port_; }

  void serve(const Router& router) override {
    shared_->router = &router;
    accept_tcp();
    if (local_.is_open()) accept_local();
    for (int i = 0; i < 2; ++i) {
      threads_.emplace_back([shared = shared_] {
        name_thread("http-io");
        shared->io.run();
      });
    }
  }

  void stop(Duration grace) override {
    if (shared_->stopping.exchange(true)) return;
    // Acceptors belong to the io threads while these run.
    asio::post(shared_->io, [this] {
      error_code ec;
      tcp_.close(ec);
      local_.close(ec);
    });
    const Deadline deadline = Deadline::in(grace);
    while (shared_->busy > 0 && !deadline.passed() && !threads_.empty()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    {
      Lock lock(shared_->mutex);
      for (Session* session : shared_->sessions) {
        // A session that is being destroyed waits for this lock in its destructor, so weak_from_this decides.
        if (auto alive = session->weak_from_this().lock()) to_cut_.push_back(alive);
      }
    }
    for (const auto& session : to_cut_) session->cut();
    // Cuts run before the marker that ends the io threads.
    asio::post(shared_->io, [shared = shared_] { shared->cut_posted = true; });
    const Deadline soon = Deadline::in(milliseconds(200));
    while (!shared_->cut_posted && !soon.passed() && !threads_.empty()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    to_cut_.clear();
    shared_->io.stop();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    if (!shared_->options.unix_socket.empty()) ::unlink(shared_->options.unix_socket.c_str());
  }

 private:
  void accept_tcp() {
    tcp_.async_accept([this](error_code ec, asio::ip::tcp::socket socket) {
      if (shared_->stopping || ec == asio::error::operation_aborted) return;
      if (!ec) {
        error_code ignored;
        socket.set_option(asio::ip::tcp::no_delay(true), ignored);
        const auto remote = socket.remote_endpoint(ignored);
        begin(Socket(std::move(socket)), remote.address().to_string(ignored) + ":" + std::to_string(remote.port()),
              false);
      }
      accept_tcp();
    });
  }

  void accept_local() {
    local_.async_accept([this](error_code ec, asio::local::stream_protocol::socket socket) {
      if (shared_->stopping || ec == asio::error::operation_aborted) return;
      if (!ec) begin(Socket(std::move(socket)), "unix", true);
      accept_local();
    });
  }

  void begin(Socket socket, std::string peer, bool local) {
    if (shared_->connections >= shared_->options.limits.connections) {
      error_code ignored;
      socket.close(ignored);
      return;
    }
    auto session = std::make_shared<Session>(shared_, std::move(socket), std::move(peer));
    if (local) session->take_credentials();
    session->start();
  }

  std::shared_ptr<Shared> shared_;
  asio::ip::tcp::acceptor tcp_;
  asio::local::stream_protocol::acceptor local_;
  std::vector<std::thread> threads_;
  std::vector<std::shared_ptr<Session>> to_cut_;
  std::uint16_t port_ = 0;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::listen(const Options& options) {
  auto server = std::make_unique<BeastServer>(options);
  TRY(server->open());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace muster::net
