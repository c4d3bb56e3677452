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
  net::ClientOptions options;
  options.bearer_token = settings.value("token");
  const auto use_socket = [&](const std::string& path) {
    options.base_url = "http://muster";
    options.unix_socket = path;
    server->where_ = path;
    server->found_by_ = "socket";
  };
  std::string endpoint;
  if (settings.value("url").empty()) {
    const Result<json::Value> file = json::parse(content_or_nothing(data + "/endpoint.json"));
    if (file.has_value()) endpoint = json::text_or(*file, "/url");
  }
  if (!settings.value("url").empty()) {
    options.base_url = settings.value("url");
    server->where_ = options.base_url;
    server->found_by_ = "url";
    server->is_local_ = is_loopback(options.base_url);
    // The token of this machine's owner is nobody else's business.
    if (options.bearer_token.empty() && server->is_local_)
      options.bearer_token = content_or_nothing(data + "/owner.token");
  } else if (!endpoint.empty()) {
    options.base_url = endpoint;
    server->where_ = endpoint;
    server->found_by_ = "endpoint.json";
    if (options.bearer_token.empty()) options.bearer_token = content_or_nothing(data + "/owner.token");
  } else if (is_socket(data + "/muster.sock")) {
    use_socket(data + "/muster.sock");
  } else if (settings.at("data").origin == Setting::Origin::Default && is_socket(around.system_socket)) {
    use_socket(around.system_socket);
  } else {
    return unavailable("no Muster server runs on this machine (looked in " + data +
                       "); start one with \"muster up\", or name one with MUSTER_URL and MUSTER_TOKEN");
  }
  while (options.base_url.ends_with('/')) options.base_url.pop_back();
  server->client_ = TRY(net::Client::create(std::move(options)));
  return server;
}

Error Server::unreachable(const Error& error) const {
  if (error.kind != ErrorKind::Unavailable) return error;
  return unavailable("no Muster server answers at " + where_ +
                     (is_local_ ? "; start it with \"muster up\"" : "; check MUSTER_URL") + " (" + error.text + ")");
}

Result<json::Value> Server::call(std::string_view method, std::string_view path, const json::Value* body) {
  net::Call call{.method = std::string(method), .path = std::string(path), .deadline = Deadline::in(call_time)};
  if (body != nullptr) call.body = json::write(*body);
  const Result<net::Answer> answer = client_->call(call);
  if (!answer.has_value()) return unreachable(answer.error());
  if (answer->status >= 400) return error_of_answer(answer->status, answer->body);
  if (answer->body.empty()) return json::Value(nullptr);
  return json::parse(answer->body, {.depth = 64, .bytes = 256U << 20}).at("answer of " + where_ + std::string(path));
}

Result<json::Array> Server::all(std::string_view path, std::string_view items) {
  json::Array out;
  for (std::size_t offset = 0;;) {
    const std::string page = std::string(path) + (path.find('?') == std::string_view::npos ? "?" : "&") +
                             "limit=500&offset=" + std::to_string(offset);
    const json::Value body = TRY(get(page));
    const json::Value* list = json::member(body, items);
    if (list == nullptr || !list->is_array())
      return internal("answer of " + where_ + std::string(path) + ": \"" + std::string(items) + "\" is missing");
    for (const json::Value& item : list->get_array()) out.push_back(item);
    const std::optional<std::int64_t> next = json::integer_at(body, "/next");
    if (!next || list->get_array().empty() || *next <= static_cast<std::int64_t>(offset)) return out;
    offset = static_cast<std::size_t>(*next);
  }
}

Result<std::unique_ptr<net::Client::Reading>> Server::open(std::string_view path, const net::Headers& headers) {
  net::Call call{.path = std::string(path), .headers = headers, .deadline = Deadline::in(call_time)};
  Result<std::unique_ptr<net::Client::Reading>> reading = client_->open(call);
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
