#include "node/run/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

namespace muster::node {

namespace {

// The shim needs no word of ours in its environment, and Muster's may hold tokens.
std::vector<std::string> environment_of_shim() {
  std::vector<std::string> words;
  for (const char* name : {"PATH", "LD_LIBRARY_PATH", "TZ", "LANG", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS",
                           "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"}) {
    if (const char* value = std::getenv(name)) words.push_back(std::string(name) + "=" + value);
  }
  return words;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> out;
  for (std::string& word : words) out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

Result<pid_t> spawn_quietly(std::vector<std::string> words, int keep) {
  std::vector<std::string> environment = environment_of_shim();
  const std::vector<char*> argv = pointers(words);
  const std::vector<char*> envp = pointers(environment);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  for (const int fd : {0, 1, 2}) ::posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
  if (keep >= 0) ::posix_spawn_file_actions_adddup2(&actions, keep, 3);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, keep >= 0 ? 4 : 3);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t waiting, all;
  ::sigemptyset(&waiting);
  ::sigaddset(&waiting, SIGTERM);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &waiting);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, argv[0], &actions, &attributes, argv.data(), envp.data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return system_error(error, "running " + words[0]);
  return pid;
}

Result<pid_t> spawn_shim(const std::string& program, const RunFolder& folder, const Walls& walls,
                         const RunOrder& order) {
  std::vector<std::string> words =
      scope_command(walls, order.walls, order.pod_uid + "-" + std::to_string(order.attempt));
  words.insert(words.end(), {program, "shim", folder.path()});
  return spawn_quietly(std::move(words), -1).at("starting the shim of pod " + order.ns + "/" + order.pod);
}

}  // namespace muster::node
