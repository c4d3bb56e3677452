#include "sim/show/print.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace muster::sim {

void print_line(std::string_view text) { fmt::print("{}\n", text); }

int refuse(std::string_view command, const Error& error) {
  fmt::print(stderr, "muster {}: {}\n", command, error.text);
  return 2;
}

int print_help(std::string_view usage, std::string_view summary, std::span<const FlagSpec> specs) {
  fmt::print("{}", help_text(usage, summary, specs));
  return 0;
}

std::string table_of(const std::vector<std::vector<std::string>>& rows, std::string_view indent) {
  std::vector<std::size_t> widths;
  for (const std::vector<std::string>& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const std::vector<std::string>& row : rows) {
    std::string line(indent);
    for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
    line.erase(line.find_last_not_of(' ') + 1);
    out += (out.empty() ? "" : "\n") + line;
  }
  return out;
}

void show_progress(std::string_view what, std::size_t done, std::size_t of) {
  static const bool on_terminal = isatty(STDERR_FILENO) != 0;
  if (!on_terminal || of == 0) return;
  if (done >= of) {
    fmt::print(stderr, "\r\033[K");
    return;
  }
  constexpr std::size_t width = 30;
  const std::size_t filled = width * done / of;
  fmt::print(stderr, "\r{} [{}{}] {}/{}\033[K", what, std::string(filled, '#'), std::string(width - filled, '.'), done,
             of);
  std::fflush(stderr);
}

}  // namespace muster::sim
