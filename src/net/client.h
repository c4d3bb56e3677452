#pragma once
// Client: HTTP(S) calls over libcurl: TCP or a UNIX socket, client certificates, streams. Owns libcurl.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "net/http.h"

namespace muster::net {

struct ClientOptions {
  std::string base_url;     // "http://127.0.0.1:7070", "https://10.0.0.1:6443"
  std::string unix_socket;  // speak over this socket; the URL's host is then only a name
  std::string bearer_token;
  std::string ca_pem, certificate_pem, key_pem;  // contents, not paths; "" = none
  bool insecure_skip_verify = false;
  Headers headers;  // sent with every call
};

struct Call {
  std::string method = "GET";
  std::string path;  // with query, already encoded: "/api/v1/workloads?limit=500"
  std::string body;
  std::string content_type = "application/json";
  Headers headers;
  Deadline deadline = Deadline::in(seconds(30));
};

struct Answer {
  int status = 0;
  Headers headers;
  std::string body;
};

// Thread contract: every method may be called from any thread; connections are kept and shared.
class Client {
 public:
  static Result<std::unique_ptr<Client>> create(ClientOptions options);
  virtual ~Client() = default;
  // unavailable when the server cannot be reached (the text names it), timed_out after the deadline. Any HTTP status is
  // an Answer.
  virtual Result<Answer> call(const Call& call) = 0;

  // A response read as it comes.
  class Reading {
   public:
    virtual ~Reading() = default;
    virtual int status() const = 0;
    virtual const Headers& headers() const = 0;
    // Some bytes; "" at the end; timed_out when the deadline passed (call again); unavailable when the connection
    // broke.
    virtual Result<std::string> read(Deadline deadline) = 0;
    // From any thread: read() then returns "" soon.
    virtual void cancel() = 0;
  };
  // Sends the call and waits for the head of the answer. The call's deadline bounds only that.
  virtual Result<std::unique_ptr<Reading>> open(const Call& call) = 0;
};

}  // namespace muster::net
