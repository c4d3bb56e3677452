#include "net/client.h"

#include <curl/curl.h>

#include <deque>
#include <vector>

#include "base/log.h"
#include "base/text.h"
#include "base/threads.h"

// Plain calls run on kept easy handles. A Reading has a multi handle of its own, so that curl_multi_wakeup ends it from
// any thread.

namespace muster::net {
namespace {

struct EasyDelete {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, EasyDelete>;

struct ListDelete {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, ListDelete>;

void start_curl() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)started;
}

std::size_t append_body(char* bytes, std::size_t size, std::size_t count, void* to) {
  static_cast<std::string*>(to)->append(bytes, size * count);
  return size * count;
}

std::size_t append_header(char* bytes, std::size_t size, std::size_t count, void* to) {
  auto& headers = *static_cast<Headers*>(to);
  const std::string_view line = trim(std::string_view(bytes, size * count));
  if (line.starts_with("HTTP/")) {
    // A new head (after 100 Continue or a redirect) replaces the last one.
    headers.clear();
  } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
    headers.emplace_back(std::string(line.substr(0, colon)), std::string(trim(line.substr(colon + 1))));
  }
  return size * count;
}

class CurlClient final : public Client {
 public:
  explicit CurlClient(ClientOptions options) : options_(std::move(options)) {}

  Result<Answer> call(const Call& call) override {
    Easy easy = take_easy();
    HeaderList headers = prepare(easy.get(), call);
    Answer answer;
    curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, append_body);
    curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &answer.body);
    curl_easy_setopt(easy.get(), CURLOPT_HEADERFUNCTION, append_header);
    curl_easy_setopt(easy.get(), CURLOPT_HEADERDATA, &answer.headers);
    const std::int64_t left = call.deadline.left_ms();
    if (left == 0) return timed_out(about(call) + ": the deadline has passed");
    if (left != INT64_MAX) curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(left));
    const CURLcode code = curl_easy_perform(easy.get());
    if (code != CURLE_OK) return failure(code, call);
    long status = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    answer.status = static_cast<int>(status);
    give_back(std::move(easy));
    return answer;
  }

  Result<std::unique_ptr<Reading>> open(const Call& call) override;

  std::string about(const Call& call) const {
    return call.method + " " + (options_.unix_socket.empty() ? options_.base_url : options_.unix_socket) + call.path;
  }

  Error failure(CURLcode code, const Call& call) const {
    const std::string where = options_.unix_socket.empty() ? options_.base_url : options_.unix_socket;
    switch (code) {
      case CURLE_OPERATION_TIMEDOUT:
        return timed_out(about(call) + ": no answer in time");
      case CURLE_COULDNT_CONNECT:
      case CURLE_COULDNT_RESOLVE_HOST:
        return unavailable("no server answers at " + where);
      case CURLE_GOT_NOTHING:
      case CURLE_RECV_ERROR:
      case CURLE_SEND_ERROR:
      case CURLE_PARTIAL_FILE:
        return unavailable("the connection to " + where + " broke off");
      case CURLE_PEER_FAILED_VERIFICATION:
      case CURLE_SSL_CACERT_BADFILE:
      case CURLE_SSL_CERTPROBLEM:
        return unauthenticated(where + ": " + curl_easy_strerror(code));
      case CURLE_URL_MALFORMAT:
      case CURLE_UNSUPPORTED_PROTOCOL:
        return invalid("\"" + where + "\" is no address of a server; expected for example http://127.0.0.1:7070");
      default:
        return unavailable(where + ": " + curl_easy_strerror(code));
    }
  }

  HeaderList prepare(CURL* easy, const Call& call) const {
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_URL, (options_.base_url + call.path).c_str());
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 10'000L);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    if (!options_.unix_socket.empty()) curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, options_.unix_socket.c_str());
    set_tls(easy);
    curl_slist* list = nullptr;
    const auto add = [&list](const std::string& line) { list = curl_slist_append(list, line.c_str()); };
    if (!options_.bearer_token.empty()) add("Authorization: Bearer " + options_.bearer_token);
    for (const auto& [name, value] : options_.headers) add(name + ": " + value);
    for (const auto& [name, value] : call.headers) add(name + ": " + value);
    if (call.method == "HEAD") {
      curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (call.method != "GET" || !call.body.empty()) {
      curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call.method.c_str());
      if (!call.body.empty() || call.method == "POST" || call.method == "PUT" || call.method == "PATCH") {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
        curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, call.body.c_str());
        add("Content-Type: " + call.content_type);
        add("Expect:");
      }
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
    return HeaderList(list);
  }

 private:
  void set_tls(CURL* easy) const {
    const auto blob = [easy](CURLoption option, const std::string& pem) {
      if (pem.empty()) return;
      curl_blob bytes{const_cast<char*>(pem.data()), pem.size(), CURL_BLOB_COPY};
      curl_easy_setopt(easy, option, &bytes);
    };
    blob(CURLOPT_CAINFO_BLOB, options_.ca_pem);
    blob(CURLOPT_SSLCERT_BLOB, options_.certificate_pem);
    blob(CURLOPT_SSLKEY_BLOB, options_.key_pem);
    if (options_.insecure_skip_verify) {
      curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
      curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
  }

  Easy take_easy() {
    Lock lock(mutex_);
    if (idle_.empty()) return Easy(curl_easy_init());
    Easy easy = std::move(idle_.back());
    idle_.pop_back();
    return easy;
  }

  void give_back(Easy easy) {
    Lock lock(mutex_);
    if (idle_.size() < 32) idle_.push_back(std::move(easy));
  }

  const ClientOptions options_;
  Mutex mutex_;
  std::vector<Easy> idle_ GUARDED_BY(mutex_);
};

