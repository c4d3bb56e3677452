#include "cli/help.h"

#include <algorithm>

#include "cli/screen.h"

namespace muster::cli {
namespace {

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

// Words of a text in lines of at most `width`, each but the first after `indent` blanks.
std::string wrapped(const std::string& text, std::size_t width, std::size_t indent) {
  std::string out;
  std::size_t used = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    if (used > 0 && used + 1 + word.size() > width) {
      out += "\n" + std::string(indent, ' ');
      used = 0;
    } else if (used > 0) {
      out += ' ';
      ++used;
    }
    out += word;
    used += word.size();
    at = end + 1;
  }
  return out;
}

std::string flag_name(const Flag& flag) {
  std::string name = flag.letter != 0 ? std::string("-") + flag.letter + ", " : "    ";
  name += flag.name;
  if (!flag.placeholder.empty()) name += " " + flag.placeholder;
  return name;
}

std::string list_of(const std::vector<std::pair<std::string, std::string>>& lines) {
  std::size_t width = 0;
  for (const auto& [name, text] : lines) width = std::max(width, name.size());
  std::string out;
  for (const auto& [name, text] : lines) {
    // A description has at least 40 columns, wherever the names end.
    const std::size_t room = std::max<std::size_t>(40, width + 4 < 100 ? 100 - width - 4 : 0);
    out += "  " + padded(name, width) + "  " + wrapped(text, room, width + 4) + "\n";
  }
  return out;
}

}  // namespace

std::string help_of_all(const std::vector<Command>& extra) {
  std::vector<std::pair<std::string, std::string>> ours, theirs;
  for (const Row& row : table()) ours.emplace_back(row.name, row.summary);
  for (const Command& command : extra) theirs.emplace_back(command.name, command.summary);
  std::string out =
      "Usage: muster COMMAND [flags]\n\nMuster gives every team its fair share of the GPUs of a machine or a "
      "cluster.\n\n";
  if (!theirs.empty()) out += "Running Muster:\n" + list_of(theirs) + "\n";
  out += "Using it:\n" + list_of(ours);
  out +=
      "\nmuster COMMAND --help says more. First steps: muster up, then muster submit --gpu 0.5 -- sh -c 'echo "
      "hello'.\n";
  return out;
}

std::string help_of(const Row& row) {
  std::string out = "Usage: muster " + row.name + (row.usage.empty() ? "" : " " + row.usage) + "\n\n";
  out += wrapped(row.summary, 100, 0) + "\n";
  if (!row.about.empty()) out += "\n" + wrapped(row.about, 100, 0) + "\n";
  std::vector<std::pair<std::string, std::string>> lines;
  for (const Flag& flag : all_flags(row))
    lines.emplace_back(flag_name(flag), flag.help + (flag.repeats ? "; may be repeated" : ""));
  return out + "\nFlags:\n" + list_of(lines);
}

std::string help_of_group(const std::string& group, const std::vector<Command>& extra) {
  std::vector<std::pair<std::string, std::string>> lines;
  for (const Row& row : table()) {
    if (row.name.starts_with(group + " ")) lines.emplace_back(row.name, row.summary);
  }
  for (const Command& command : extra) {
    if (command.name.starts_with(group + " ")) lines.emplace_back(command.name, command.summary);
  }
  return "Usage: muster " + group + " COMMAND [flags]\n\n" + list_of(lines);
}

std::string help_as_markdown(const std::vector<Command>& extra) {
  std::string out =
      "# Commands\n\nWritten by `muster help --markdown` from the program's own table.\n\n## Running Muster\n\n| "
      "command | |\n|---|---|\n";
  for (const Command& command : extra) out += "| `muster " + command.name + "` | " + command.summary + " |\n";
  for (const Row& row : table()) {
    out += "\n## muster " + row.name + "\n\n" + row.summary + ".";
    if (!row.about.empty()) out += " " + row.about;
    out += "\n\n    muster " + row.name + (row.usage.empty() ? "" : " " + row.usage) + "\n\n| flag | |\n|---|---|\n";
    for (const Flag& flag : all_flags(row)) {
      std::string name = (flag.letter != 0 ? std::string("-") + flag.letter + ", " : "") + flag.name;
      std::string placeholder = flag.placeholder;
      for (std::size_t at = placeholder.find('|'); at != std::string::npos; at = placeholder.find('|', at + 2))
        placeholder.insert(at, "\\");
      if (!placeholder.empty()) name += " " + placeholder;
      out += "| `" + name + "` | " + flag.help + (flag.repeats ? "; may be repeated" : "") + " |\n";
    }
  }
  return out;
}

