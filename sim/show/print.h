#pragma once
// Print: what the commands of sim write: lines on stdout, complaints and progress on stderr, plain tables.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/flags.h"

namespace muster::sim {

// The text and a newline on stdout.
void print_line(std::string_view text);
// Complains on stderr and returns exit status 2: unusable input.
int refuse(std::string_view command, const Error& error);
int print_help(std::string_view usage, std::string_view summary, std::span<const FlagSpec> specs);
// Columns padded to their widest cell, no newline at the end.
std::string table_of(const std::vector<std::vector<std::string>>& rows, std::string_view indent);
// A bar on stderr where that is a terminal; nothing elsewhere. `done` of `of`; the bar goes away when they are equal.
void show_progress(std::string_view what, std::size_t done, std::size_t of);

}  // namespace muster::sim
