// The history keeps the newest writes of a kind, within bounds of number and size.
#include "kube/local/table.h"

namespace muster::kube::local {

namespace {
constexpr std::size_t kept_writes = 4096;
constexpr std::size_t kept_bytes = 4 << 20;
}  // namespace

Pin pinned(const json::Value& object, std::int64_t revision, std::int64_t row, std::size_t bytes) {
  return std::make_shared<const Version>(Version{json::Value(object), revision, row, bytes});
}

std::string table_name(const Kind& kind) { return kind.group.empty() ? kind.plural : kind.plural + "." + kind.group; }

std::string path_of(const Key& key) { return key.ns.empty() ? key.name : key.ns + "/" + key.name; }

Pin Table::find(std::string_view path) const {
  const auto it = objects.find(path);
  return it == objects.end() ? nullptr : it->second;
}

void Table::remember(Revision revision) {
  history_bytes += revision.after->bytes;
  history.push_back(std::move(revision));
  while (history.size() > kept_writes || (history_bytes > kept_bytes && history.size() > 16)) {
    forgotten = history.front().revision;
    history_bytes -= history.front().after->bytes;
    history.pop_front();
  }
  changed.notify_all();
}

void Table::forget_all(std::int64_t now) {
  forgotten = now;
  history.clear();
  history_bytes = 0;
  changed.notify_all();
}

}  // namespace muster::kube::local
