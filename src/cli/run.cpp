// The way from arguments to a row of the table, and from its result to the exit status.

#include <algorithm>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/help.h"
#include "cli/parse.h"
#include "cli/run.h"
#include "cli/session.h"

namespace muster::cli {
namespace {

std::string default_data(const Surroundings& around) {
  if (around.uid == 0) return "/var/lib/muster";
  return around.variable_or("XDG_DATA_HOME", around.home + "/.local/share") + "/muster";
}

Result<Config> settings_for(const Surroundings& around, const Invocation& typed, std::string& file) {
  const std::string standard = around.variable_or("XDG_CONFIG_HOME", around.home + "/.config") + "/muster/config.yaml";
  const std::string from_variable = around.variable_or("MUSTER_CONFIG", "");
  file = typed.value("config", from_variable.empty() ? standard : from_variable);
  const std::vector<KnownSetting> known = {
      {.name = "url", .flag = "--url", .variable = "MUSTER_URL", .otherwise = ""},
      {.name = "token", .flag = "", .variable = "MUSTER_TOKEN", .otherwise = "", .is_secret = true},
      {.name = "project", .flag = "--project", .variable = "MUSTER_PROJECT", .otherwise = "default"},
      {.name = "data", .flag = "--data", .variable = "MUSTER_DATA", .otherwise = default_data(around)},
      {.name = "listen", .flag = "", .variable = "MUSTER_LISTEN", .otherwise = "127.0.0.1:7070"}};
  Config::Sources sources{.variable = around.variable, .file = file, .file_must_exist = file != standard};
  for (const char* name : {"url", "project", "data"}) {
    if (typed.has(name)) sources.flags[name] = typed.value(name);
  }
  return Config::load(known, sources);
}

Form form_of(const Invocation& typed) {
  if (typed.has("json")) return Form::Json;
  const std::string form = typed.value("output", "table");
  return form == "json"   ? Form::Json
         : form == "yaml" ? Form::Yaml
         : form == "wide" ? Form::Wide
         : form == "name" ? Form::Name
                          : Form::Table;
}

int fail(const Surroundings& around, const Error& error) {
  around.err("muster: " + error.text + "\n");
  return exit_code(error.kind);
}

Result<int> run_row(const Surroundings& around, const Row& row, const std::vector<std::string>& arguments,
                    const std::vector<Command>& extra) {
  const Invocation typed = TRY(parse(row, arguments));
  if (typed.has("help")) {
    around.out(help_of(row));
    return 0;
  }
  if (row.name == "completion") {
    around.out(TRY(completion(typed.names[0], extra)));
    return 0;
  }
  std::string file;
  Config settings = TRY(settings_for(around, typed, file));
  Session session{.around = around,
                  .typed = typed,
                  .row = row,
                  .settings = std::move(settings),
                  .settings_file = file,
                  .screen = Screen(around, form_of(typed))};
  return row.run(session);
}

bool is_group(const std::string& word, const std::vector<Command>& extra) {
  const std::string prefix = word + " ";
  return std::any_of(table().begin(), table().end(), [&](const Row& row) { return row.name.starts_with(prefix); }) ||
         std::any_of(extra.begin(), extra.end(),
                     [&](const Command& command) { return command.name.starts_with(prefix); });
}

Error unknown_command(const std::vector<std::string>& words, const std::vector<Command>& extra) {
  const bool grouped = words.size() > 1 && is_group(words[0], extra);
  const std::string typed = grouped ? words[0] + " " + words[1] : words[0];
  std::vector<std::string> known;
  for (const Row& row : table()) known.push_back(row.name);
  for (const Command& command : extra) known.push_back(command.name);
  return invalid("unknown command \"" + typed + "\"" + did_you_mean(typed, known) + "; muster " +
                 (grouped ? words[0] + " " : "") + "--help lists them");
}

}  // namespace

int run_with(const Surroundings& around, const std::vector<std::string>& words, const std::vector<Command>& extra) {
  const auto is_help = [](const std::string& word) { return word == "--help" || word == "-h" || word == "help"; };
  if (words.empty() || is_help(words[0])) {
    // "help project create" is "project create --help".
    if (words.size() > 1 && words[0] == "help" && words[1] == "--markdown") {
      around.out(help_as_markdown(extra));
      return 0;
    }
    if (words.size() > 1 && words[0] == "help") {
      std::vector<std::string> turned(words.begin() + 1, words.end());
      turned.emplace_back("--help");
      return run_with(around, turned, extra);
    }
    (words.empty() ? around.err : around.out)(help_of_all(extra));
    return words.empty() ? exit_code(ErrorKind::Invalid) : 0;
  }
  if (words[0] == "--version") return run_with(around, {"version"}, extra);
  // The longest name wins: "project create" before "project".
  for (std::size_t length = std::min<std::size_t>(2, words.size()); length > 0; --length) {
    const std::string name = length == 2 ? words[0] + " " + words[1] : words[0];
    const std::vector<std::string> rest(words.begin() + static_cast<std::ptrdiff_t>(length), words.end());
    for (const Command& command : extra) {
      if (command.name == name) return command.run(rest);
    }
    for (const Row& row : table()) {
      if (row.name != name) continue;
      const Result<int> status = run_row(around, row, rest, extra);
      return status.has_value() ? *status : fail(around, status.error());
    }
  }
  if (is_group(words[0], extra) && (words.size() == 1 || is_help(words[1]))) {
    (words.size() == 1 ? around.err : around.out)(help_of_group(words[0], extra));
    return words.size() == 1 ? exit_code(ErrorKind::Invalid) : 0;
  }
  return fail(around, unknown_command(words, extra));
}

Result<Server*> Session::server() {
  if (!connected) connected = TRY(Server::find(settings, around));
  return connected.get();
}

int run(int argc, char** argv, const std::vector<Command>& extra) {
  return run_with(process_surroundings(), std::vector<std::string>(argv + 1, argv + argc), extra);
}

}  // namespace muster::cli
