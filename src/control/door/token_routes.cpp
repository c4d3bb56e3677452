// Signing in: tokens for programs, one-use links and sessions for browsers (interface 5).
#include "base/text.h"
#include "control/door/routes.h"

namespace muster::control {
namespace {

// Members are matched without regard to case: the published Python client writes AppId where the contract says appID.
std::string text_of(const json::Value& body, std::string_view name) {
  if (!body.is_object()) return {};
  for (const auto& [key, value] : body.get_object()) {
    if (to_lower(key) == name && value.is_string()) return std::string(value.get_string());
  }
  return {};
}

Result<net::Response> issue_token(Plane& plane, const net::Request& request) {
  const json::Value body = TRY(read_body(request));
  const std::string grant = text_of(body, "granttype");
  std::string id, secret;
  if (grant == "app_token") {
    id = text_of(body, "appid");
    secret = text_of(body, "appsecret");
  } else if (grant == "client_credentials") {
    id = text_of(body, "clientid");
    secret = text_of(body, "clientsecret");
  } else {
    return invalid("grantType \"" + grant.substr(0, 40) + "\" is not offered; expected app_token or client_credentials",
                   "/grantType");
  }
  const Access::Grant made = TRY(plane.access->issue_token(id, secret));
  return net::json_response(200, json::Object{{"accessToken", made.token}, {"expiresIn", made.lifetime.ms / 1000}});
}

Result<net::Response> sign_in(Plane& plane, const net::Request& request) {
  const json::Value body = TRY(read_body(request));
  const Access::Session session = TRY(plane.access->sign_in(json::text_or(body, "/code")));
  const std::string common = "; Path=/; SameSite=Strict; Max-Age=" + std::to_string(session.lifetime.ms / 1000) +
                             (plane.access->is_https() ? "; Secure" : "");
  net::Response response = net::json_response(200, json::Object{{"name", session.name}});
  response.headers.emplace_back("Set-Cookie", "muster_session=" + session.token + common + "; HttpOnly");
  response.headers.emplace_back("Set-Cookie", "muster_csrf=" + session.csrf + common);
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

Result<net::Response> sign_out(Plane& plane, const Caller& caller) {
  TRY(plane.access->sign_out(caller));
  net::Response response;
  response.status = 204;
  response.headers.emplace_back("Set-Cookie", "muster_session=; Path=/; SameSite=Strict; Max-Age=0; HttpOnly");
  response.headers.emplace_back("Set-Cookie", "muster_csrf=; Path=/; SameSite=Strict; Max-Age=0");
  return response;
}

net::Handler open(Plane& plane, Result<net::Response> (*handle)(Plane&, const net::Request&)) {
  return [&plane, handle](const net::Request& request) {
    Result<net::Response> answer = handle(plane, request);
    return answer.has_value() ? *std::move(answer) : net::error_response(answer.error());
  };
}

}  // namespace

void add_token_routes(Routes& routes) {
  Plane& plane = routes.plane();
  routes.router().add_open("POST", "/api/v1/token", open(plane, issue_token));
  routes.router().add_open("POST", "/api/muster/v1/signin", open(plane, sign_in));
  routes.add("POST", "/api/muster/v1/signout",
             [&plane](const Caller& caller, const net::Request&) { return sign_out(plane, caller); });
  routes.add("POST", "/api/muster/v1/login-links",
             [&plane](const Caller& caller, const net::Request&) -> Result<net::Response> {
               const std::string url = plane.access->sign_in_url({.name = caller.name, .uid = caller.uid});
               net::Response response = net::json_response(200, json::Object{{"signInUrl", url}});
               response.headers.emplace_back("Cache-Control", "no-store");
               return response;
             });
}

}  // namespace muster::control
