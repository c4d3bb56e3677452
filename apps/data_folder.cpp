#include "apps/data_folder.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/json.h"
#include "base/text.h"
#include "crypt/random.h"

namespace muster::apps {
namespace {

// The format of what lies in the folder. A newer program may raise it; an older one then refuses to start.
constexpr int format = 1;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

Error refused(const std::string& path, const std::string& why, const std::string& remedy) {
  return internal("data folder " + path + " is refused: " + why + "; " + remedy);
}

Result<void> check_owner_and_mode(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return system_error(errno, "data folder " + path);
  if (!S_ISDIR(info.st_mode)) return refused(path, "it is no folder", "choose another with --data");
  if (info.st_uid != ::geteuid()) {
    const passwd* owner = ::getpwuid(info.st_uid);
    const std::string name = owner != nullptr ? owner->pw_name : "uid " + std::to_string(info.st_uid);
    return refused(path, "it belongs to " + name, "start Muster as that user or choose another folder with --data");
  }
  if ((info.st_mode & 077) != 0) {
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(info.st_mode & 07777));
    return refused(path, "others may read it (mode " + std::string(mode) + ")", "chmod 700 " + path);
  }
  return {};
}

Result<void> check_writable(const std::string& path) {
  const std::string probe = path + "/.probe";
  const Result<void> written = write_file_atomic(probe, std::string(4096, ' '), 0600);
  if (!written.has_value()) {
    const std::string& text = written.error().text;
    if (text.find("space") != std::string::npos)
      return refused(path, "no space left on its disk", "free some space and start again");
    return refused(path, "it cannot be written: " + text.substr(text.rfind(": ") + 2),
                   "make it writable or choose another with --data");
  }
  ::unlink(probe.c_str());
  return {};
}

Result<void> check_format(const std::string& path) {
  const std::string file = path + "/format.json";
  const Result<std::string> text = read_file(file);
  if (!text.has_value()) {
    if (text.error().kind != ErrorKind::NotFound) return text.error();
    return write_file_atomic(file, json::write(json::Object{{"format", format}, {"version", MUSTER_VERSION}}) + "\n",
                             0600);
  }
  const Result<json::Value> value = json::parse(*text);
  const std::optional<std::int64_t> found = value.has_value() ? json::integer_at(*value, "/format") : std::nullopt;
  if (!found)
    return refused(path, "format.json in it is damaged",
                   "restore the folder from a backup or choose another with --data");
  if (*found > format) {
    return refused(path,
                   "it was written by a newer Muster (" + json::text_or(*value, "/version", "unknown version") +
                       ", this is " MUSTER_VERSION ")",
                   "start that version or choose another folder with --data");
  }
  return {};
}

}  // namespace

std::string default_data_folder() {
  if (const std::string given = environment("MUSTER_DATA"); !given.empty()) return given;
  if (::geteuid() == 0) return "/var/lib/muster";
  if (const std::string xdg = environment("XDG_DATA_HOME"); !xdg.empty()) return xdg + "/muster";
  std::string home = environment("HOME");
  if (home.empty()) {
    const passwd* me = ::getpwuid(::geteuid());
    home = me != nullptr ? me->pw_dir : "/tmp";
  }
  return home + "/.local/share/muster";
}

Result<DataFolder> DataFolder::open(const std::string& given) {
  DataFolder folder;
  folder.path_ = given;
  if (!given.starts_with('/')) {
    char here[4096];
    if (::getcwd(here, sizeof here) == nullptr) return system_error(errno, "finding the working folder");
    folder.path_ = std::string(here) + "/" + given;
  }
  const std::string& path = folder.path_;
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) {
    if (const std::size_t slash = path.rfind('/'); slash > 0) {
      const Result<void> parents = make_folders(path.substr(0, slash), 0755);
      if (!parents.has_value()) return refused(path, parents.error().text, "choose another with --data");
    }
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
      return refused(path, "it cannot be made: " + errno_text(errno), "choose another with --data");
    }
  }
  TRY(check_owner_and_mode(path));
  const std::string lock_file = path + "/lock";
  folder.lock_ = Fd(::open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!folder.lock_.is_open()) {
    if (errno == ENOSPC) return refused(path, "no space left on its disk", "free some space and start again");
    return refused(path, "it cannot be written: " + errno_text(errno),
                   "make it writable or choose another with --data");
  }
  if (::flock(folder.lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    const Result<std::string> pid = read_file(lock_file);
    const std::string holder = pid.has_value() && !trim(*pid).empty() ? " (pid " + std::string(trim(*pid)) + ")" : "";
    return conflict("data folder " + path + " is in use by another Muster" + holder +
                    "; stop it with `muster down` or choose another folder with --data");
  }
  TRY(check_writable(path));
  TRY(check_format(path));
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(folder.lock_.get(), 0) != 0 || ::pwrite(folder.lock_.get(), pid.data(), pid.size(), 0) < 0) {
    return system_error(errno, "writing " + lock_file);
  }
  return folder;
}

Result<std::string> DataFolder::owner_token() const {
  const std::string file = path_ + "/owner.token";
  Result<std::string> text = read_file(file, 4096);
  if (text.has_value()) {
    const std::string token(trim(*text));
    if (token.size() >= 32) return token;
  } else if (text.error().kind != ErrorKind::NotFound) {
    return text.error();
  }
  const std::string token = crypt::random_token(256);
  TRY(write_file_atomic(file, token, 0600));
  return token;
}

Result<void> DataFolder::publish(const std::string& endpoint_json) const {
  return write_file_atomic(path_ + "/endpoint.json", endpoint_json, 0600);
}

void DataFolder::unpublish() const { ::unlink((path_ + "/endpoint.json").c_str()); }

}  // namespace muster::apps
