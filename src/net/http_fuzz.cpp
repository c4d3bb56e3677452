// Addresses, queries, cookies and event streams from outside: decoded without a crash, and what we encode decodes to
// itself.
#include "base/check.h"
#include "net/server.h"
#include "net/sse.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace muster;
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  ignore(net::parse_query(text), "only crashes count");
  const Result<std::string> decoded = net::decode_component(text, false);
  if (decoded.has_value()) {
    const Result<std::string> again = net::decode_component(net::encode_component(*decoded), false);
    CHECK(again.has_value() && *again == *decoded, "what is encoded decodes to itself");
  }
  net::Request request;
  request.method = "GET";
  request.path = "/" + text;
  request.headers.emplace_back("Cookie", text);
  ignore(Result<std::string>(request.cookie("muster_session")), "only crashes count");
  net::Router router;
  router.add("GET", "/a/{b}/c",
             [](const net::Request& r) { return net::json_response(200, json::Value(r.param("b"))); });
  router.add("GET", "/files/{rest*}",
             [](const net::Request& r) { return net::json_response(200, json::Value(r.param("rest"))); });
  router.dispatch(request);
  net::SseReader reader;
  for (std::size_t at = 0; at < text.size(); at += 3) {
    reader.feed(std::string_view(text).substr(at, 3));
    while (reader.next()) {
    }
  }
  return 0;
}
