#include "base/pattern.h"

#include <bitset>
#include <string>
#include <utility>
#include <vector>

namespace muster {
namespace {

// Counted repeats are written out; this bounds what a pattern may grow to.
constexpr std::size_t most_steps = 20'000;
constexpr int most_nested = 50;

struct Step {
  enum class Kind { One, Split, Jump, Begin, End, WordEdge, Look, Match };
  Kind kind = Kind::Match;
  std::size_t x = 0, y = 0;  // One: class; Split: both ways; Jump: x; Look: its steps are x..y, y is where it goes on
  bool negated = false;      // Look, WordEdge
};

using Class = std::bitset<256>;

Class range(unsigned char from, unsigned char to) {
  Class out;
  for (unsigned c = from; c <= to; ++c) out.set(c);
  return out;
}

const Class digits = range('0', '9');
const Class words = range('0', '9') | range('a', 'z') | range('A', 'Z') | range('_', '_');
const Class spaces = range('\t', '\r') | range(' ', ' ');

bool is_word(std::string_view text, std::size_t at) {
  return at < text.size() && words.test(static_cast<unsigned char>(text[at]));
}

}  // namespace

struct Pattern::Program {
  std::vector<Step> steps;
  std::vector<Class> classes;
};

namespace {

// Recursive descent; writes steps as it reads.
class Compiler {
 public:
  explicit Compiler(std::string_view text) : text_(text) {}

  Result<Pattern::Program> run() {
    TRY(alternatives(0));
    if (at_ < text_.size()) return refuse("unmatched )");
    emit({.kind = Step::Kind::Match});
    return std::move(program_);
  }

 private:
  Error refuse(const std::string& why) const {
    return invalid("pattern \"" + std::string(text_) + "\" at " + std::to_string(at_ + 1) + ": " + why);
  }
  std::size_t emit(Step step) {
    program_.steps.push_back(step);
    return program_.steps.size() - 1;
  }
  std::size_t here() const { return program_.steps.size(); }
  Step& step(std::size_t i) { return program_.steps[i]; }
  bool more() const { return at_ < text_.size(); }
  bool take(std::string_view what) {
    if (!text_.substr(at_).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }
  void emit_class(Class set) {
    program_.classes.push_back(set);
    emit({.kind = Step::Kind::One, .x = program_.classes.size() - 1});
  }

  Result<void> alternatives(int depth) {
    if (depth > most_nested) return refuse("nested too deep");
    std::vector<std::size_t> ends;
    for (;;) {
      const std::size_t split = emit({.kind = Step::Kind::Jump});
      step(split).x = here();
      TRY(sequence(depth));
      if (!take("|")) break;
      ends.push_back(emit({.kind = Step::Kind::Jump}));
      step(split) = {.kind = Step::Kind::Split, .x = split + 1, .y = here()};
    }
    for (const std::size_t end : ends) step(end).x = here();
    return {};
  }

  Result<void> sequence(int depth) {
    while (more() && text_[at_] != '|' && text_[at_] != ')') {
      const std::size_t from = here();
      TRY(atom(depth));
      TRY(repeat(from));
      if (here() > most_steps) return refuse("it is too large");
    }
    return {};
  }

  Result<void> atom(int depth) {
    if (take("^")) {
      emit({.kind = Step::Kind::Begin});
    } else if (take("$")) {
      emit({.kind = Step::Kind::End});
    } else if (take("(?=") || text_.substr(at_).starts_with("(?!")) {
      const bool negated = take("(?!");
      const std::size_t look = emit({.kind = Step::Kind::Look, .negated = negated});
      step(look).x = here();
      TRY(alternatives(depth + 1));
      emit({.kind = Step::Kind::Match});
      step(look).y = here();
      if (!take(")")) return refuse("expected )");
    } else if (take("(?:") || (!text_.substr(at_).starts_with("(?") && take("("))) {
      TRY(alternatives(depth + 1));
      if (!take(")")) return refuse("expected )");
    } else if (take("[")) {
      emit_class(TRY(bracket()));
    } else if (take(".")) {
      emit_class(~(range('\n', '\n') | range('\r', '\r')));
    } else if (take("\\")) {
      if (take("b")) emit({.kind = Step::Kind::WordEdge});
      else if (take("B")) emit({.kind = Step::Kind::WordEdge, .negated = true});
      else emit_class(TRY(escape()));
    } else {
      const char c = text_[at_];
      if (std::string_view("*+?{").find(c) != std::string_view::npos || text_.substr(at_).starts_with("(?"))
        return refuse(std::string("\"") + c + "\" is not understood here");
      ++at_;
      emit_class(range(static_cast<unsigned char>(c), static_cast<unsigned char>(c)));
    }
    return {};
  }

  // After a backslash.
  Result<Class> escape() {
    if (!more()) return refuse("a backslash ends it");
    const char c = text_[at_++];
    const auto one = [](char byte) {
      return range(static_cast<unsigned char>(byte), static_cast<unsigned char>(byte));
    };
    switch (c) {
      case 'd':
        return digits;
      case 'D':
        return ~digits;
      case 'w':
        return words;
      case 'W':
        return ~words;
      case 's':
        return spaces;
      case 'S':
        return ~spaces;
      case 'n':
        return one('\n');
      case 'r':
        return one('\r');
      case 't':
        return one('\t');
      case 'f':
        return one('\f');
      case 'v':
        return one('\v');
      case 'x':
      case 'u': {
        const std::size_t count = c == 'x' ? 2 : 4;
        unsigned value = 0;
        for (std::size_t i = 0; i < count; ++i) {
          const std::size_t digit =
              more() ? std::string_view("0123456789abcdef").find(static_cast<char>(text_[at_] | 0x20))
                     : std::string::npos;
          if (digit == std::string_view::npos) return refuse("expected hexadecimal digits");
          value = value * 16 + static_cast<unsigned>(digit);
          ++at_;
        }
        if (value > 127) return refuse("only ASCII can be escaped");
        return one(static_cast<char>(value));
      }
      default:
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
          --at_;
          return refuse(std::string("\"\\") + c + "\" is not known");
        }
        return one(c);
    }
  }

