#include "apps/console.h"

#include <array>

#include "base/embedded.h"

namespace muster::apps {
namespace {

std::string_view type_of(std::string_view path) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 9> types = {
      {{".html", "text/html; charset=utf-8"},
       {".js", "text/javascript"},
       {".css", "text/css"},
       {".svg", "image/svg+xml"},
       {".png", "image/png"},
       {".woff2", "font/woff2"},
       {".json", "application/json"},
       {".ico", "image/x-icon"},
       {".txt", "text/plain"}}};
  for (const auto& [ending, type] : types) {
    if (path.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

const embedded::File* find_file(std::string_view path) {
  for (const embedded::File& file : embedded::console()) {
    if (file.path == path) return &file;
  }
  return nullptr;
}

}  // namespace

net::Response serve_console(const net::Request& request) {
  std::string_view path = request.path;
  while (path.starts_with('/')) path.remove_prefix(1);
  const embedded::File* file = find_file(path);
  // Names below assets/ carry a hash of their bytes; everything without a file of its own is a page that the console
  // draws.
  const bool hashed = path.starts_with("assets/");
  if (file == nullptr && !hashed) file = find_file("index.html");
  if (file == nullptr) {
    if (hashed) return net::error_response(not_found("there is no " + request.path));
    net::Response plain;
    plain.content_type = "text/plain; charset=utf-8";
    plain.body = "This build of Muster has no web console; the command line works: muster --help\n";
    return plain;
  }
  net::Response response;
  response.content_type = std::string(type_of(file->path));
  response.body = std::string(file->bytes);
  response.headers = {{"Cache-Control", hashed ? "public, max-age=31536000, immutable" : "no-cache"},
                      {"Content-Security-Policy",
                       "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors "
                       "'none'; base-uri 'none'; form-action 'self'"},
                      {"Referrer-Policy", "no-referrer"},
                      {"X-Frame-Options", "DENY"}};
  return response;
}

}  // namespace muster::apps
