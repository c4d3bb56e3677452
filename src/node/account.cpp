#include "node/account.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

namespace muster::node {

Account account_of(std::uint32_t uid) {
  Account account{.name = std::to_string(uid), .uid = uid, .gid = uid};
  std::vector<char> buffer(16384);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return account;
  account.name = entry.pw_name;
  account.gid = entry.pw_gid;
  if (entry.pw_dir != nullptr && entry.pw_dir[0] == '/') account.home = entry.pw_dir;
  if (entry.pw_shell != nullptr && entry.pw_shell[0] == '/') account.shell = entry.pw_shell;
  return account;
}

std::vector<std::uint32_t> groups_of(const Account& account, std::uint32_t gid) {
  int count = 64;
  for (;;) {
    std::vector<gid_t> groups(static_cast<std::size_t>(count));
    if (::getgrouplist(account.name.c_str(), gid, groups.data(), &count) >= 0) {
      return {groups.begin(), groups.begin() + count};
    }
    // Without progress the account is unknown to the machine.
    if (count <= static_cast<int>(groups.size())) return {gid};
  }
}

}  // namespace muster::node
