#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace muster {

std::string errno_text(int number) {
  std::string text = ::strerror(number);
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z' && number != EIO)
    text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return text;
}

Error system_error(int number, std::string_view doing) {
  const std::string text = std::string(doing) + ": " + errno_text(number);
  switch (number) {
    case ENOENT:
      return not_found(text);
    case EACCES:
    case EPERM:
      return denied(text);
    case EEXIST:
      return conflict(text);
    case ENOSPC:
    case EDQUOT:
      return internal(text + "; free some space and try again");
    case ETIMEDOUT:
      return timed_out(text);
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
      return unavailable(text);
    default:
      return internal(text);
  }
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) return system_error(errno, "reading " + path);
  std::string bytes;
  char buffer[65536];
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(errno, "reading " + path);
    if (n == 0) return bytes;
    bytes.append(buffer, static_cast<std::size_t>(n));
    if (bytes.size() > limit) return invalid("reading " + path + ": larger than " + std::to_string(limit) + " bytes");
  }
}

Result<void> write_file_atomic(const std::string& path, std::string_view bytes, mode_t mode) {
  const std::string folder = path.find('/') == std::string::npos ? "." : path.substr(0, path.rfind('/'));
  std::string temporary = path + ".XXXXXX";
  Fd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd.is_open()) return system_error(errno, "writing " + path);
  const auto fail = [&](int number) {
    ::unlink(temporary.c_str());
    return system_error(number, "writing " + path);
  };
  if (::fchmod(fd.get(), mode) != 0) return fail(errno);
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::fsync(fd.get()) != 0) return fail(errno);
  fd.close();
  if (::rename(temporary.c_str(), path.c_str()) != 0) return fail(errno);
  const Fd dir(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (dir.is_open()) ::fsync(dir.get());
  return {};
}

Result<void> make_folders(const std::string& path, mode_t mode) {
  for (std::size_t at = 1; at <= path.size(); ++at) {
    if (at != path.size() && path[at] != '/') continue;
    const std::string part = path.substr(0, at);
    if (::mkdir(part.c_str(), mode) != 0 && errno != EEXIST) return system_error(errno, "making folder " + part);
  }
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return system_error(errno, "making folder " + path);
  if (!S_ISDIR(info.st_mode)) return invalid("making folder " + path + ": a file of that name is there");
  return {};
}

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = other.release();
  }
  return *this;
}

Fd::~Fd() { close(); }

int Fd::release() {
  const int fd = fd_;
  fd_ = -1;
  return fd;
}

void Fd::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

}  // namespace muster
