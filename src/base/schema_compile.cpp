// From a document to nodes: $ref is followed and allOf merged, so that one node knows every field of its object.
// Recursive schemas end because a node is made once for each set of places that it is merged from.

#include <map>
#include <set>

#include "base/schema_node.h"

namespace muster::schema {
namespace {

// A schema object of the document and where it stands.
struct Source {
  const json::Value* value = nullptr;
  std::string pointer;
  friend bool operator<(const Source& a, const Source& b) { return a.pointer < b.pointer; }
};
using Sources = std::vector<Source>;

Error wrong(const std::string& pointer, const std::string& why) {
  return invalid("schema " + (pointer.empty() ? std::string("document") : pointer) + ": " + why, pointer);
}

class Compiler {
 public:
  Compiler(const json::Value& document, Schema::Options options) : document_(document), options_(options) {}

  Result<std::vector<Node>> run(std::string_view pointer) {
    const json::Value* root = json::find(document_, pointer);
    if (root == nullptr) return wrong(std::string(pointer), "is not in the document");
    TRY(node({{root, std::string(pointer)}}));
    nodes_[0].is_resource = nodes_[0].is_resource || options_.is_resource;
    for (Node& node : nodes_) {
      // Metadata is the API server's, whatever little the schema says of it.
      if (node.is_resource) std::erase_if(node.fields, [](const Field& field) { return field.name == "metadata"; });
    }
    mark_defaults();
    return std::move(nodes_);
  }

 private:
  Result<std::size_t> node(Sources sources) {
    Sources all;
    std::set<std::string> seen;
    for (const Source& source : sources) TRY(expand(source, seen, all));
    std::sort(all.begin(), all.end());
    std::string key;
    for (const Source& source : all) key += source.pointer + "\n";
    if (const auto known = made_.find(key); known != made_.end()) return known->second;
    const std::size_t index = nodes_.size();
    made_.emplace(std::move(key), index);
    nodes_.emplace_back();
    Node out;
    Members members;
    for (const Source& source : all) TRY(absorb(source, out, members));
    TRY(finish(out, members));
    nodes_[index] = std::move(out);
    return index;
  }

  // The source itself, what it refers to and what it is all of.
  Result<void> expand(const Source& source, std::set<std::string>& seen, Sources& out) {
    if (!seen.insert(source.pointer).second) return {};
    const json::Object* object = source.value->if_object();
    if (object == nullptr) return wrong(source.pointer, "expected an object");
    out.push_back(source);
    if (const json::Value* ref = object->if_contains("$ref")) {
      if (!ref->is_string() || !std::string_view(ref->get_string()).starts_with("#/"))
        return wrong(source.pointer + "/$ref",
                     "expected a reference into this document, such as #/components/schemas/X");
      const std::string pointer(std::string_view(ref->get_string()).substr(1));
      const json::Value* target = json::find(document_, pointer);
      if (target == nullptr) return wrong(source.pointer + "/$ref", pointer + " is not in the document");
      TRY(expand({target, pointer}, seen, out));
    }
    if (const json::Value* all = object->if_contains("allOf")) {
      if (!all->is_array()) return wrong(source.pointer + "/allOf", "expected a list");
      std::size_t i = 0;
      for (const json::Value& part : all->get_array())
        TRY(expand({&part, source.pointer + "/allOf/" + std::to_string(i++)}, seen, out));
    }
    return {};
  }

  // What the sources of one node say of fields and items, before those become nodes.
  struct Members {
    std::map<std::string, Sources> fields;
    Sources items, rest;
    bool is_closed = false, keeps = false, is_free = false;
  };

  Result<void> absorb(const Source& source, Node& out, Members& members) {
    const json::Object& object = source.value->get_object();
    TRY(absorb_type(source, object, out));
    TRY(absorb_fields(source, object, out, members));
    TRY(absorb_text(source, object, out));
    TRY(absorb_bounds(source, object, out));
    TRY(absorb_lists(source, object, out));
    TRY(absorb_junctors(source, object, out));
    const json::Value* choices = object.if_contains("enum");
    if (choices != nullptr) {
      if (!choices->is_array()) return wrong(source.pointer + "/enum", "expected a list");
      const std::vector<json::Value> listed(choices->get_array().begin(), choices->get_array().end());
      if (out.choices.empty()) {
        out.choices = listed;
      } else {
        std::erase_if(out.choices, [&](const json::Value& choice) {
          return std::find(listed.begin(), listed.end(), choice) == listed.end();
        });
      }
      std::erase_if(out.choices, [](const json::Value& choice) { return choice.is_null(); });
    }
    if (const json::Value* otherwise = object.if_contains("default"); otherwise != nullptr) out.otherwise = *otherwise;
    return {};
  }

