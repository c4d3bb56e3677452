#include <algorithm>
#include <set>

#include "base/check.h"
#include "base/text.h"
#include "net/server.h"

namespace muster::net {
namespace {

std::vector<std::string> parts_of(std::string_view path) {
  std::vector<std::string> parts;
  if (path.starts_with('/')) path.remove_prefix(1);
  for (const std::string_view part : split(path, '/')) parts.emplace_back(part);
  return parts;
}

bool is_parameter(const std::string& part) { return part.size() > 2 && part.front() == '{' && part.back() == '}'; }

bool takes_rest(const std::string& part) { return is_parameter(part) && part[part.size() - 2] == '*'; }

// 0 = no match; else one more than the number of literal parts, so that the most literal route wins.
int match(const std::vector<std::string>& route, const std::vector<std::string>& path) {
  int literals = 1;
  for (std::size_t i = 0; i < route.size(); ++i) {
    if (takes_rest(route[i])) return literals;
    if (i >= path.size()) return 0;
    if (is_parameter(route[i])) {
      if (path[i].empty()) return 0;
      continue;
    }
    if (route[i] != path[i]) return 0;
    literals += 2;
  }
  return route.size() == path.size() ? literals + 1 : 0;
}

}  // namespace

const std::string& Request::param(std::string_view name) const {
  for (const auto& [key, value] : params) {
    if (key == name) return value;
  }
  CHECK(false, "a handler asks only for the parameters of its route");
  return path;
}

const std::string* Request::query_value(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::string Request::cookie(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (to_lower(key) != "cookie") continue;
    for (const std::string_view part : split(value, ';')) {
      const std::string_view pair = trim(part);
      const std::size_t equals = pair.find('=');
      if (equals != std::string_view::npos && pair.substr(0, equals) == name)
        return std::string(pair.substr(equals + 1));
    }
  }
  return {};
}

Response json_response(int status, const json::Value& body) {
  Response response;
  response.status = status;
  response.body = json::write(body);
  return response;
}

Response error_response(const Error& error) {
  const int status = http_status(error);
  json::Object body{{"code", status}, {"message", error.text}};
  if (!error.pointer.empty()) body["pointer"] = error.pointer;
  return json_response(status, body);
}

void Router::add(const std::string& method, const std::string& path, Handler handler) {
  routes_.push_back({method, parts_of(path), std::move(handler), false});
}

void Router::add_open(const std::string& method, const std::string& path, Handler handler) {
  routes_.push_back({method, parts_of(path), std::move(handler), true});
}

void Router::add_filter(Filter filter) { filters_.push_back(std::move(filter)); }

void Router::set_fallback(Handler handler, std::vector<std::string> not_below) {
  fallback_ = std::move(handler);
  not_below_ = std::move(not_below);
}

Response Router::dispatch(Request& request) const {
  const std::vector<std::string> path = parts_of(request.path);
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  const Route* best = nullptr;
  int best_score = 0;
  std::set<std::string> allowed;
  for (const Route& route : routes_) {
    const int score = match(route.parts, path);
    if (score == 0) continue;
    allowed.insert(route.method);
    if (route.method == method && score > best_score) {
      best = &route;
      best_score = score;
    }
  }
  const bool falls_back = best == nullptr && allowed.empty() && method == "GET" && fallback_ != nullptr &&
                          std::none_of(not_below_.begin(), not_below_.end(),
                                       [&](const std::string& prefix) { return request.path.starts_with(prefix); });
  request.is_open_route = best != nullptr ? best->open : falls_back;
  for (const Filter& filter : filters_) {
    if (std::optional<Response> ended = filter(request)) return *std::move(ended);
  }
  if (best == nullptr && !allowed.empty()) {
    std::string list;
    for (const std::string& one : allowed) list += (list.empty() ? "" : ", ") + one;
    Response response = json_response(
        405, json::Object{{"code", 405},
                          {"message", request.method + " is not possible on " + request.path + "; it takes " + list}});
    response.headers.emplace_back("Allow", list);
    return response;
  }
  if (best == nullptr) {
    if (falls_back) return fallback_(request);
    return error_response(not_found("there is no " + request.method + " " + request.path));
  }
  for (std::size_t i = 0; i < best->parts.size(); ++i) {
    const std::string& part = best->parts[i];
    if (takes_rest(part)) {
      std::string rest;
      for (std::size_t j = i; j < path.size(); ++j) rest += (j > i ? "/" : "") + path[j];
      request.params.emplace_back(part.substr(1, part.size() - 3), rest);
    } else if (is_parameter(part)) {
      request.params.emplace_back(part.substr(1, part.size() - 2), path[i]);
    }
  }
  return best->handler(request);
}

}  // namespace muster::net
