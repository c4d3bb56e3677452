#pragma once
// LocalApi: kube::Api on an SQLite file. Same semantics as a real API server for the kinds of kinds.h and registered
// CRDs, nothing more: no server-side apply, no controllers, no HTTP face.

#include <functional>
#include <memory>
#include <string>

#include "kube/api.h"

namespace muster::kube {

// Switches for tests; all off in the product.
struct Faults {
  int conflict_every = 0;    // every n-th write answers conflict
  int lose_watch_every = 0;  // every n-th watch event ends its watch with unavailable
  bool compact = false;      // forget the event history: resuming watches get 410
  int delay_ms = 0;          // each call takes at least this long
};

class LocalApi : public Api {
 public:
  struct Options {
    std::string path;        // SQLite file, made with mode 0600; ":memory:" for tests
    Clock* clock = nullptr;  // nullptr: the system's
  };
  // Opens or creates; the contracts of api/crds are registered. internal with "space" on a full disk, invalid for a
  // file of a newer version.
  static Result<std::unique_ptr<LocalApi>> open(const Options& options);
  virtual void set_faults(const Faults& faults) = 0;
};

}  // namespace muster::kube
