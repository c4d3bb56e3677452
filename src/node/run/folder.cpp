#include "node/run/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>

namespace muster::node {

namespace {

// A job's argv and environment may be as large as the kernel takes them.
constexpr json::Limits limits{.depth = 16, .bytes = 8U << 20};

template <class T>
Result<T> read_record(const std::string& path) {
  const std::string text = TRY(read_file(path, limits.bytes));
  const json::Value value = TRY(json::parse(text, limits).at("reading " + path));
  return json::decode<T>(value).at("reading " + path);
}

// Whole or not there, for readers and for kill -9; not synced: after a power cut these files speak of another boot.
Result<void> write_unsynced(const std::string& path, std::string_view bytes) {
  const std::string beside = path + ".new";
  Fd fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!fd.is_open()) return system_error(errno, "writing " + path);
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(errno, "writing " + path);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  fd.close();
  if (::rename(beside.c_str(), path.c_str()) != 0) return system_error(errno, "writing " + path);
  return {};
}

template <class T>
Result<void> write_record(const std::string& path, const T& record) {
  return write_unsynced(path, json::write(json::encode(record)));
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

}  // namespace

Result<RunOrder> RunFolder::order() const { return read_record<RunOrder>(path_ + "/run.json"); }
Result<ShimRecord> RunFolder::shim() const { return read_record<ShimRecord>(path_ + "/shim.json"); }
Result<StartRecord> RunFolder::start() const { return read_record<StartRecord>(path_ + "/started.json"); }
Result<StopRecord> RunFolder::stop() const { return read_record<StopRecord>(path_ + "/stop.json"); }
Result<ExitRecord> RunFolder::exit() const { return read_record<ExitRecord>(path_ + "/exit.json"); }
bool RunFolder::has_exit() const { return exists(path_ + "/exit.json"); }
bool RunFolder::has_shim() const { return exists(path_ + "/shim.json"); }

Result<void> RunFolder::write(const RunOrder& order) const { return write_record(path_ + "/run.json", order); }
Result<void> RunFolder::write(const ShimRecord& record) const { return write_record(path_ + "/shim.json", record); }
Result<void> RunFolder::write(const StartRecord& record) const { return write_record(path_ + "/started.json", record); }
Result<void> RunFolder::write(const StopRecord& record) const { return write_record(path_ + "/stop.json", record); }
Result<void> RunFolder::write(const ExitRecord& record) const {
  return write_file_atomic(path_ + "/exit.json", json::write(json::encode(record)), 0600);
}

Fd RunFolder::take_lock() const {
  Fd fd(::open((path_ + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.is_open()) return Fd();
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(fd.get(), F_OFD_SETLK, &lock) != 0) return Fd();
  return fd;
}

bool RunFolder::is_locked() const {
  const Fd fd(::open((path_ + "/lock").c_str(), O_RDWR | O_CLOEXEC));
  if (!fd.is_open()) return false;
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return ::fcntl(fd.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

std::string RunFolder::segment(int number) const { return path_ + "/output-" + std::to_string(number) + ".log"; }

std::vector<int> RunFolder::segments() const {
  std::vector<int> numbers;
  DIR* folder = ::opendir(path_.c_str());
  if (folder == nullptr) return numbers;
  while (const dirent* entry = ::readdir(folder)) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with("output-") || !name.ends_with(".log")) continue;
    const std::string_view digits = name.substr(7, name.size() - 11);
    int number = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size()) numbers.push_back(number);
  }
  ::closedir(folder);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

std::string run_marker(const std::string& pod_uid) { return "MUSTER_POD_UID=" + pod_uid; }

bool is_safe_uid(const std::string& uid) {
  return !uid.empty() && uid.size() <= 64 && std::all_of(uid.begin(), uid.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

int newest_attempt_in(const std::string& pod_folder) {
  int newest = -1;
  DIR* folder = ::opendir(pod_folder.c_str());
  if (folder == nullptr) return newest;
  while (const dirent* entry = ::readdir(folder)) {
    const std::string_view name = entry->d_name;
    int number = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
    if (parsed.ec == std::errc() && parsed.ptr == name.data() + name.size()) newest = std::max(newest, number);
  }
  ::closedir(folder);
  return newest;
}

Result<void> remove_tree(const std::string& path) {
  const auto remove_one = [](const char* name, const struct stat*, int, struct FTW*) { return ::remove(name); };
  if (::nftw(path.c_str(), remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0 && errno != ENOENT) {
    return system_error(errno, "removing " + path);
  }
  return {};
}

}  // namespace muster::node
