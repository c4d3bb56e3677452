#pragma once
// DeviceLock: two servers on one machine never share a device. The lock is a name in the kernel's abstract socket
// space: it needs no file, holds across users, and goes with its process however that ends.

#include <string>

#include "base/file.h"
#include "base/result.h"

namespace muster::node {

// Keep the descriptor for as long as the device is used. conflict: held by another process; the text names its pid and
// account.
Result<Fd> lock_device(const std::string& uuid);

}  // namespace muster::node
