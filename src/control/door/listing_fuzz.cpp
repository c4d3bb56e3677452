// Any query of a list endpoint is either refused or can be applied to rows.
#include <cstdint>

#include "control/door/listing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace muster;
  using control::FieldKind;
  using control::FieldValue;
  struct Row {
    std::string name;
    double number = 0;
  };
  static const std::vector<control::Field<Row>> fields = {
      {"name", FieldKind::Text, [](const Row& row) -> FieldValue { return row.name; }},
      {"gpus", FieldKind::Number, [](const Row& row) -> FieldValue { return row.number; }},
      {"createdAt", FieldKind::Moment, [](const Row& row) -> FieldValue { return row.number; }},
      {"never", FieldKind::Text, [](const Row&) -> FieldValue { return {}; }}};
  net::Request request;
  Result<std::vector<std::pair<std::string, std::string>>> query =
      net::parse_query(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!query.has_value()) return 0;
  request.query = *std::move(query);
  const Result<control::Query> read = control::read_query(request, control::names_of(fields));
  if (!read.has_value()) return 0;
  const std::vector<Row> rows = {{"train-1", 0.5}, {"train-2", 2}, {"", 0}};
  std::vector<const Row*> kept;
  for (const Row& row : rows) {
    if (control::matches(*read, fields, row)) kept.push_back(&row);
  }
  control::sort_rows(*read, fields, kept);
  const control::Page page = control::page_of(*read, kept.size());
  return page.end >= page.begin ? 0 : 1;
}
