#pragma once
// Table: every command as one row: its flags, what it takes, what runs it. Help, completion, docs and the reader of
// arguments all come from here.

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace muster::cli {

struct Session;

struct Flag {
  std::string name;         // "--project"
  char letter = 0;          // 'p'; 0 = none
  std::string placeholder;  // "P"; "" = a switch
  std::string help;
  bool repeats = false;
  std::vector<std::string> choices;
  std::string completes = {};  // what the shell offers: "project", "workload", "folder"; "" = the choices
};

struct Row {
  std::string name;     // "submit", "project create"
  std::string usage;    // what follows the name: "[flags] NAME..."
  std::string summary;  // one line
  std::string about;    // more for its own help; may be empty
  std::vector<Flag> flags;
  std::string takes;         // "", "workload", "project", "shell": what the plain arguments name, for completion
  std::size_t least = 0;     // plain arguments at least
  std::size_t most = 0;      // and at most
  bool takes_rest = false;   // a command after "--"
  bool needs_server = true;  // has the flags that say where the server is
  Result<int> (*run)(Session& session) = nullptr;
};

// All rows, in the order of the help.
std::span<const Row> table();
// With the flags that every row has.
std::vector<Flag> all_flags(const Row& row);

// What was typed, read by a row.
struct Invocation {
  std::map<std::string, std::vector<std::string>> flags;  // by name, without dashes; a switch holds ""
  std::vector<std::string> names;                         // plain arguments
  std::vector<std::string> rest;                          // after "--"
  bool has(std::string_view flag) const { return flags.contains(std::string(flag)); }
  // The last value given.
  std::string value(std::string_view flag, std::string_view otherwise = "") const;
  std::vector<std::string> values(std::string_view flag) const;
};

}  // namespace muster::cli
