#include "control/clusters/sender.h"

#include <algorithm>

#include "base/log.h"

namespace muster::control {

Sender::Sender() {
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

Sender::~Sender() {
  disconnect();
  thread_.request_stop();
  Lock lock(mutex_);
  changed_.notify_all();
}

Result<void> Sender::load(sql::Connection& db) {
  const auto rows =
      TRY(db.query("SELECT sequence, kind, namespace, name, remove, object FROM outbox ORDER BY sequence"));
  Lock lock(mutex_);
  for (const sql::Row& row : rows) {
    model::Desired entry{.sequence = static_cast<std::uint64_t>(row.integer(0)),
                         .kind = row.text(1),
                         .ns = row.text(2),
                         .name = row.text(3),
                         .remove = row.integer(4) != 0};
    entry.object = TRY(json::parse(row.text(5), {.bytes = 4 << 20}));
    entries_.push_back(std::move(entry));
  }
  return {};
}

void Sender::add(std::vector<model::Desired> changes) {
  Lock lock(mutex_);
  std::move(changes.begin(), changes.end(), std::back_inserter(entries_));
  changed_.notify_all();
}

void Sender::connect(model::LineToCluster& line) {
  Lock lock(mutex_);
  line_ = &line;
  sent_ = 0;
  changed_.notify_all();
}

void Sender::disconnect() {
  Lock lock(mutex_);
  line_ = nullptr;
  while (using_line_ > 0) changed_.wait(mutex_);
}

std::vector<model::Desired> Sender::applied(std::uint64_t sequence) {
  std::vector<model::Desired> settled;
  Lock lock(mutex_);
  while (!entries_.empty() && entries_.front().sequence <= sequence) {
    settled.push_back(std::move(entries_.front()));
    entries_.pop_front();
    if (sent_ > 0) --sent_;
  }
  changed_.notify_all();
  return settled;
}

bool Sender::is_waiting(std::string_view kind, const std::string& ns, const std::string& name) const {
  Lock lock(mutex_);
  return std::any_of(entries_.begin(), entries_.end(), [&](const model::Desired& entry) {
    return entry.name == name && entry.ns == ns && entry.kind == kind;
  });
}

std::size_t Sender::waiting() const {
  Lock lock(mutex_);
  return entries_.size();
}

bool Sender::settle(Deadline deadline) {
  Lock lock(mutex_);
  if (entries_.empty()) return true;
  const std::uint64_t last = entries_.back().sequence;
  while (!entries_.empty() && entries_.front().sequence <= last) {
    if (deadline.passed()) return false;
    changed_.wait_until(mutex_, deadline);
  }
  return true;
}

Result<json::Value> Sender::ask(const json::Value& question, Deadline deadline) {
  model::LineToCluster* line = nullptr;
  {
    Lock lock(mutex_);
    if (line_ == nullptr) return unavailable("the cluster part is not connected yet; try again soon");
    line = line_;
    ++using_line_;
  }
  Result<json::Value> answer = line->ask(question, deadline);
  Lock lock(mutex_);
  --using_line_;
  changed_.notify_all();
  return answer;
}

std::vector<model::Desired> Sender::take(std::stop_token stop) {
  Lock lock(mutex_);
  while (!stop.stop_requested() && (line_ == nullptr || sent_ >= entries_.size())) changed_.wait(mutex_);
  if (stop.stop_requested()) return {};
  const std::size_t count = std::min(largest_batch, entries_.size() - sent_);
  ++using_line_;
  return {entries_.begin() + static_cast<std::ptrdiff_t>(sent_),
          entries_.begin() + static_cast<std::ptrdiff_t>(sent_ + count)};
}

void Sender::run(std::stop_token stop) {
  name_thread("outbox");
  while (!stop.stop_requested()) {
    std::vector<model::Desired> batch = take(stop);
    if (batch.empty()) return;
    const std::uint64_t last = batch.back().sequence;
    model::LineToCluster* line = nullptr;
    {
      Lock lock(mutex_);
      line = line_;
    }
    Result<void> sent = line == nullptr ? Result<void>(unavailable("the line was cut")) : line->send(std::move(batch));
    bool wait = false;
    {
      Lock lock(mutex_);
      --using_line_;
      changed_.notify_all();
      if (sent.has_value() && line == line_) {
        // Entries may have been settled meanwhile: count by sequence, not by position.
        while (sent_ < entries_.size() && entries_[sent_].sequence <= last) ++sent_;
      } else {
        wait = line_ != nullptr;
      }
    }
    if (!sent.has_value()) log::warn("outbox.not_sent", {{"error", sent.error().text}});
    if (wait && sleep_until(stop, Deadline::in(retry_delay))) return;
  }
}

}  // namespace muster::control
