#pragma once
// Kubeconfig: where an API server is and how to prove who one is, from the file that kubectl reads.

#include <string>

#include "base/result.h"

namespace muster::kube {

struct Kubeconfig {
  std::string server;  // "https://10.0.0.1:6443"
  std::string ca_pem, certificate_pem, key_pem;
  std::string token;
  bool insecure_skip_verify = false;
};

// The current context, or `context`. Paths inside the file are relative to its folder. Programs that fetch
// credentials (exec) are not run: invalid says so.
Result<Kubeconfig> read_kubeconfig(const std::string& path, const std::string& context);
// The same from text; `folder` is where relative paths begin.
Result<Kubeconfig> parse_kubeconfig(std::string_view text, const std::string& folder, const std::string& context);

}  // namespace muster::kube
