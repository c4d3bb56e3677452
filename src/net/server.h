#pragma once
// Server: one HTTP/1.1 listener (TCP and, if asked, a UNIX socket with peer credentials), a router, blocking handlers
// on a worker pool, long streams outside it. Owns Boost.Beast and Asio.

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "net/http.h"

namespace muster::net {

struct Request {
  std::string method;  // upper case
  std::string path;    // decoded, without query
  std::vector<std::pair<std::string, std::string>> query;
  Headers headers;
  std::string body;
  std::vector<std::pair<std::string, std::string>> params;  // {name} parts of the route
  std::string peer;                                         // "127.0.0.1:5000" or "unix"
  std::optional<uid_t> peer_uid;                            // UNIX socket: the caller's uid
  std::optional<gid_t> peer_gid;
  std::optional<pid_t> peer_pid;

  const std::string* header(std::string_view name) const { return find_header(headers, name); }
  // Requires: the route has {name}.
  const std::string& param(std::string_view name) const;
  // First value of a query parameter; nullptr when absent.
  const std::string* query_value(std::string_view name) const;
  // Value of a cookie; "" when absent.
  std::string cookie(std::string_view name) const;
  // Set by the router before filters run: the route needs no authentication.
  bool is_open_route = false;
};

// A response that goes on: server-sent events, logs. Bounded outbox; a slow reader is cut.
class Stream {
 public:
  virtual ~Stream() = default;
  // False: the peer has gone or was cut; stop producing.
  virtual bool send(std::string bytes) = 0;
  virtual bool is_open() const = 0;
  // Bytes sent and not yet taken by the peer: a producer that can wait does so while there are many.
  virtual std::size_t unsent() const { return 0; }
  // Ends the response. Safe to call more than once.
  virtual void close() = 0;
  // Called once, from a server thread, when the peer goes away or the server stops. Set before returning from the
  // handler.
  virtual void on_close(std::function<void()> callback) = 0;
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
  std::string content_type = "application/json";
  // Set: status and headers are sent, then the callback gets the stream (on a server thread; it must not block: hand it
  // to a producer of your own). Body is ignored.
  std::function<void(std::shared_ptr<Stream>)> stream;
};

Response json_response(int status, const json::Value& body);
// `{"code","message","details"?,"pointer"?}` with the status of the error's kind.
Response error_response(const Error& error);

using Handler = std::function<Response(const Request&)>;

// Runs before the handler of every route that is not open, and sees every request. A returned response ends the
// request.
using Filter = std::function<std::optional<Response>(Request&)>;

class Router {
 public:
  // path: "/api/v1/workloads/{id}"; a last "{rest*}" takes what remains. Literal parts win over parameters.
  void add(const std::string& method, const std::string& path, Handler handler);
  // Like add, but filters let it pass without a token (health, sign-in page, static files).
  void add_open(const std::string& method, const std::string& path, Handler handler);
  void add_filter(Filter filter);
  // For what no route takes, GET only (the console's pages). Open, except below the given prefixes ("/api/").
  void set_fallback(Handler handler, std::vector<std::string> not_below);
  // 404 with the path; 405 with Allow when the path is known by other methods; HEAD is answered by GET without body.
  Response dispatch(Request& request) const;

 private:
  struct Route {
    std::string method;
    std::vector<std::string> parts;
    Handler handler;
    bool open = false;
  };
  std::vector<Route> routes_;
  std::vector<Filter> filters_;
  Handler fallback_;
  std::vector<std::string> not_below_;
};

struct Limits {
  std::size_t header_bytes = 64 << 10;
  std::size_t body_bytes = 1 << 20;
  std::size_t stream_outbox_bytes = 4 << 20;
  std::size_t connections = 2000;
};

class Server {
 public:
  struct Options {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;   // 0 = any free one
    std::string unix_socket;  // path; "" = none. An existing stale socket file is replaced.
    mode_t unix_mode = 0600;
    int workers = 4;
    Limits limits;
  };
  // Binds and listens, serving nothing yet; conflict-free errors name the holder of a taken port where /proc tells it
  // and `--listen`.
  static Result<std::unique_ptr<Server>> listen(const Options& options);
  virtual ~Server() = default;
  virtual std::uint16_t port() const = 0;
  // Starts answering with this router, which must outlive the server.
  virtual void serve(const Router& router) = 0;
  // Stops accepting, ends streams, waits for running handlers at most `grace`.
  virtual void stop(Duration grace) = 0;
};

}  // namespace muster::net
