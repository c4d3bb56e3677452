#include "base/contract.h"

#include <map>
#include <memory>
#include <optional>

#include "base/check.h"
#include "base/embedded.h"
#include "base/text.h"
#include "base/threads.h"
#include "base/yaml.h"

namespace muster::contract {
namespace {

// Where an operation stands.
struct Place {
  std::string file, pointer;
};

class Shelf {
 public:
  const json::Value* document(std::string_view path) EXCLUDES(mutex_) {
    Lock lock(mutex_);
    return read(std::string(path));
  }

  const Schema* schema(std::string_view path, std::string_view pointer, Schema::Options options) EXCLUDES(mutex_) {
    Lock lock(mutex_);
    const std::string key = std::string(path) + "#" + std::string(pointer);
    if (const auto known = schemas_.find(key); known != schemas_.end()) return known->second.get();
    std::unique_ptr<Schema>& made = schemas_[key];
    const json::Value* document = read(std::string(path));
    if (document == nullptr || json::find(*document, pointer) == nullptr) return nullptr;
    Result<Schema> schema = Schema::load(*document, pointer, options);
    CHECK(schema.has_value(),
          schema.has_value() ? "" : ("a contract of ours: " + key + ": " + schema.error().text).c_str());
    made = std::make_unique<Schema>(*std::move(schema));
    return made.get();
  }

  // The operation that a method and path mean; literal parts win over parameters.
  std::optional<Place> operation(std::string_view method, std::string_view path) EXCLUDES(mutex_) {
    Lock lock(mutex_);
    const std::string key = to_lower(method) + " " + std::string(path);
    if (const auto known = operations_.find(key); known != operations_.end()) return known->second;
    std::optional<Place> best;
    std::size_t best_literals = 0;
    for (const embedded::File& file : embedded::contracts()) {
      if (!file.path.starts_with("openapi/")) continue;
      const json::Value* paths = json::find(*read(std::string(file.path)), "/paths");
      if (paths == nullptr || !paths->is_object()) continue;
      for (const auto& [known, methods] : paths->get_object()) {
        const std::optional<std::size_t> literals = literals_of_match(known, path);
        if (!literals || json::member(methods, to_lower(method)) == nullptr) continue;
        if (best && *literals <= best_literals) continue;
        best = Place{std::string(file.path), "/paths/" + json::escape_step(known) + "/" + to_lower(method)};
        best_literals = *literals;
      }
    }
    // Paths from the wire are without end: only templates and literals are kept.
    if (operations_.size() < 1000) operations_[key] = best;
    return best;
  }

 private:
  // How many parts are literally the same; nullopt when the paths do not match.
  static std::optional<std::size_t> literals_of_match(std::string_view known, std::string_view path) {
    const std::vector<std::string_view> a = split(known, '/'), b = split(path, '/');
    if (a.size() != b.size()) return std::nullopt;
    std::size_t literals = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const bool is_parameter = a[i].starts_with('{');
      if (!is_parameter && a[i] != b[i]) return std::nullopt;
      literals += !is_parameter;
    }
    return literals;
  }

  const json::Value* read(const std::string& path) REQUIRES(mutex_) {
    if (const auto known = documents_.find(path); known != documents_.end()) return known->second.get();
    for (const embedded::File& file : embedded::contracts()) {
      if (file.path != path) continue;
      Result<json::Value> parsed = path.ends_with(".json")
                                       ? json::parse(file.bytes, {.depth = 64, .bytes = 16U << 20})
                                       : yaml::parse(file.bytes, {.bytes = 16U << 20, .nodes = 1'000'000});
      CHECK(parsed.has_value(),
            parsed.has_value() ? "" : ("a contract of ours: " + path + ": " + parsed.error().text).c_str());
      return (documents_[path] = std::make_unique<json::Value>(*std::move(parsed))).get();
    }
    return nullptr;
  }

  Mutex mutex_;
  std::map<std::string, std::unique_ptr<json::Value>> documents_ GUARDED_BY(mutex_);
  std::map<std::string, std::unique_ptr<Schema>> schemas_ GUARDED_BY(mutex_);
  std::map<std::string, std::optional<Place>> operations_ GUARDED_BY(mutex_);
};

Shelf& shelf() {
  static Shelf instance;
  return instance;
}

// The pointer below `pointer`, or where the reference there points.
std::string followed(const json::Value& document, std::string pointer) {
  const json::Value* at = json::find(document, pointer);
  const json::Value* ref = at != nullptr ? json::member(*at, "$ref") : nullptr;
  if (ref == nullptr || !ref->is_string()) return pointer;
  return std::string(std::string_view(ref->get_string()).substr(1));
}

}  // namespace

const json::Value* document(std::string_view path) { return shelf().document(path); }

std::vector<std::string> paths_below(std::string_view folder) {
  std::vector<std::string> paths;
  for (const embedded::File& file : embedded::contracts()) {
    if (file.path.starts_with(folder)) paths.emplace_back(file.path);
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

const Schema* schema_at(std::string_view path, std::string_view pointer, Schema::Options options) {
  return shelf().schema(path, pointer, options);
}

const Schema* request_schema(std::string_view method, std::string_view path) {
  const std::optional<Place> place = shelf().operation(method, path);
  if (!place) return nullptr;
  const json::Value& file = *document(place->file);
  // A body that is another request's.
  if (const std::optional<std::string> other = json::text_at(file, place->pointer + "/x-request-of")) {
    const std::vector<std::string_view> words = split(*other, ' ');
    return words.size() == 2 ? request_schema(words[0], words[1]) : nullptr;
  }
  return schema_at(place->file, followed(file, place->pointer + "/requestBody") + "/content/application~1json/schema",
                   {});
}

const Schema* response_schema(std::string_view method, std::string_view path, int status) {
  const std::optional<Place> place = shelf().operation(method, path);
  if (!place) return nullptr;
  const json::Value& file = *document(place->file);
  const std::string pointer = followed(file, place->pointer + "/responses/" + std::to_string(status));
  return schema_at(place->file, pointer + "/content/application~1json/schema", {});
}

}  // namespace muster::contract
