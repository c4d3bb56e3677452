#pragma once
// Server: the running Muster as a command speaks to it: JSON over REST, streams, and its errors as ours.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/threads.h"
#include "cli/surroundings.h"
#include "net/client.h"

namespace muster {
class Config;
}

namespace muster::cli {

// Thread contract: every method may be called from any thread.
class Server {
 public:
  // By the settings url, token and data (interface 1). unavailable: nothing says where a server is, with the command
  // that starts one. Opens no connection yet.
  static Result<std::unique_ptr<Server>> find(const Config& settings, const Surroundings& around);

  Result<json::Value> get(std::string_view path) { return call("GET", path, nullptr); }
  Result<json::Value> post(std::string_view path, const json::Value& body) { return call("POST", path, &body); }
  Result<json::Value> post(std::string_view path) { return call("POST", path, nullptr); }
  Result<json::Value> patch(std::string_view path, const json::Value& body) { return call("PATCH", path, &body); }
  Result<json::Value> put(std::string_view path, const json::Value& body) { return call("PUT", path, &body); }
  Result<json::Value> remove(std::string_view path) { return call("DELETE", path, nullptr); }
  // Every item of a paged list (`{"<items>": [...], "next": n}`), 500 at a time. `path` may have a query.
  Result<json::Array> all(std::string_view path, std::string_view items);
  // An answer that goes on. Errors are those of the server.
  Result<std::unique_ptr<net::Client::Reading>> open(std::string_view path, const net::Headers& headers = {});

  // What people know it by: its URL or its socket.
  std::string where() const EXCLUDES(mutex_);

 private:
  Server() = default;
  Result<json::Value> call(std::string_view method, std::string_view path, const json::Value* body);
  // Asks the client; when nobody answers and the server has moved since (endpoint.json), asks there.
  Result<net::Answer> ask(const net::Call& call);
  std::shared_ptr<net::Client> client() const EXCLUDES(mutex_);
  // True when endpoint.json names another address than before: the client is a new one then.
  bool has_moved() EXCLUDES(mutex_);
  // An unreachable server with the remedy.
  Error unreachable(const Error& error) const;

  net::ClientOptions options_;
  std::string data_;  // the folder with endpoint.json, when the server was found by it
  bool is_local_ = true;
  mutable Mutex mutex_;
  std::shared_ptr<net::Client> client_ GUARDED_BY(mutex_);
  std::string where_ GUARDED_BY(mutex_);
};

// The error that an answer stands for. Requires: status >= 400.
Error error_of_answer(int status, std::string_view body);

}  // namespace muster::cli
