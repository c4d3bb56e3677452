#pragma once
// Screen: how a command shows what it found: tables for people, JSON, YAML or names for programs.

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "cli/surroundings.h"

namespace muster::cli {

enum class Form { Table, Wide, Json, Yaml, Name };
enum class Tone { Plain, Good, Busy, Bad, Faint, Strong };

struct Column {
  std::string title;
  bool is_number = false;  // stands right
  bool only_wide = false;
};

struct Cell {
  Cell(std::string text_, Tone tone_ = Tone::Plain) : text(std::move(text_)), tone(tone_) {}  // NOLINT: cells are texts
  Cell(const char* text_) : text(text_) {}
  std::string text;
  Tone tone = Tone::Plain;
};

class Screen {
 public:
  Screen(const Surroundings& around, Form form);

  Form form() const { return form_; }
  bool is_for_programs() const { return form_ == Form::Json || form_ == Form::Yaml || form_ == Form::Name; }

  // One line of data.
  void line(std::string_view text) const;
  // One line for people, on the error stream.
  void note(std::string_view text) const;
  // JSON (pretty) or YAML, whatever the form asks for.
  void value(const json::Value& value) const;
  // Aligned columns; the last one is cut at the edge of a terminal.
  void table(const std::vector<Column>& columns, const std::vector<std::vector<Cell>>& rows) const;
  // Row `only` of that table alone, without titles.
  std::string table_row(const std::vector<Column>& columns, const std::vector<std::vector<Cell>>& rows,
                        std::size_t only) const;
  // "Name:  value" lines, the values aligned.
  void pairs(const std::vector<std::pair<std::string, std::string>>& pairs) const;
  // The text in its tone where the output is a terminal and NO_COLOR is unset.
  std::string toned(std::string_view text, Tone tone) const;
  bool has_colour() const { return colour_; }
  // Clears the terminal for a table that is drawn again.
  void clear() const;

 private:
  std::vector<std::string> lines_of(const std::vector<Column>& columns,
                                    const std::vector<std::vector<Cell>>& rows) const;

  const Surroundings& around_;
  Form form_;
  bool colour_;
};

// Columns that a text takes on a terminal: code points, good enough for names and numbers.
std::size_t width_of(std::string_view text);
Tone tone_of_phase(std::string_view phase);

}  // namespace muster::cli