  Result<void> absorb_type(const Source& source, const json::Object& object, Node& out) {
    static const std::map<std::string_view, Type> types = {{"object", Type::Object}, {"array", Type::Array},
                                                           {"string", Type::String}, {"integer", Type::Integer},
                                                           {"number", Type::Number}, {"boolean", Type::Boolean}};
    if (const json::Value* type = object.if_contains("type")) {
      const auto known = type->is_string() ? types.find(std::string_view(type->get_string())) : types.end();
      if (known == types.end())
        return wrong(source.pointer + "/type", "expected object, array, string, integer, number or boolean");
      if (out.type != Type::Any && out.type != known->second)
        return wrong(source.pointer + "/type", "contradicts the type of another part of allOf");
      out.type = known->second;
    }
    out.nullable = out.nullable || flag(object, "nullable");
    out.int_or_string = out.int_or_string || flag(object, "x-kubernetes-int-or-string");
    out.is_resource = out.is_resource || flag(object, "x-kubernetes-embedded-resource");
    if (const json::Value* format = object.if_contains("format"); format != nullptr && format->is_string()) {
      const std::string_view name = format->get_string();
      if (name == "uuid") out.format = Format::Uuid;
      if (name == "date-time") out.format = Format::DateTime;
      if (name == "int32") out.format = Format::Int32;
    }
    return {};
  }

  static bool flag(const json::Object& object, std::string_view name) {
    const json::Value* value = object.if_contains(name);
    return value != nullptr && value->is_bool() && value->get_bool();
  }

  Result<void> absorb_fields(const Source& source, const json::Object& object, Node& out, Members& members) {
    if (const json::Value* fields = object.if_contains("properties")) {
      if (!fields->is_object()) return wrong(source.pointer + "/properties", "expected an object");
      members.is_closed = true;
      for (const auto& [name, field] : fields->get_object()) {
        members.fields[std::string(name)].push_back(
            {&field, source.pointer + "/properties/" + json::escape_step(name)});
      }
    }
    if (const json::Value* required = object.if_contains("required")) {
      if (!required->is_array()) return wrong(source.pointer + "/required", "expected a list of names");
      for (const json::Value& name : required->get_array()) {
        if (!name.is_string()) return wrong(source.pointer + "/required", "expected a list of names");
        if (std::find(out.required.begin(), out.required.end(), std::string_view(name.get_string())) ==
            out.required.end())
          out.required.emplace_back(name.get_string());
      }
    }
    if (const json::Value* rest = object.if_contains("additionalProperties")) {
      if (rest->is_bool()) {
        (rest->get_bool() ? members.keeps : members.is_closed) = true;
      } else {
        members.rest.push_back({rest, source.pointer + "/additionalProperties"});
      }
    }
    members.keeps = members.keeps || flag(object, "x-kubernetes-preserve-unknown-fields");
    if (const json::Value* items = object.if_contains("items"))
      members.items.push_back({items, source.pointer + "/items"});
    return {};
  }

  Result<void> absorb_text(const Source& source, const json::Object& object, Node& out) {
    if (const json::Value* pattern = object.if_contains("pattern")) {
      if (!pattern->is_string()) return wrong(source.pointer + "/pattern", "expected a string");
      Result<Pattern> compiled = Pattern::compile(pattern->get_string());
      if (!compiled.has_value()) return wrong(source.pointer + "/pattern", compiled.error().text);
      out.shapes.push_back({std::string(pattern->get_string()), *std::move(compiled)});
    }
    if (const json::Value* expected = object.if_contains("x-expected"); expected != nullptr && expected->is_string())
      out.expected = std::string(expected->get_string());
    return {};
  }

  Result<std::optional<double>> bound(const Source& source, const json::Object& object, std::string_view name) {
    const json::Value* value = object.if_contains(name);
    if (value == nullptr) return std::optional<double>();
    if (!value->is_number()) return wrong(source.pointer + "/" + std::string(name), "expected a number");
    return std::optional<double>(value->to_number<double>());
  }