namespace {

// First words and, for each, the second words.
std::vector<std::string> first_words(const std::vector<Command>& extra) {
  std::vector<std::string> words;
  const auto add = [&](const std::string& name) {
    const std::string first = name.substr(0, name.find(' '));
    if (std::find(words.begin(), words.end(), first) == words.end()) words.push_back(first);
  };
  for (const Command& command : extra) add(command.name);
  for (const Row& row : table()) add(row.name);
  words.emplace_back("help");
  return words;
}

std::vector<std::string> second_words(const std::string& first, const std::vector<Command>& extra) {
  std::vector<std::string> words;
  const auto add = [&](const std::string& name) {
    if (name.starts_with(first + " ")) words.push_back(name.substr(first.size() + 1));
  };
  for (const Command& command : extra) add(command.name);
  for (const Row& row : table()) add(row.name);
  return words;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

std::string flags_of(const Row& row) {
  std::vector<std::string> words;
  for (const Flag& flag : all_flags(row)) words.push_back(flag.name);
  return joined(words);
}

// A shell word list for what a flag takes, or a command that prints it.
std::string offers(const std::string& what, const std::vector<std::string>& choices) {
  if (what == "project") return "$(muster project list -o name 2>/dev/null)";
  if (what == "workload") return "$(muster list -o name 2>/dev/null)";
  if (what == "topology") return "$(muster topology list -o name 2>/dev/null)";
  if (what == "shell") return "bash zsh fish";
  return joined(choices);
}

std::string bash_completion(const std::vector<Command>& extra) {
  std::string out =
      "# muster completion bash\n_muster() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} word name i\n"
      "  COMPREPLY=()\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    if [[ ${COMP_WORDS[i]} == -- ]]; then compopt -o default; return; fi\n  done\n"
      "  if ((COMP_CWORD == 1)); then COMPREPLY=($(compgen -W \"" +
      joined(first_words(extra)) +
      "\" -- \"$cur\")); return; fi\n"
      "  name=${COMP_WORDS[1]}\n  case $name in\n";
  for (const std::string& first : first_words(extra)) {
    const std::vector<std::string> second = second_words(first, extra);
    if (second.empty()) continue;
    out += "    " + first + ") if ((COMP_CWORD == 2)); then COMPREPLY=($(compgen -W \"" + joined(second) +
           "\" -- \"$cur\")); return; fi; name=\"$name ${COMP_WORDS[2]}\" ;;\n";
  }
  out += "  esac\n  case \"$name $prev\" in\n";
  for (const Row& row : table()) {
    for (const Flag& flag : all_flags(row)) {
      const std::string patterns = "\"" + row.name + " " + flag.name + "\"" +
                                   (flag.letter != 0 ? "|\"" + row.name + " -" + flag.letter + "\"" : "");
      if (flag.completes == "folder") {
        out += "    " + patterns + ") COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n";
      } else if (const std::string words = offers(flag.completes, flag.choices); !words.empty()) {
        out += "    " + patterns + ") COMPREPLY=($(compgen -W \"" + words + "\" -- \"$cur\")); return ;;\n";
      }
    }
  }
  out += "  esac\n  case $name in\n";
  for (const Row& row : table()) {
    out += "    \"" + row.name + "\") if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W \"" + flags_of(row) +
           "\" -- \"$cur\"));";
    if (const std::string words = offers(row.takes, {}); !words.empty())
      out += " else COMPREPLY=($(compgen -W \"" + words + "\" -- \"$cur\"));";
    out += " fi ;;\n";
  }
  return out + "  esac\n}\ncomplete -F _muster muster\n";
}

std::string zsh_quoted(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') out += "'\\''";
    else if (c == '[' || c == ']' || c == ':') out += std::string("\\") + c;
    else out += c;
  }
  return out;
}

std::string zsh_completion(const std::vector<Command>& extra) {
  std::string out =
      "#compdef muster\n# muster completion zsh\n_muster() {\n  local -a commands\n  local name=$words[2]\n";
  out += "  if ((CURRENT == 2)); then commands=(" + joined(first_words(extra)) + "); compadd -a commands; return; fi\n";
  out += "  case $name in\n";
  for (const std::string& first : first_words(extra)) {
    const std::vector<std::string> second = second_words(first, extra);
    if (second.empty()) continue;
    out += "    " + first + ") if ((CURRENT == 3)); then commands=(" + joined(second) +
           "); compadd -a commands; return; fi; name=\"$name $words[3]\"; shift words; ((CURRENT--)) ;;\n";
  }
  out += "  esac\n  shift words; ((CURRENT--))\n  case $name in\n";
  for (const Row& row : table()) {
    out += "    \"" + row.name + "\") _arguments -S";
    for (const Flag& flag : all_flags(row)) {
      std::string value;
      if (!flag.placeholder.empty()) {
        value = ":" + zsh_quoted(flag.placeholder) + ":";
        if (flag.completes == "folder") value += "_files -/";
        else if (const std::string words = offers(flag.completes, flag.choices); !words.empty())
          value += "(" + words + ")";
      }
      out += " \\\n      '" + std::string(flag.repeats ? "*" : "") + flag.name + "[" + zsh_quoted(flag.help) + "]" +
             value + "'";
      if (flag.letter != 0)
        out += " \\\n      '" + std::string(flag.repeats ? "*" : "") + "-" + flag.letter + "[" + zsh_quoted(flag.help) +
               "]" + value + "'";
    }
    if (row.takes_rest) out += " \\\n      '*:::command:_normal'";
    else if (const std::string words = offers(row.takes, {}); !words.empty())
      out += " \\\n      '*:" + row.takes + ":(" + words + ")'";
    out += " ;;\n";
  }
  return out + "  esac\n}\n_muster \"$@\"\n";
}

std::string fish_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string fish_completion(const std::vector<Command>& extra) {
  std::string out = "# muster completion fish\ncomplete -c muster -f\n";
  const auto at_word = [](const std::string& name) {
    const std::size_t space = name.find(' ');
    return space == std::string::npos ? "__fish_seen_subcommand_from " + name
                                      : "__fish_seen_subcommand_from " + name.substr(0, space) +
                                            "; and __fish_seen_subcommand_from " + name.substr(space + 1);
  };
  for (const std::string& first : first_words(extra)) {
    std::string summary;
    for (const Row& row : table()) summary = row.name == first ? row.summary : summary;
    for (const Command& command : extra) summary = command.name == first ? command.summary : summary;
    out += "complete -c muster -n __fish_use_subcommand -a " + first +
           (summary.empty() ? "" : " -d " + fish_quoted(summary)) + "\n";
    for (const std::string& second : second_words(first, extra))
      out += "complete -c muster -n '__fish_seen_subcommand_from " + first + "' -a " + second + "\n";
  }
  for (const Row& row : table()) {
    const std::string when = " -n '" + at_word(row.name) + "'";
    for (const Flag& flag : all_flags(row)) {
      out += "complete -c muster" + when + " -l " + flag.name.substr(2);
      if (flag.letter != 0) out += std::string(" -s ") + flag.letter;
      if (!flag.placeholder.empty()) out += " -r";
      std::string words = offers(flag.completes, flag.choices);
      if (words.starts_with("$(")) words = "(" + words.substr(2);
      if (flag.completes == "folder") words = "(__fish_complete_directories)";
      if (!words.empty()) out += " -a " + fish_quoted(words);
      out += " -d " + fish_quoted(flag.help) + "\n";
    }
    std::string words = offers(row.takes, {});
    if (words.starts_with("$(")) words = "(" + words.substr(2);
    if (!words.empty()) out += "complete -c muster" + when + " -a " + fish_quoted(words) + "\n";
  }
  return out;
}

}  // namespace

Result<std::string> completion(const std::string& shell, const std::vector<Command>& extra) {
  if (shell == "bash") return bash_completion(extra);
  if (shell == "zsh") return zsh_completion(extra);
  if (shell == "fish") return fish_completion(extra);
  return invalid("muster completion: \"" + shell + "\" is not known; expected bash, zsh or fish");
}

}  // namespace muster::cli
