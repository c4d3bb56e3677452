#include "cli/screen.h"

#include <algorithm>

#include "base/yaml.h"

namespace muster::cli {

Screen::Screen(const Surroundings& around, Form form)
    : around_(around),
      form_(form),
      colour_(around.out_is_terminal && around.variable_or("NO_COLOR", "").empty() &&
              around.variable_or("TERM", "") != "dumb") {}

std::size_t width_of(std::string_view text) {
  std::size_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return n;
}

Tone tone_of_phase(std::string_view phase) {
  if (phase == "Running" || phase == "Completed") return Tone::Good;
  if (phase == "Failed" || phase == "Degraded" || phase == "Unknown") return Tone::Bad;
  if (phase == "Stopped" || phase == "Deleting" || phase == "Terminating") return Tone::Faint;
  return Tone::Busy;
}

void Screen::line(std::string_view text) const { around_.out(std::string(text) + "\n"); }
void Screen::note(std::string_view text) const { around_.err(std::string(text) + "\n"); }

void Screen::value(const json::Value& value) const {
  around_.out(form_ == Form::Yaml ? yaml::write(value) : json::write_pretty(value) + "\n");
}

std::string Screen::toned(std::string_view text, Tone tone) const {
  if (!colour_ || tone == Tone::Plain) return std::string(text);
  const char* code = tone == Tone::Good     ? "32"
                     : tone == Tone::Busy   ? "33"
                     : tone == Tone::Bad    ? "31"
                     : tone == Tone::Strong ? "1"
                                            : "2";
  return std::string("\x1b[") + code + "m" + std::string(text) + "\x1b[0m";
}

void Screen::clear() const {
  if (around_.out_is_terminal) around_.out("\x1b[H\x1b[2J\x1b[3J");
}

namespace {

// At most `width` columns, with an ellipsis where something is left out.
std::string cut(std::string_view text, std::size_t width) {
  if (width_of(text) <= width) return std::string(text);
  std::string out;
  std::size_t n = 0;
  for (const char c : text) {
    n += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    if (n >= width) break;
    out += c;
  }
  return out + "…";
}

}  // namespace

// The titles first, then a line for each row.
std::vector<std::string> Screen::lines_of(const std::vector<Column>& columns,
                                          const std::vector<std::vector<Cell>>& rows) const {
  std::vector<std::size_t> shown;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (!columns[i].only_wide || form_ == Form::Wide) shown.push_back(i);
  }
  std::vector<std::size_t> widths(columns.size());
  for (const std::size_t i : shown) {
    widths[i] = width_of(columns[i].title);
    for (const std::vector<Cell>& row : rows) widths[i] = std::max(widths[i], width_of(row[i].text));
  }
  const auto write = [&](const auto& cell_of) {
    std::string line;
    std::size_t used = 0;
    for (const std::size_t i : shown) {
      const Cell cell = cell_of(i);
      const bool is_last = i == shown.back();
      std::string text = cell.text;
      if (is_last && around_.out_is_terminal && form_ != Form::Wide) {
        const std::size_t room = static_cast<std::size_t>(around_.width) > used + 8
                                     ? static_cast<std::size_t>(around_.width) - used
                                     : std::size_t{8};
        text = cut(text, room);
      }
      const std::string gap(widths[i] - std::min(widths[i], width_of(text)), ' ');
      line += columns[i].is_number ? gap + toned(text, cell.tone) : toned(text, cell.tone) + (is_last ? "" : gap);
      if (!is_last) line += "  ";
      used += widths[i] + 2;
    }
    while (line.ends_with(' ')) line.pop_back();
    return line + "\n";
  };
  std::vector<std::string> lines = {write([&](std::size_t i) { return Cell(columns[i].title, Tone::Strong); })};
  for (const std::vector<Cell>& row : rows) lines.push_back(write([&](std::size_t i) { return row[i]; }));
  return lines;
}

std::string Screen::table_row(const std::vector<Column>& columns, const std::vector<std::vector<Cell>>& rows,
                              std::size_t only) const {
  return lines_of(columns, rows)[only + 1];
}

void Screen::table(const std::vector<Column>& columns, const std::vector<std::vector<Cell>>& rows) const {
  std::string out;
  for (const std::string& line : lines_of(columns, rows)) out += line;
  around_.out(out);
}

void Screen::pairs(const std::vector<std::pair<std::string, std::string>>& pairs) const {
  std::size_t width = 0;
  for (const auto& [name, value] : pairs) width = std::max(width, width_of(name));
  for (const auto& [name, value] : pairs) {
    if (value.empty()) continue;
    line(toned(name + ":", Tone::Faint) + std::string(width - width_of(name) + 2, ' ') + value);
  }
}

}  // namespace muster::cli
