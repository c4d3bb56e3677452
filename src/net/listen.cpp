#include "net/listen.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <set>

#include "base/text.h"

namespace muster::net {
namespace {

// Socket inodes that listen on the port, from /proc/net/tcp and tcp6.
std::set<std::string> listening_inodes(std::uint16_t port) {
  std::set<std::string> inodes;
  char wanted[8];
  std::snprintf(wanted, sizeof wanted, ":%04X", port);
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    const Result<std::string> text = read_file(table);
    if (!text.has_value()) continue;
    for (const std::string_view line : split(*text, '\n')) {
      std::vector<std::string_view> fields;
      for (const std::string_view field : split(line, ' ')) {
        if (!field.empty()) fields.push_back(field);
      }
      // sl local_address rem_address st ... inode is the tenth; state 0A listens.
      if (fields.size() > 9 && fields[3] == "0A" && fields[1].ends_with(wanted)) inodes.emplace(fields[9]);
    }
  }
  return inodes;
}

bool holds_socket(const std::string& fd_folder, const std::set<std::string>& inodes) {
  DIR* folder = ::opendir(fd_folder.c_str());
  if (folder == nullptr) return false;
  bool found = false;
  while (const dirent* entry = ::readdir(folder)) {
    char target[128];
    const ssize_t n = ::readlink((fd_folder + "/" + entry->d_name).c_str(), target, sizeof target - 1);
    if (n <= 0) continue;
    std::string_view link(target, static_cast<std::size_t>(n));
    if (!link.starts_with("socket:[")) continue;
    if (inodes.contains(std::string(link.substr(8, link.size() - 9)))) found = true;
  }
  ::closedir(folder);
  return found;
}

}  // namespace

std::string holder_of_port(std::uint16_t port) {
  const std::set<std::string> inodes = listening_inodes(port);
  if (inodes.empty()) return {};
  DIR* proc = ::opendir("/proc");
  if (proc == nullptr) return {};
  std::string holder;
  while (const dirent* entry = ::readdir(proc)) {
    const std::string pid = entry->d_name;
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    if (!holds_socket("/proc/" + pid + "/fd", inodes)) continue;
    const Result<std::string> name = read_file("/proc/" + pid + "/comm");
    holder = "pid " + pid + (name.has_value() ? " (" + std::string(trim(*name)) + ")" : "");
    break;
  }
  ::closedir(proc);
  return holder;
}

Result<Fd> listen_tcp(const std::string& address, std::uint16_t port) {
  const std::string host = address == "localhost" ? "127.0.0.1" : address;
  const bool v6 = host.find(':') != std::string::npos;
  sockaddr_storage storage{};
  socklen_t size = 0;
  if (v6) {
    auto* in6 = reinterpret_cast<sockaddr_in6*>(&storage);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    if (inet_pton(AF_INET6, host.c_str(), &in6->sin6_addr) != 1)
      return invalid("\"" + address + "\" is no IP address to listen on");
    size = sizeof *in6;
  } else {
    auto* in = reinterpret_cast<sockaddr_in*>(&storage);
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    if (inet_pton(AF_INET, host.c_str(), &in->sin_addr) != 1)
      return invalid("\"" + address + "\" is no IP address to listen on");
    size = sizeof *in;
  }
  Fd fd(::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.is_open()) return system_error(errno, "listening on " + address);
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const std::string shown = (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0 || ::listen(fd.get(), 512) != 0) {
    if (errno == EADDRINUSE) {
      const std::string holder = holder_of_port(port);
      return internal("listening on " + shown + ": the port is taken" + (holder.empty() ? "" : " by " + holder) +
                      "; choose another with --listen " + host + ":0 (any free port), or stop that program");
    }
    return system_error(errno, "listening on " + shown);
  }
  return fd;
}

Result<Fd> listen_unix(const std::string& path, mode_t mode) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return invalid("socket path " + path + " is longer than " + std::to_string(sizeof address.sun_path - 1) +
                   " bytes; choose a shorter data folder with --data");
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.is_open()) return system_error(errno, "listening on " + path);
  struct stat info{};
  if (::lstat(path.c_str(), &info) == 0) {
    if (!S_ISSOCK(info.st_mode)) return conflict("listening on " + path + ": a file that is no socket is there");
    const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(probe.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
      return conflict("listening on " + path + ": another server answers there");
    }
    ::unlink(path.c_str());
  }
  const mode_t before = ::umask(static_cast<mode_t>(~mode & 0777));
  const int bound = ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  const int number = errno;
  ::umask(before);
  if (bound != 0) return system_error(number, "listening on " + path);
  if (::listen(fd.get(), 512) != 0) return system_error(errno, "listening on " + path);
  return fd;
}

}  // namespace muster::net
