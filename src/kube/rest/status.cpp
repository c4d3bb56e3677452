// Reads details.causes for the field, and the message where a server names the field only there.
#include "kube/rest/status.h"

#include "base/text.h"

namespace muster::kube {

namespace {

constexpr std::size_t most_text = 1000;

// `strict decoding error: unknown field "spec.colour"`
std::string unknown_field(std::string_view message) {
  constexpr std::string_view before = "unknown field \"";
  const std::size_t at = message.find(before);
  if (at == std::string_view::npos) return "";
  message.remove_prefix(at + before.size());
  return pointer_of_field(message.substr(0, message.find('"')));
}

}  // namespace

std::string pointer_of_field(std::string_view field) {
  std::string pointer;
  std::string step;
  const auto finish = [&] {
    if (!step.empty()) pointer += "/" + json::escape_step(step);
    step.clear();
  };
  for (std::size_t i = 0; i < field.size(); ++i) {
    if (field[i] == '.') {
      finish();
    } else if (field[i] == '[') {
      finish();
      const std::size_t end = field.find(']', i);
      step = field.substr(i + 1, end == std::string_view::npos ? end : end - i - 1);
      finish();
      if (end == std::string_view::npos) break;
      i = end;
    } else {
      step += field[i];
    }
  }
  finish();
  return pointer;
}

Error error_of_status(std::string_view doing, int status, const json::Value& object) {
  std::string message = json::text_or(object, "/message");
  if (message.size() > most_text) message.resize(most_text);
  Error error;
  error.kind = kind_of_status(status);
  error.text =
      std::string(doing) + ": " + (message.empty() ? "the API server answered " + std::to_string(status) : message);
  error.pointer = pointer_of_field(json::text_or(object, "/details/causes/0/field"));
  if (json::text_or(object, "/details/causes/0/reason") == "FieldValueRequired") {
    // Where something is missing, the pointer of every door of ours is that of the object that lacks it.
    error.pointer.resize(std::min(error.pointer.size(), error.pointer.rfind('/')));
  }
  // In a patch the field of an unknown field is the patch itself.
  if (error.pointer.empty() || error.pointer == "/patch") error.pointer = unknown_field(message);
  error.status = 0;
  if (http_status(error) != status) error.status = status;
  return error;
}

Error error_of_answer(std::string_view doing, int status, std::string_view body) {
  const Result<json::Value> object = json::parse(body, {.depth = 128, .bytes = 16 << 20});
  if (object.has_value() && json::text_or(*object, "/kind") == "Status") return error_of_status(doing, status, *object);
  return error_of_status(doing, status, json::Value(json::Object{{"message", trim(body)}}));
}

}  // namespace muster::kube
