#pragma once
// NVML: the GPUs of this machine, by libnvidia-ml.so.1 loaded at run time, so that Muster needs no driver to build or
// to start. Devices in MIG mode are left out for now, with a line in the log; so is a device that another Muster of
// this machine holds.

#include <memory>

#include "base/result.h"
#include "node/devices/device.h"

namespace muster::node {

// Unavailable when there is no library, no driver or no usable device: the text says which. MUSTER_NVML_LIBRARY names
// another library. The devices are locked (device_lock.h) while the returned object lives.
Result<std::unique_ptr<Devices>> open_nvml();

}  // namespace muster::node
