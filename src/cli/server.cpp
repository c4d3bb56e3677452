#include "cli/server.h"

#include <sys/stat.h>

#include "base/config.h"
#include "base/file.h"
#include "base/text.h"

namespace muster::cli {
namespace {

constexpr Duration call_time = seconds(30);

bool is_loopback(std::string_view url) {
  const std::size_t start = url.find("://");
  if (start == std::string_view::npos) return false;
  std::string_view host = url.substr(start + 3);
  host = host.substr(0, host.find('/'));
  return host.starts_with("127.") || host.starts_with("localhost:") || host == "localhost" || host.starts_with("[::1]");
}

bool is_socket(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode);
}

// A small file that may be missing or not ours to read.
std::string content_or_nothing(const std::string& path) {
  const Result<std::string> bytes = read_file(path, 1 << 16);
  return bytes.has_value() ? std::string(trim(*bytes)) : "";
}

// Where endpoint.json says that the server is; "" when it says nothing.
std::string url_in(const std::string& data) {
  const Result<json::Value> file = json::parse(content_or_nothing(data + "/endpoint.json"));
  return file.has_value() ? json::text_or(*file, "/url") : "";
}

}  // namespace

Error error_of_answer(int status, std::string_view body) {
  Error error{.kind = kind_of_status(status), .status = status};
  const Result<json::Value> value = json::parse(body);
  if (value.has_value()) {
    error.text = json::text_or(*value, "/message");
    error.pointer = json::text_or(*value, "/pointer");
    if (const std::string details = json::text_or(*value, "/details"); !details.empty() && details != error.text)
      error.text += (error.text.empty() ? "" : ": ") + details;
  }
  if (error.text.empty()) error.text = "the server answered " + std::to_string(status);
  return error;
}

Result<std::unique_ptr<Server>> Server::find(const Config& settings, const Surroundings& around) {
  std::unique_ptr<Server> server(new Server);
  const std::string data = settings.value("data");
  const std::string owner_token = data + "/owner.token";
  net::ClientOptions& options = server->options_;
  options.bearer_token = settings.value("token");
  // By this the server knows that a submission came from the command line.
  options.headers.emplace_back("User-Agent", "muster/" MUSTER_VERSION);
  std::string where;
  const auto use_socket = [&](const std::string& path) {
    options.base_url = "http://muster";
    options.unix_socket = where = path;
  };
  const std::string endpoint = settings.value("url").empty() ? url_in(data) : "";
  if (!settings.value("url").empty()) {
    options.base_url = where = settings.value("url");
    server->is_local_ = is_loopback(where);
    // The token of this machine's owner is nobody else's business.
    if (options.bearer_token.empty() && server->is_local_) options.bearer_token = content_or_nothing(owner_token);
  } else if (!endpoint.empty()) {
    options.base_url = where = endpoint;
    server->data_ = data;
    if (options.bearer_token.empty()) options.bearer_token = content_or_nothing(owner_token);
  } else if (is_socket(data + "/muster.sock")) {
    use_socket(data + "/muster.sock");
  } else if (settings.at("data").origin == Setting::Origin::Default && is_socket(around.system_socket)) {
    use_socket(around.system_socket);
  } else {
    return unavailable("no Muster server runs on this machine (looked in " + data +
                       "); start one with \"muster up\", or name one with MUSTER_URL and MUSTER_TOKEN");
  }
  while (options.base_url.ends_with('/')) options.base_url.pop_back();
  std::shared_ptr<net::Client> client = TRY(net::Client::create(options));
  Lock lock(server->mutex_);
  server->client_ = std::move(client);
  server->where_ = where;
  return server;
}

std::string Server::where() const {
  Lock lock(mutex_);
  return where_;
}

std::shared_ptr<net::Client> Server::client() const {
  Lock lock(mutex_);
  return client_;
}

bool Server::has_moved() {
  if (data_.empty()) return false;
  const std::string url = url_in(data_);
  Lock lock(mutex_);
  if (url.empty() || url == where_) return false;
  options_.base_url = url;
  Result<std::unique_ptr<net::Client>> made = net::Client::create(options_);
  if (!made.has_value()) return false;
  client_ = std::move(*made);
  where_ = url;
  return true;
}

Error Server::unreachable(const Error& error) const {
  if (error.kind != ErrorKind::Unavailable) return error;
  return unavailable("no Muster server answers at " + where() +
                     (is_local_ ? "; start it with \"muster up\"" : "; check MUSTER_URL"));
}

Result<net::Answer> Server::ask(const net::Call& call) {
  Result<net::Answer> answer = client()->call(call);
  if (!answer.has_value() && answer.error().kind == ErrorKind::Unavailable && has_moved())
    answer = client()->call(call);
  if (!answer.has_value()) return unreachable(answer.error());
  return answer;
}

Result<json::Value> Server::call(std::string_view method, std::string_view path, const json::Value* body) {
  net::Call call{.method = std::string(method), .path = std::string(path), .deadline = Deadline::in(call_time)};
  if (body != nullptr) call.body = json::write(*body);
  const net::Answer answer = TRY(ask(call));
  if (answer.status >= 400) return error_of_answer(answer.status, answer.body);
  if (answer.body.empty()) return json::Value(nullptr);
  return json::parse(answer.body, {.depth = 64, .bytes = 256U << 20}).at("answer of " + where() + std::string(path));
}

Result<json::Array> Server::all(std::string_view path, std::string_view items) {
  json::Array out;
  for (std::size_t offset = 0;;) {
    const std::string page = std::string(path) + (path.find('?') == std::string_view::npos ? "?" : "&") +
                             "limit=500&offset=" + std::to_string(offset);
    const json::Value body = TRY(get(page));
    const json::Value* list = json::member(body, items);
    if (list == nullptr || !list->is_array())
      return internal("answer of " + where() + std::string(path) + ": \"" + std::string(items) + "\" is missing");
    for (const json::Value& item : list->get_array()) out.push_back(item);
    const std::optional<std::int64_t> next = json::integer_at(body, "/next");
    if (!next || list->get_array().empty() || *next <= static_cast<std::int64_t>(offset)) return out;
    offset = static_cast<std::size_t>(*next);
  }
}

Result<std::unique_ptr<net::Client::Reading>> Server::open(std::string_view path, const net::Headers& headers) {
  net::Call call{.path = std::string(path), .headers = headers, .deadline = Deadline::in(call_time)};
  Result<std::unique_ptr<net::Client::Reading>> reading = client()->open(call);
  if (!reading.has_value() && reading.error().kind == ErrorKind::Unavailable && has_moved())
    reading = client()->open(call);
  if (!reading.has_value()) return unreachable(reading.error());
  if ((*reading)->status() < 400) return reading;
  std::string body;
  for (const Deadline deadline = Deadline::in(seconds(5)); body.size() < 65536;) {
    const Result<std::string> bytes = (*reading)->read(deadline);
    if (!bytes.has_value() || bytes->empty()) break;
    body += *bytes;
  }
  return error_of_answer((*reading)->status(), body);
}

}  // namespace muster::cli
