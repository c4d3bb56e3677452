#pragma once
// RestApi: kube::Api on a real API server over HTTPS, from a kubeconfig.

#include <memory>
#include <string>

#include "kube/api.h"

namespace muster::kube {

class RestApi : public Api {
 public:
  // Reads a kubeconfig (current-context or `context`): server, CA, client certificate, token; embedded data or files.
  static Result<std::unique_ptr<RestApi>> open(const std::string& kubeconfig_path, const std::string& context = "");
  virtual Result<std::string> server_version() = 0;  // "v1.37.2"
};

// Creates or updates the CRDs of api/crds; with `only_check` an absent one is an error that names --install-crds.
Result<void> ensure_crds(Api& api, bool only_check);

}  // namespace muster::kube
