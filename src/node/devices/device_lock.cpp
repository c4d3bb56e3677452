#include "node/devices/device_lock.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "node/account.h"

namespace muster::node {

namespace {

struct Name {
  sockaddr_un address{};
  socklen_t size = 0;
};

Name name_of_lock(const std::string& uuid) {
  Name name;
  name.address.sun_family = AF_UNIX;
  const std::string text = "muster-gpu-" + uuid;
  const std::size_t length = std::min(text.size(), sizeof name.address.sun_path - 1);
  std::copy_n(text.data(), length, name.address.sun_path + 1);
  name.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + length);
  return name;
}

std::string holder_of(const Name& name) {
  const Fd asker(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  ucred holder{};
  socklen_t size = sizeof holder;
  if (!asker.is_open() || ::connect(asker.get(), reinterpret_cast<const sockaddr*>(&name.address), name.size) != 0 ||
      ::getsockopt(asker.get(), SOL_SOCKET, SO_PEERCRED, &holder, &size) != 0) {
    return "another process";
  }
  return "the muster process " + std::to_string(holder.pid) + " of " + account_of(holder.uid).name;
}

}  // namespace

Result<Fd> lock_device(const std::string& uuid) {
  const Name name = name_of_lock(uuid);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.is_open()) return system_error(errno, "locking device " + uuid);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name.address), name.size) != 0) {
    if (errno != EADDRINUSE) return system_error(errno, "locking device " + uuid);
    return conflict("device " + uuid + " is in use by " + holder_of(name) + "; it is left out here");
  }
  // Listening makes our pid and uid readable for the one who comes second.
  if (::listen(fd.get(), 4) != 0) return system_error(errno, "locking device " + uuid);
  return fd;
}

}  // namespace muster::node
