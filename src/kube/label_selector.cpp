// A reader over the characters, one requirement at a time, and the test of one object's labels.
#include "kube/label_selector.h"

#include <charconv>

#include "kube/names.h"

namespace muster::kube {

class LabelSelectorReader {
 public:
  explicit LabelSelectorReader(std::string_view text) : text_(text) {}

  Result<LabelSelector> read() {
    LabelSelector selector;
    skip_space();
    if (at_end()) return selector;
    while (true) {
      selector.requirements_.push_back(TRY(requirement()));
      skip_space();
      if (at_end()) return selector;
      if (!take(',')) return wrong("\",\" or the end");
      skip_space();
    }
  }

 private:
  using Requirement = LabelSelector::Requirement;
  using Op = LabelSelector::Op;

  bool at_end() const { return at_ >= text_.size(); }
  void skip_space() {
    while (!at_end() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string word() {
    skip_space();
    const std::size_t begin = at_;
    while (!at_end() && std::string_view("=!,()<> \t").find(text_[at_]) == std::string_view::npos) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }
  Error wrong(std::string_view expected) const {
    return invalid("label selector \"" + std::string(text_) + "\": expected " + std::string(expected) +
                   " at character " + std::to_string(at_ + 1));
  }

  Result<std::string> key() {
    std::string name = word();
    if (!is_qualified_name(name)) {
      return invalid("label selector \"" + std::string(text_) + "\": \"" + name + "\" is not a label key");
    }
    return name;
  }

  Result<std::string> value() {
    std::string text = word();
    if (!is_label_value(text)) {
      return invalid("label selector \"" + std::string(text_) + "\": \"" + text + "\" is not a label value");
    }
    return text;
  }

  Result<Requirement> requirement() {
    Requirement out;
    if (take('!')) {
      out.op = Op::Absent;
      out.key = TRY(key());
      return out;
    }
    out.key = TRY(key());
    skip_space();
    if (at_end() || text_[at_] == ',') return out;
    if (take('=')) {
      take('=');
      out.op = Op::In;
      out.values.push_back(TRY(value()));
      return out;
    }
    if (take('!')) {
      if (!take('=')) return wrong("\"!=\"");
      out.op = Op::NotIn;
      out.values.push_back(TRY(value()));
      return out;
    }
    if (text_[at_] == '>' || text_[at_] == '<') return compared(std::move(out));
    const std::string op = word();
    if (op != "in" && op != "notin") return wrong("an operator (= == != in notin > <)");
    out.op = op == "in" ? Op::In : Op::NotIn;
    return listed(std::move(out));
  }

  Result<Requirement> compared(Requirement out) {
    out.op = text_[at_++] == '>' ? Op::Greater : Op::Less;
    const std::string number = word();
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), out.bound);
    if (error != std::errc() || end != number.data() + number.size()) return wrong("an integer before");
    return out;
  }

  Result<Requirement> listed(Requirement out) {
    skip_space();
    if (!take('(')) return wrong("\"(\"");
    while (true) {
      out.values.push_back(TRY(value()));
      skip_space();
      if (take(')')) return out;
      if (!take(',')) return wrong("\",\" or \")\"");
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

Result<LabelSelector> LabelSelector::parse(std::string_view text) { return LabelSelectorReader(text).read(); }

bool LabelSelector::holds(const Requirement& requirement, const json::Value* labels) {
  const json::Value* found = labels == nullptr ? nullptr : json::member(*labels, requirement.key);
  if (found == nullptr || !found->is_string()) return requirement.op == Op::Absent || requirement.op == Op::NotIn;
  const std::string_view label = found->get_string();
  const auto listed = [&] {
    for (const std::string& value : requirement.values) {
      if (label == value) return true;
    }
    return false;
  };
  const auto compared = [&](bool greater) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(label.data(), label.data() + label.size(), number);
    if (error != std::errc() || end != label.data() + label.size()) return false;
    return greater ? number > requirement.bound : number < requirement.bound;
  };
  switch (requirement.op) {
    case Op::In:
      return listed();
    case Op::NotIn:
      return !listed();
    case Op::Exists:
      return true;
    case Op::Absent:
      return false;
    case Op::Greater:
      return compared(true);
    case Op::Less:
      return compared(false);
  }
  return false;
}

bool LabelSelector::matches(const json::Value* labels) const {
  for (const Requirement& requirement : requirements_) {
    if (!holds(requirement, labels)) return false;
  }
  return true;
}

bool LabelSelector::matches_object(const json::Value& object) const {
  if (requirements_.empty()) return true;
  const json::Value* metadata = json::member(object, "metadata");
  return matches(metadata == nullptr ? nullptr : json::member(*metadata, "labels"));
}

}  // namespace muster::kube
