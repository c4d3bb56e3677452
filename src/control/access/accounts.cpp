#include "control/access/accounts.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace muster::control {
namespace {

constexpr std::size_t first_buffer = 4096, largest_buffer = 1 << 20;

template <class Ask>
std::optional<Account> ask_passwd(const Ask& ask) {
  for (std::size_t size = first_buffer; size <= largest_buffer; size *= 2) {
    std::vector<char> buffer(size);
    passwd entry{};
    passwd* found = nullptr;
    const int error = ask(&entry, buffer.data(), buffer.size(), &found);
    if (error == ERANGE) continue;
    if (error != 0 || found == nullptr) return std::nullopt;
    return Account{.name = entry.pw_name, .uid = entry.pw_uid, .gid = entry.pw_gid};
  }
  return std::nullopt;
}

class SystemAccounts final : public Accounts {
 public:
  std::optional<Account> by_uid(uid_t uid) const override {
    return ask_passwd([uid](passwd* entry, char* buffer, std::size_t size, passwd** found) {
      return ::getpwuid_r(uid, entry, buffer, size, found);
    });
  }

  std::optional<Account> by_name(const std::string& name) const override {
    return ask_passwd([&name](passwd* entry, char* buffer, std::size_t size, passwd** found) {
      return ::getpwnam_r(name.c_str(), entry, buffer, size, found);
    });
  }

  bool is_in_group(const Account& account, const std::string& group) const override {
    std::optional<gid_t> wanted;
    for (std::size_t size = first_buffer; size <= largest_buffer && !wanted; size *= 2) {
      std::vector<char> buffer(size);
      ::group entry{};
      ::group* found = nullptr;
      const int error = ::getgrnam_r(group.c_str(), &entry, buffer.data(), buffer.size(), &found);
      if (error == ERANGE) continue;
      if (error != 0 || found == nullptr) return false;
      wanted = entry.gr_gid;
    }
    if (!wanted) return false;
    int count = 64;
    std::vector<gid_t> groups(static_cast<std::size_t>(count));
    while (::getgrouplist(account.name.c_str(), account.gid, groups.data(), &count) < 0) {
      if (count <= static_cast<int>(groups.size()) || count > 65536) return false;
      groups.resize(static_cast<std::size_t>(count));
    }
    groups.resize(static_cast<std::size_t>(count));
    return std::find(groups.begin(), groups.end(), *wanted) != groups.end();
  }

  uid_t own_uid() const override { return ::geteuid(); }
};

}  // namespace

const Accounts& system_accounts() {
  static const SystemAccounts accounts;
  return accounts;
}

}  // namespace muster::control