  Result<Class> bracket() {
    const bool negated = take("^");
    Class set;
    for (bool first = true;; first = false) {
      if (!more()) return refuse("expected ]");
      if (!first && take("]")) break;
      if (first && take("]")) break;  // ECMA: [] is the empty class
      Class low = TRY(member());
      if (low.count() == 1 && more() && text_[at_] == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        ++at_;
        const Class high = TRY(member());
        if (high.count() != 1) {
          set |= low | high | range('-', '-');
          continue;
        }
        const auto only = [](const Class& c) { return static_cast<unsigned char>(c._Find_first()); };
        if (only(high) < only(low)) return refuse("a range runs backwards");
        low = range(only(low), only(high));
      }
      set |= low;
    }
    return negated ? ~set : set;
  }

  Result<Class> member() {
    if (take("\\")) {
      if (take("b")) return range('\b', '\b');
      return escape();
    }
    if (!more()) return refuse("expected ]");
    const unsigned char c = static_cast<unsigned char>(text_[at_]);
    if (c > 127) return refuse("a class holds ASCII only");
    ++at_;
    return range(c, c);
  }

  // Reads "{2,5}" behind an atom; false when the brace is a plain one.
  bool counts(std::size_t& least, std::size_t& most) {
    std::size_t at = at_ + 1;
    const auto number = [&](std::size_t& out) {
      const std::size_t from = at;
      out = 0;
      while (at < text_.size() && text_[at] >= '0' && text_[at] <= '9' && at - from < 6)
        out = out * 10 + static_cast<std::size_t>(text_[at++] - '0');
      return at > from;
    };
    if (!number(least)) return false;
    most = least;
    if (at < text_.size() && text_[at] == ',') {
      ++at;
      if (!number(most)) most = SIZE_MAX;
    }
    if (at >= text_.size() || text_[at] != '}') return false;
    at_ = at + 1;
    return true;
  }

