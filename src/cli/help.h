#pragma once
// Help and completion, written from the table.

#include <string>
#include <vector>

#include "cli/cli.h"
#include "cli/table.h"

namespace muster::cli {

// Of the whole program; `extra` are the main's rows.
std::string help_of_all(const std::vector<Command>& extra);
std::string help_of(const Row& row);
// Of a word that several rows begin with ("project", "sim").
std::string help_of_group(const std::string& group, const std::vector<Command>& extra);
// The reference page of docs/, in Markdown.
std::string help_as_markdown(const std::vector<Command>& extra);

// invalid: a shell that is not known.
Result<std::string> completion(const std::string& shell, const std::vector<Command>& extra);

}  // namespace muster::cli
