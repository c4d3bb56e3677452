#pragma once
// Topologies: the network topologies of the cluster by name: node labels from the widest domain to the narrowest, along
// which gangs are kept together (product rule 1.12.6). Made and removed, never changed. Like Organisation, its changes
// are bodies of jobs of the record; guarded by the lock of the tables.

#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "control/record/record.h"
#include "sql/connection.h"

namespace muster::control {

struct NetworkTopology {
  std::string id, name;
  std::vector<std::string> levels;  // label keys, widest first
  Time created;
  std::string created_by;
};

class Topologies {
 public:
  Result<void> load(sql::Connection& db);
  const std::map<std::string, NetworkTopology>& all() const { return by_id_; }
  // By id or by name; nullptr when there is none.
  const NetworkTopology* find(const std::string& id_or_name) const;

  Result<NetworkTopology> create(sql::Connection& db, Effects& effects, NetworkTopology wanted);
  // Running workloads go on; those that name it and are not placed yet wait.
  Result<void> remove(sql::Connection& db, Effects& effects, const std::string& id);
  Result<void> send_again(sql::Connection& db, Effects& effects) const;

 private:
  std::map<std::string, NetworkTopology> by_id_;
};

// Pointers are those of the REST body.
Result<void> check_topology(const NetworkTopology& topology);

}  // namespace muster::control
