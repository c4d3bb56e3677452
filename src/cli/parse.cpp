#include "cli/parse.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>

#include "base/text.h"

namespace muster::cli {
namespace {

std::string spelling(const Flag& flag) {
  return (flag.letter != 0 ? std::string("-") + flag.letter + "," : "") + flag.name;
}

Result<void> check_choices(const Row& row, const Invocation& typed) {
  for (const Flag& flag : all_flags(row)) {
    if (flag.choices.empty()) continue;
    for (const std::string& value : typed.values(flag.name.substr(2))) {
      if (std::find(flag.choices.begin(), flag.choices.end(), value) == flag.choices.end())
        return invalid(flag.name + " \"" + value + "\": expected one of " + join(flag.choices, ", ") +
                       did_you_mean(value, flag.choices));
    }
  }
  return {};
}

Result<void> check_counts(const Row& row, const Invocation& typed, bool has_rest) {
  const std::string usage = "; usage: muster " + row.name + " " + row.usage;
  if (typed.names.size() < row.least) {
    // "submit python3 train.py" forgets the dashes; everything else forgets a name.
    return invalid("muster " + row.name + ": " + (row.takes.empty() ? "an argument" : "the name of a " + row.takes) +
                   " is missing" + usage);
  }
  if (typed.names.size() > row.most) {
    if (row.takes_rest)
      return invalid("muster " + row.name + ": put \"--\" before the command: muster " + row.name + " [flags] -- " +
                     quote_words(typed.names));
    return invalid("muster " + row.name + ": \"" + typed.names[row.most] + "\" is not expected here" + usage);
  }
  if (row.takes_rest && typed.rest.empty() && !typed.has("help"))
    return invalid("muster " + row.name + ": the command to run is missing" + usage);
  if (!row.takes_rest && has_rest && typed.names.size() > row.most)
    return invalid("muster " + row.name + ": nothing is taken after \"--\"" + usage);
  return {};
}

Error unknown_flag(const Row& row, const std::string& typed) {
  std::vector<std::string> known;
  for (const Flag& flag : all_flags(row)) {
    known.push_back(flag.name);
    if (flag.letter != 0) known.push_back(std::string("-") + flag.letter);
  }
  const std::string name = typed.substr(0, typed.find('='));
  return invalid("muster " + row.name + ": unknown flag \"" + name + "\"" + did_you_mean(name, known) +
                 "; see muster " + row.name + " --help");
}

}  // namespace

Result<Invocation> parse(const Row& row, const std::vector<std::string>& arguments) {
  Invocation typed;
  // Everything after "--" is the job's own and never looked at.
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  std::vector<std::string> ours(arguments.begin(), dashes);
  const bool has_rest = dashes != arguments.end();
  if (has_rest) {
    std::vector<std::string>& target = row.takes_rest ? typed.rest : typed.names;
    target.assign(dashes + 1, arguments.end());
  }

  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  const std::vector<Flag> flags = all_flags(row);
  std::vector<std::vector<std::string>> values(flags.size());
  std::vector<CLI::Option*> options;
  for (std::size_t i = 0; i < flags.size(); ++i) {
    CLI::Option* option = nullptr;
    if (flags[i].placeholder.empty()) {
      option = app.add_flag(spelling(flags[i]));
    } else {
      option = app.add_option(spelling(flags[i]), values[i]);
      option->expected(1)->take_all()->allow_extra_args(false);
    }
    options.push_back(option);
  }
  try {
    std::vector<std::string> backwards(ours.rbegin(), ours.rend());  // as CLI11 wants it
    app.parse(backwards);
  } catch (const CLI::ArgumentMismatch&) {
    return invalid("muster " + row.name + ": a flag at the end needs a value; see muster " + row.name + " --help");
  } catch (const CLI::ParseError& error) {
    return invalid("muster " + row.name + ": " + error.what());
  }
  std::vector<std::string> names;
  for (const std::string& word : app.remaining()) {
    if (word.size() > 1 && word[0] == '-') return unknown_flag(row, word);
    names.push_back(word);
  }
  typed.names.insert(typed.names.begin(), names.begin(), names.end());
  for (std::size_t i = 0; i < flags.size(); ++i) {
    if (options[i]->count() == 0) continue;
    const std::string name = flags[i].name.substr(2);
    typed.flags[name] = flags[i].placeholder.empty() ? std::vector<std::string>{""} : values[i];
    if (!flags[i].repeats && typed.flags[name].size() > 1)
      return invalid("muster " + row.name + ": " + flags[i].name + " is given more than once");
  }
  if (typed.has("help")) return typed;
  TRY(check_choices(row, typed));
  TRY(check_counts(row, typed, has_rest));
  return typed;
}

std::string Invocation::value(std::string_view flag, std::string_view otherwise) const {
  const auto found = flags.find(std::string(flag));
  return found == flags.end() || found->second.empty() ? std::string(otherwise) : found->second.back();
}

std::vector<std::string> Invocation::values(std::string_view flag) const {
  const auto found = flags.find(std::string(flag));
  return found == flags.end() ? std::vector<std::string>{} : found->second;
}

}  // namespace muster::cli
