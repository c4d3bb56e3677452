#include "base/schema.h"

#include "base/schema_check.h"
#include "base/schema_node.h"

namespace muster {

using schema::Field;
using schema::Node;
using schema::none;
using schema::Rest;
using schema::Type;

namespace {

std::size_t node_of(const Node& node, std::string_view name) {
  if (const Field* field = node.field(name)) return field->node;
  return node.rest == Rest::Node && !node.knows(name) ? node.rest_node : none;
}

// Kubernetes: a null where no null may be, in a field with a default, is as good as absent.
void put_defaults(const std::vector<Node>& nodes, std::size_t index, json::Value& value) {
  const Node& node = nodes[index];
  if (!node.has_defaults) return;
  if (json::Array* array = value.if_array()) {
    if (node.items == none) return;
    const Node& item_node = nodes[node.items];
    for (json::Value& item : *array) {
      if (item.is_null() && item_node.otherwise && !item_node.nullable) item = *item_node.otherwise;
      put_defaults(nodes, node.items, item);
    }
    return;
  }
  json::Object* object = value.if_object();
  if (object == nullptr) return;
  for (const Field& field : node.fields) {
    const Node& below = nodes[field.node];
    json::Value* there = object->if_contains(field.name);
    if (below.otherwise && (there == nullptr || (there->is_null() && !below.nullable)))
      there = &((*object)[field.name] = *below.otherwise);
    if (there != nullptr) put_defaults(nodes, field.node, *there);
  }
  if (node.rest != Rest::Node) return;
  for (auto& entry : *object) {
    if (node.knows(entry.key())) continue;
    const Node& below = nodes[node.rest_node];
    if (entry.value().is_null() && below.otherwise && !below.nullable) entry.value() = *below.otherwise;
    put_defaults(nodes, node.rest_node, entry.value());
  }
}

void take_out_unknown(const std::vector<Node>& nodes, std::size_t index, json::Value& value, const std::string& pointer,
                      std::vector<std::string>* removed) {
  const Node& node = nodes[index];
  if (json::Array* array = value.if_array()) {
    if (node.items == none) return;
    std::size_t i = 0;
    for (json::Value& item : *array)
      take_out_unknown(nodes, node.items, item, pointer + "/" + std::to_string(i++), removed);
    return;
  }
  json::Object* object = value.if_object();
  if (object == nullptr) return;
  for (auto it = object->begin(); it != object->end();) {
    const std::string_view name = it->key();
    const std::string below = pointer + "/" + json::escape_step(name);
    if (node.rest == Rest::Refuse && !node.knows(name)) {
      if (removed != nullptr) removed->push_back(below);
      it = object->stable_erase(it);
      continue;
    }
    const std::size_t next = node_of(node, name);
    if (next != none) take_out_unknown(nodes, next, it->value(), below, removed);
    ++it;
  }
}

// The node at a pointer; none when the schema has no such field.
std::size_t node_at(const std::vector<Node>& nodes, std::string_view pointer) {
  std::size_t at = 0;
  while (!pointer.empty()) {
    if (pointer[0] != '/') return none;
    pointer.remove_prefix(1);
    const std::size_t end = pointer.find('/');
    std::string step;
    for (std::size_t i = 0; i < pointer.substr(0, end).size(); ++i) {
      if (pointer[i] == '~' && i + 1 < pointer.size() && (pointer[i + 1] == '0' || pointer[i + 1] == '1'))
        step += pointer[++i] == '0' ? '~' : '/';
      else step += pointer[i];
    }
    pointer = end == std::string_view::npos ? std::string_view{} : pointer.substr(end);
    const Node& node = nodes[at];
    at = node.type == Type::Array ? node.items : node_of(node, step);
    if (at == none) return none;
  }
  return at;
}

}  // namespace

Result<Schema> Schema::load(const json::Value& document, std::string_view pointer, Options options) {
  auto compiled = std::make_shared<Compiled>();
  compiled->nodes = TRY(schema::compile(document, pointer, options));
  Schema schema;
  schema.compiled_ = std::move(compiled);
  return schema;
}

Result<void> Schema::validate(const json::Value& value) const {
  std::vector<Error> errors = schema::check(compiled_->nodes, value, 1);
  if (!errors.empty()) return std::move(errors[0]);
  return {};
}

std::vector<Error> Schema::problems(const json::Value& value, std::size_t most) const {
  return schema::check(compiled_->nodes, value, most);
}

void Schema::apply_defaults(json::Value& value) const { put_defaults(compiled_->nodes, 0, value); }

void Schema::prune(json::Value& value, std::vector<std::string>* removed) const {
  take_out_unknown(compiled_->nodes, 0, value, "", removed);
}

std::string Schema::type_at(std::string_view pointer) const {
  const std::size_t at = node_at(compiled_->nodes, pointer);
  if (at == none) return "";
  switch (compiled_->nodes[at].type) {
    case Type::Object:
      return "object";
    case Type::Array:
      return "array";
    case Type::String:
      return "string";
    case Type::Integer:
      return "integer";
    case Type::Number:
      return "number";
    case Type::Boolean:
      return "boolean";
    case Type::Any:
      return "any";
  }
  return "any";
}

std::vector<std::string> Schema::fields_at(std::string_view pointer) const {
  std::vector<std::string> names;
  const std::size_t at = node_at(compiled_->nodes, pointer);
  if (at == none) return names;
  for (const Field& field : compiled_->nodes[at].fields) names.push_back(field.name);
  return names;
}

}  // namespace muster