  Result<void> absorb_bounds(const Source& source, const json::Object& object, Node& out) {
    if (const auto least = TRY(bound(source, object, "minimum"))) {
      if (!out.least || *least >= *out.least) {
        out.least = least;
        out.least_is_excluded = flag(object, "exclusiveMinimum");
      }
    }
    if (const auto most = TRY(bound(source, object, "maximum"))) {
      if (!out.most || *most <= *out.most) {
        out.most = most;
        out.most_is_excluded = flag(object, "exclusiveMaximum");
      }
    }
    if (const auto multiple = TRY(bound(source, object, "multipleOf"))) {
      if (*multiple <= 0) return wrong(source.pointer + "/multipleOf", "expected more than 0");
      out.multiple_of = multiple;
    }
    const auto at_least = [&](std::string_view name, std::size_t& least) -> Result<void> {
      if (const auto value = TRY(bound(source, object, name)); value && *value > 0)
        least = std::max(least, static_cast<std::size_t>(*value));
      return {};
    };
    const auto at_most = [&](std::string_view name, std::size_t& most) -> Result<void> {
      if (const auto value = TRY(bound(source, object, name)); value && *value >= 0 && *value < 1e15)
        most = std::min(most, static_cast<std::size_t>(*value));
      return {};
    };
    TRY(at_least("minLength", out.least_length));
    TRY(at_most("maxLength", out.most_length));
    TRY(at_least("minItems", out.least_items));
    TRY(at_most("maxItems", out.most_items));
    TRY(at_least("minProperties", out.least_fields));
    TRY(at_most("maxProperties", out.most_fields));
    return {};
  }

  Result<void> absorb_lists(const Source& source, const json::Object& object, Node& out) {
    const json::Value* list_type = object.if_contains("x-kubernetes-list-type");
    const bool is_map = list_type != nullptr && *list_type == "map";
    out.unique = out.unique || flag(object, "uniqueItems") || is_map || (list_type != nullptr && *list_type == "set");
    if (!is_map) return {};
    const json::Value* keys = object.if_contains("x-kubernetes-list-map-keys");
    if (keys == nullptr || !keys->is_array())
      return wrong(source.pointer, "x-kubernetes-list-type map needs x-kubernetes-list-map-keys");
    for (const json::Value& key : keys->get_array()) {
      if (key.is_string()) out.map_keys.emplace_back(key.get_string());
    }
    return {};
  }

  Result<void> absorb_junctors(const Source& source, const json::Object& object, Node& out) {
    const auto branches = [&](std::string_view name, std::vector<std::vector<std::size_t>>& lists) -> Result<void> {
      const json::Value* list = object.if_contains(name);
      if (list == nullptr) return {};
      const std::string pointer = source.pointer + "/" + std::string(name);
      if (!list->is_array()) return wrong(pointer, "expected a list");
      std::vector<std::size_t> nodes;
      std::size_t i = 0;
      for (const json::Value& branch : list->get_array())
        nodes.push_back(TRY(node({{&branch, pointer + "/" + std::to_string(i++)}})));
      lists.push_back(std::move(nodes));
      return {};
    };
    // int-or-string says the same as its customary anyOf.
    if (!flag(object, "x-kubernetes-int-or-string")) TRY(branches("anyOf", out.any_of));
    TRY(branches("oneOf", out.one_of));
    if (const json::Value* negated = object.if_contains("not"))
      out.negated.push_back(TRY(node({{negated, source.pointer + "/not"}})));
    return {};
  }

  Result<void> finish(Node& out, Members& members) {
    if (out.type == Type::Any && (!members.fields.empty() || !members.rest.empty())) out.type = Type::Object;
    if (out.type == Type::Any && !members.items.empty()) out.type = Type::Array;
    for (auto& [name, sources] : members.fields) out.fields.push_back({name, TRY(node(std::move(sources)))});
    if (!members.items.empty()) out.items = TRY(node(std::move(members.items)));
    const bool free_form = options_.dialect == Schema::Dialect::OpenApi || out.type != Type::Object;
    if (!members.rest.empty()) {
      out.rest = Rest::Node;
      out.rest_node = TRY(node(std::move(members.rest)));
    } else if (members.keeps) {
      out.rest = Rest::Keep;
    } else {
      out.rest = members.is_closed || !free_form ? Rest::Refuse : Rest::Keep;
    }
    return {};
  }

  // Whether a default stands anywhere below, so that applying defaults can pass by what has none.
  void mark_defaults() {
    for (bool changed = true; changed;) {
      changed = false;
      for (Node& node : nodes_) {
        if (node.has_defaults) continue;
        const auto has = [&](std::size_t i) { return i != none && (nodes_[i].otherwise || nodes_[i].has_defaults); };
        node.has_defaults =
            has(node.items) || has(node.rest_node) ||
            std::any_of(node.fields.begin(), node.fields.end(), [&](const Field& field) { return has(field.node); });
        changed = changed || node.has_defaults;
      }
    }
  }

  const json::Value& document_;
  Schema::Options options_;
  std::vector<Node> nodes_;
  std::map<std::string, std::size_t> made_;
};

}  // namespace

Result<std::vector<Node>> compile(const json::Value& document, std::string_view pointer, Schema::Options options) {
  return Compiler(document, options).run(pointer);
}

}  // namespace muster::schema
