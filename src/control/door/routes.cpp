#include "control/door/routes.h"

#include "base/contract.h"
#include "base/text.h"

namespace muster::control {

void Routes::add(const std::string& method, const std::string& path, Handle handle) {
  router_.add(method, path, [this_plane = &plane_, handle = std::move(handle)](const net::Request& request) {
    const Result<Caller> caller = this_plane->access->caller(request);
    if (!caller.has_value()) return net::error_response(caller.error());
    Result<net::Response> answer = handle(*caller, request);
    return answer.has_value() ? *std::move(answer) : net::error_response(answer.error());
  });
}

void Routes::add_admin(const std::string& method, const std::string& path, Handle handle) {
  add(method, path,
      [handle = std::move(handle)](const Caller& caller, const net::Request& request) -> Result<net::Response> {
        if (!caller.admin) {
          return denied(caller.name + " may not do this; root and members of group muster-admin may");
        }
        return handle(caller, request);
      });
}

Result<json::Value> read_body(const net::Request& request) {
  const std::string* type = request.header("Content-Type");
  if (type != nullptr && !request.body.empty()) {
    const std::string media = to_lower(trim(std::string_view(*type).substr(0, type->find(';'))));
    if (media != "application/json" && !media.ends_with("+json")) {
      Error error = invalid("media type \"" + media.substr(0, 80) + "\" is not taken; send application/json");
      error.status = 415;
      return error;
    }
  }
  json::Value body = json::Object{};
  if (!trim(request.body).empty()) body = TRY(json::parse(request.body));
  // Members of a token request come in any case, which the contract does not know.
  if (const Schema* schema = contract::request_schema(request.method, request.path);
      schema != nullptr && request.path != "/api/v1/token") {
    TRY(schema->validate(body));
  }
  return body;
}

net::Response text_response(int status, std::string json_text) {
  net::Response response;
  response.status = status;
  response.body = std::move(json_text);
  return response;
}

net::Response accepted(const std::string& message) {
  return net::json_response(202, json::Object{{"code", 202}, {"message", message}});
}

}  // namespace muster::control
