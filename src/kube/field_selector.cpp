// The table of supported fields and the reader of the text form.
#include "kube/field_selector.h"

#include <span>

#include "base/text.h"
#include "kube/kinds.h"

namespace muster::kube {

namespace {

struct Field {
  std::string_view kind;
  std::string_view path;
  std::string_view absent = "";
};

constexpr Field supported[] = {
    {"Pod", "spec.nodeName"},
    {"Pod", "spec.restartPolicy"},
    {"Pod", "spec.schedulerName"},
    {"Pod", "spec.serviceAccountName"},
    {"Pod", "spec.hostNetwork", "false"},
    {"Pod", "status.phase"},
    {"Pod", "status.podIP"},
    {"Pod", "status.nominatedNodeName"},
    {"Node", "spec.unschedulable", "false"},
    {"Namespace", "status.phase"},
    {"Secret", "type"},
    {"Service", "spec.clusterIP"},
    {"Service", "spec.type"},
    {"Event", "involvedObject.kind"},
    {"Event", "involvedObject.namespace"},
    {"Event", "involvedObject.name"},
    {"Event", "involvedObject.uid"},
    {"Event", "involvedObject.apiVersion"},
    {"Event", "involvedObject.resourceVersion"},
    {"Event", "involvedObject.fieldPath"},
    {"Event", "reason"},
    {"Event", "reportingComponent"},
    {"Event", "source"},
    {"Event", "type"},
};

const Field* find_field(const Kind& kind, std::string_view path) {
  static constexpr Field everywhere[] = {{"", "metadata.name"}, {"", "metadata.namespace"}};
  for (const Field& field : everywhere) {
    if (field.path == path && (path == "metadata.name" || kind.namespaced)) return &field;
  }
  for (const Field& field : supported) {
    if (field.kind == kind.kind && field.path == path) return &field;
  }
  return nullptr;
}

std::string pointer_of(const Kind& kind, std::string_view path) {
  // Kubernetes' own short name for a nested field.
  if (kind.kind == "Event" && path == "source") return "/source/component";
  std::string pointer = "/" + std::string(path);
  for (char& c : pointer) {
    if (c == '.') c = '/';
  }
  return pointer;
}

// Splits at commas that are not escaped; `\,` `\=` and `\\` stand for the characters themselves.
std::vector<std::string> split_terms(std::string_view text) {
  std::vector<std::string> terms(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      terms.back() += text[i];
      terms.back() += text[++i];
    } else if (text[i] == ',') {
      terms.emplace_back();
    } else {
      terms.back() += text[i];
    }
  }
  return terms;
}

Result<std::string> unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '=') return invalid("an unescaped \"=\" in a value");
    if (text[i] == '\\') {
      if (++i >= text.size() || std::string_view("\\,=").find(text[i]) == std::string_view::npos) {
        return invalid("a backslash stands before \\ , or = only");
      }
    }
    out += text[i];
  }
  return out;
}

std::string read_field(const json::Value& object, const std::string& pointer, const std::string& absent) {
  const json::Value* value = json::find(object, pointer);
  if (value == nullptr || value->is_null()) return absent;
  if (value->is_string()) return std::string(value->get_string());
  return json::write(*value);
}

}  // namespace

Result<FieldSelector> FieldSelector::parse(const Kind& kind, std::string_view text) {
  FieldSelector selector;
  const auto wrong = [&](const std::string& why) {
    return invalid("field selector \"" + std::string(text) + "\" for " + kind.plural + ": " + why);
  };
  for (const std::string& term : split_terms(text)) {
    if (term.empty()) continue;
    const std::size_t at = term.find('=');
    if (at == std::string::npos) return wrong("\"" + term + "\" is no comparison; write field=value or field!=value");
    Term out;
    out.equal = at == 0 || term[at - 1] != '!';
    const std::string path = term.substr(0, out.equal ? at : at - 1);
    std::size_t value_at = at + 1;
    if (out.equal && value_at < term.size() && term[value_at] == '=') ++value_at;
    const Result<std::string> value = unescape(std::string_view(term).substr(value_at));
    if (!value.has_value()) return wrong(value.error().text);
    out.value = *value;
    const Field* field = find_field(kind, path);
    if (field == nullptr) return wrong("field label not supported: " + path);
    out.pointer = pointer_of(kind, path);
    out.absent = field->absent;
    if (path == "metadata.name" && out.equal) selector.name_ = out.value;
    selector.terms_.push_back(std::move(out));
  }
  return selector;
}

bool FieldSelector::matches(const json::Value& object) const {
  for (const Term& term : terms_) {
    if ((read_field(object, term.pointer, term.absent) == term.value) != term.equal) return false;
  }
  return true;
}

}  // namespace muster::kube