  // The atom's steps are those from `from` on.
  Result<void> repeat(std::size_t from) {
    std::size_t least = 1, most = 1;
    if (take("*")) {
      least = 0, most = SIZE_MAX;
    } else if (take("+")) {
      most = SIZE_MAX;
    } else if (take("?")) {
      least = 0;
    } else if (more() && text_[at_] == '{') {
      if (!counts(least, most)) return refuse("expected {n}, {n,} or {n,m}");
      if (most < least) return refuse("the bounds are backwards");
    } else {
      return {};
    }
    take("?");  // whether a repeat is lazy changes where a match ends, not whether there is one
    const std::vector<Step> body(program_.steps.begin() + static_cast<std::ptrdiff_t>(from), program_.steps.end());
    program_.steps.resize(from);
    const auto copy = [&] {
      const std::size_t shift = here() - from;
      for (Step s : body) {
        if (s.kind == Step::Kind::Split || s.kind == Step::Kind::Jump || s.kind == Step::Kind::Look) {
          s.x += shift;
          s.y += shift;
        }
        emit(s);
      }
    };
    const std::size_t copies = most == SIZE_MAX ? least + 1 : most;
    if (copies * (body.size() + 1) > most_steps) return refuse("it is too large");
    for (std::size_t i = 0; i < least; ++i) copy();
    if (most == SIZE_MAX) {
      const std::size_t split = emit({.kind = Step::Kind::Split});
      step(split).x = here();
      copy();
      emit({.kind = Step::Kind::Jump, .x = split});
      step(split).y = here();
      return {};
    }
    std::vector<std::size_t> splits;
    for (std::size_t i = least; i < most; ++i) {
      splits.push_back(emit({.kind = Step::Kind::Split}));
      step(splits.back()).x = here();
      copy();
    }
    for (const std::size_t split : splits) step(split).y = here();
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Pattern::Program program_;
};

// All ways at once: the set of steps that can stand before each byte.
class Search {
 public:
  Search(const Pattern::Program& program, std::string_view text) : program_(program), text_(text) {}

  // From `start` on; `anchored`: the match must begin there.
  bool run(std::size_t first_step, std::size_t start, bool anchored) {
    std::vector<std::size_t> now, next;
    std::vector<bool> seen(program_.steps.size());
    for (std::size_t at = start;; ++at) {
      if (at == start || !anchored) add(first_step, at, now, seen);
      if (matched_) return true;
      if (at >= text_.size() || (now.empty() && anchored)) return false;
      seen.assign(seen.size(), false);
      const unsigned char c = static_cast<unsigned char>(text_[at]);
      for (const std::size_t i : now) {
        if (program_.classes[program_.steps[i].x].test(c)) add(i + 1, at + 1, next, seen);
      }
      if (matched_) return true;
      now.swap(next);
      next.clear();
    }
  }

 private:
  void add(std::size_t first, std::size_t at, std::vector<std::size_t>& set, std::vector<bool>& seen) {
    std::vector<std::size_t> open{first};
    while (!open.empty() && !matched_) {
      const std::size_t i = open.back();
      open.pop_back();
      if (seen[i]) continue;
      seen[i] = true;
      const Step& step = program_.steps[i];
      switch (step.kind) {
        case Step::Kind::One:
          set.push_back(i);
          break;
        case Step::Kind::Split:
          open.push_back(step.y);
          open.push_back(step.x);
          break;
        case Step::Kind::Jump:
          open.push_back(step.x);
          break;
        case Step::Kind::Begin:
          if (at == 0) open.push_back(i + 1);
          break;
        case Step::Kind::End:
          if (at == text_.size()) open.push_back(i + 1);
          break;
        case Step::Kind::WordEdge: {
          const bool edge = (at > 0 && is_word(text_, at - 1)) != is_word(text_, at);
          if (edge != step.negated) open.push_back(i + 1);
          break;
        }
        case Step::Kind::Look:
          if (Search(program_, text_).run(step.x, at, true) != step.negated) open.push_back(step.y);
          break;
        case Step::Kind::Match:
          matched_ = true;
          break;
      }
    }
  }

  const Pattern::Program& program_;
  std::string_view text_;
  bool matched_ = false;
};

}  // namespace

Result<Pattern> Pattern::compile(std::string_view text) {
  Pattern pattern;
  pattern.program_ = std::make_shared<const Program>(TRY(Compiler(text).run()));
  return pattern;
}

bool Pattern::is_in(std::string_view text) const { return Search(*program_, text).run(0, 0, false); }

}  // namespace muster
