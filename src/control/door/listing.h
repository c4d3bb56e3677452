#pragma once
// Listing: the query of a list endpoint (filterBy, sortBy, sortOrder, search, offset, limit; product rule 6.1) and its
// application to rows of any kind through a table of fields.

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/text.h"
#include "base/time.h"
#include "net/server.h"

namespace muster::control {

enum class FieldKind { Text, Number, Moment };
// Absent values (monostate) come first and pass "!=" alone. Moments are milliseconds.
using FieldValue = std::variant<std::monostate, std::string, double>;

template <class Row>
struct Field {
  std::string name;
  FieldKind kind = FieldKind::Text;
  std::function<FieldValue(const Row&)> read;
};

enum class Op { Equal, NotEqual, AtMost, AtLeast, Contains, ContainsNot, StartsWith, EndsWith };

struct Condition {
  std::size_t field = 0;  // index in the table
  Op op = Op::Equal;
  FieldValue value;
};

struct Query {
  std::vector<Condition> conditions;  // all must hold
  std::optional<std::size_t> sort_by;
  bool descending = false;
  std::string search;  // lower case
  std::size_t offset = 0, limit = 50;
};

using FieldNames = std::vector<std::pair<std::string, FieldKind>>;
// Other parameters of the endpoint are named in `extra`; unknown ones are ignored as Run:ai does, unknown fields,
// operators and values are refused.
Result<Query> read_query(const net::Request& request, const FieldNames& fields, bool descending_default = false);
bool holds(const Condition& condition, const FieldValue& value);
bool contains_text(std::string_view text, std::string_view lower_case_part);

template <class Row>
FieldNames names_of(const std::vector<Field<Row>>& fields) {
  FieldNames out;
  for (const Field<Row>& field : fields) out.emplace_back(field.name, field.kind);
  return out;
}

template <class Row>
bool matches(const Query& query, const std::vector<Field<Row>>& fields, const Row& row) {
  return std::all_of(query.conditions.begin(), query.conditions.end(),
                     [&](const Condition& one) { return holds(one, fields[one.field].read(row)); });
}

// Rows in the asked order; those with equal keys keep theirs. Only the rows of the page are sure to stand right: the
// rest stands in any order.
template <class Row>
void sort_rows(const Query& query, const std::vector<Field<Row>>& fields, std::vector<const Row*>& rows) {
  if (!query.sort_by) {
    if (query.descending) std::reverse(rows.begin(), rows.end());
    return;
  }
  struct Keyed {
    FieldValue key;
    std::size_t place = 0;
    const Row* row = nullptr;
  };
  std::vector<Keyed> keyed;
  keyed.reserve(rows.size());
  for (const Row* row : rows) keyed.push_back({fields[*query.sort_by].read(*row), keyed.size(), row});
  const std::size_t wanted = std::min(keyed.size(), query.offset + query.limit);
  std::partial_sort(keyed.begin(), keyed.begin() + static_cast<std::ptrdiff_t>(wanted), keyed.end(),
                    [&](const Keyed& a, const Keyed& b) {
                      if (a.key == b.key) return a.place < b.place;
                      return query.descending ? b.key < a.key : a.key < b.key;
                    });
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = keyed[i].row;
}

// The slice of the page, and the offset of the next one.
struct Page {
  std::size_t begin = 0, end = 0;
  std::optional<std::size_t> next;
};
Page page_of(const Query& query, std::size_t total);

}  // namespace muster::control