class CurlReading final : public Client::Reading {
 public:
  CurlReading(CurlClient& client, const Call& call)
      : client_(client), call_(call), easy_(curl_easy_init()), multi_(curl_multi_init()) {
    list_ = client.prepare(easy_.get(), call);
    curl_easy_setopt(easy_.get(), CURLOPT_WRITEFUNCTION, append_body);
    curl_easy_setopt(easy_.get(), CURLOPT_WRITEDATA, &bytes_);
    curl_easy_setopt(easy_.get(), CURLOPT_HEADERFUNCTION, got_header);
    curl_easy_setopt(easy_.get(), CURLOPT_HEADERDATA, this);
    curl_multi_add_handle(multi_, easy_.get());
  }
  ~CurlReading() override {
    curl_multi_remove_handle(multi_, easy_.get());
    easy_.reset();
    curl_multi_cleanup(multi_);
  }

  int status() const override { return status_; }
  const Headers& headers() const override { return headers_; }

  Result<void> wait_for_head() {
    while (!head_done_ && !done_) {
      TRY(turn(call_.deadline));
    }
    return result_;
  }

  Result<std::string> read(Deadline deadline) override {
    while (bytes_.empty()) {
      if (done_ && !result_.has_value()) return result_.error();
      if (done_ || cancelled_) return std::string();
      TRY(turn(deadline));
    }
    return std::exchange(bytes_, std::string());
  }

  void cancel() override {
    cancelled_ = true;
    curl_multi_wakeup(multi_);
  }

 private:
  static std::size_t got_header(char* bytes, std::size_t size, std::size_t count, void* to) {
    auto& self = *static_cast<CurlReading*>(to);
    const std::string_view line = trim(std::string_view(bytes, size * count));
    if (line.empty()) {
      long status = 0;
      curl_easy_getinfo(self.easy_.get(), CURLINFO_RESPONSE_CODE, &status);
      self.status_ = static_cast<int>(status);
      if (status >= 200) self.head_done_ = true;
    }
    return append_header(bytes, size, count, &self.headers_);
  }

  // One round of curl: moves what can be moved, else waits until something can.
  Result<void> turn(Deadline deadline) {
    int running = 0;
    curl_multi_perform(multi_, &running);
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      done_ = true;
      if (message->data.result != CURLE_OK) result_ = client_.failure(message->data.result, call_);
      long status = 0;
      curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
      if (status != 0) status_ = static_cast<int>(status);
    }
    if (done_ || !bytes_.empty() || cancelled_) return {};
    const std::int64_t wait = deadline.left_ms();
    if (wait == 0) return timed_out(client_.about(call_) + ": nothing came in time");
    curl_multi_poll(multi_, nullptr, 0, static_cast<int>(std::min<std::int64_t>(wait, 60'000)), nullptr);
    return {};
  }

  CurlClient& client_;
  const Call call_;
  Easy easy_;
  CURLM* multi_;
  HeaderList list_;
  std::string bytes_;
  Headers headers_;
  int status_ = 0;
  bool head_done_ = false, done_ = false;
  std::atomic<bool> cancelled_ = false;
  Result<void> result_;
};

Result<std::unique_ptr<Client::Reading>> CurlClient::open(const Call& call) {
  auto reading = std::make_unique<CurlReading>(*this, call);
  TRY(reading->wait_for_head());
  return std::unique_ptr<Reading>(std::move(reading));
}

}  // namespace

Result<std::unique_ptr<Client>> Client::create(ClientOptions options) {
  start_curl();
  while (!options.base_url.empty() && options.base_url.back() == '/') options.base_url.pop_back();
  if (!options.base_url.starts_with("http://") && !options.base_url.starts_with("https://")) {
    return invalid("\"" + options.base_url +
                   "\" is no address of a server; expected for example http://127.0.0.1:7070");
  }
  return std::unique_ptr<Client>(std::make_unique<CurlClient>(std::move(options)));
}

}  // namespace muster::net
