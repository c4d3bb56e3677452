#pragma once
// Accounts: the users and groups of this machine. A fake stands in for them in tests.

#include <sys/types.h>

#include <optional>
#include <string>

namespace muster::control {

struct Account {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};

class Accounts {
 public:
  virtual ~Accounts() = default;
  virtual std::optional<Account> by_uid(uid_t uid) const = 0;
  virtual std::optional<Account> by_name(const std::string& name) const = 0;
  virtual bool is_in_group(const Account& account, const std::string& group) const = 0;
  // The account that this program runs as.
  virtual uid_t own_uid() const = 0;
};

// passwd and group of the system, through NSS.
const Accounts& system_accounts();

}  // namespace muster::control
