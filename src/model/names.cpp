#include "model/names.h"

namespace muster::model {
namespace {

std::string with_pool(std::string name, std::string_view pool) {
  if (pool.empty() || pool == "default") return name;
  return name.append("--").append(pool);
}

}  // namespace

std::string namespace_of_project(std::string_view project) { return "runai-" + std::string(project); }

std::string queue_of_project(std::string_view project, std::string_view pool) {
  return with_pool(std::string(project), pool);
}

std::string queue_of_department(std::string_view department, std::string_view pool) {
  return with_pool("dept--" + std::string(department), pool);
}

}  // namespace muster::model
