#include "cluster/round/decision_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <vector>

#include "base/log.h"

namespace muster::cluster {
namespace {

std::string path_of(const std::string& folder, std::uint64_t number) {
  return fmt::format("{}/{:06}.log", folder, number);
}

std::vector<std::uint64_t> numbers_in(const std::string& folder) {
  std::vector<std::uint64_t> numbers;
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(folder.c_str()), ::closedir);
  if (!open) return numbers;
  while (const dirent* entry = ::readdir(open.get())) {
    const std::string_view name(entry->d_name);
    std::uint64_t number = 0;
    const auto [end, ec] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (ec == std::errc() && std::string_view(end) == ".log") numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

}  // namespace

DecisionFile::DecisionFile(std::string folder) : folder_(std::move(folder)) {
  if (folder_.empty()) return;
  folder_ += "/decisions";
  if (const Result<void> made = make_folders(folder_, 0700); !made) {
    log::warn("decision_log_off", {{"error", made.error().text}});
    folder_.clear();
    return;
  }
  const std::vector<std::uint64_t> numbers = numbers_in(folder_);
  if (!numbers.empty()) number_ = numbers.back();
}

void DecisionFile::give_up(std::string_view doing, int number) {
  log::warn("decision_log_off", {{"error", std::string(doing) + " " + folder_ + ": " + errno_text(number)}});
  folder_.clear();
  file_.close();
}

void DecisionFile::begin() {
  if (!is_on()) return;
  ++number_;
  bytes_ = 0;
  file_ = Fd(::open(path_of(folder_, number_).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
  if (!file_.is_open()) return give_up("making a file in", errno);
  for (const std::uint64_t old : numbers_in(folder_)) {
    if (old + most_files <= number_) ::unlink(path_of(folder_, old).c_str());
  }
}

void DecisionFile::append(std::string_view bytes) {
  if (!is_on() || !file_.is_open()) return;
  while (!bytes.empty()) {
    const ssize_t n = ::write(file_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return give_up("writing to", errno);
    bytes_ += static_cast<std::uint64_t>(n);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace muster::cluster
