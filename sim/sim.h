#pragma once
// Door of sim: the commands of `muster sim`, which run the engine on a desk, without a server, a network or a home
// folder. Each gets the arguments after its name, parses its own flags, answers --help, writes to stdout and stderr,
// and returns the exit status: 0 good, 1 a check failed, 2 unusable input or usage.

#include <string>
#include <vector>

namespace muster::sim {

int main_scenario(const std::vector<std::string>& arguments);
int main_solve(const std::vector<std::string>& arguments);
int main_trace(const std::vector<std::string>& arguments);
int main_bench(const std::vector<std::string>& arguments);
int main_replay(const std::vector<std::string>& arguments);
int main_fuzz(const std::vector<std::string>& arguments);

struct Row {
  std::string name;     // "sim scenario"
  std::string summary;  // one line for --help
  int (*run)(const std::vector<std::string>& arguments);
};

// One row per command, for the main's table.
const std::vector<Row>& rows();

}  // namespace muster::sim
