#pragma once
// Files that were built into the program (contracts, migrations, the web console); tools/embed.py writes the
// definitions.

#include <span>
#include <string_view>

namespace muster::embedded {

struct File {
  std::string_view path;  // below the embedded folder, with '/'
  std::string_view bytes;
};

std::span<const File> contracts();   // api/
std::span<const File> migrations();  // src/control/record/migrations/
std::span<const File> console();     // ui/dist/; empty when the console was not built

}  // namespace muster::embedded
