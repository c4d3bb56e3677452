#pragma once
// Account: who a process of this machine runs as: name, home, shell, groups.

#include <cstdint>
#include <string>
#include <vector>

namespace muster::node {

struct Account {
  std::string name;  // the number in digits when the machine does not know it
  std::uint32_t uid = 0, gid = 0;
  std::string home = "/";
  std::string shell = "/bin/sh";
};

Account account_of(std::uint32_t uid);
// What initgroups would set: every group that lists the account, and `gid`.
std::vector<std::uint32_t> groups_of(const Account& account, std::uint32_t gid);

}  // namespace muster::node
