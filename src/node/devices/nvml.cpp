#include "node/devices/nvml.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "base/file.h"
#include "base/log.h"
#include "node/devices/device_lock.h"

namespace muster::node {

namespace {

// Own declarations of the few parts of NVML that are used; the sizes are the ABI. In nvml.h most of these names are
// macros for the newest version of a function: the names looked up here are the versioned ones that drivers export.
using Handle = struct nvmlDevice_st*;
using Code = int;
constexpr Code success = 0, gpu_is_lost = 15, reset_required = 16;

struct Memory {  // nvmlMemory_t, in bytes
  unsigned long long total, free, used;
};
static_assert(sizeof(Memory) == 24);

struct Utilization {  // nvmlUtilization_t, in percent
  unsigned int gpu, memory;
};
static_assert(sizeof(Utilization) == 8);

constexpr unsigned int uuid_size = 96;   // NVML_DEVICE_UUID_V2_BUFFER_SIZE
constexpr unsigned int name_size = 96;   // NVML_DEVICE_NAME_V2_BUFFER_SIZE
constexpr unsigned int gpu_sensor = 0;   // NVML_TEMPERATURE_GPU
constexpr unsigned int mig_enabled = 1;  // NVML_DEVICE_MIG_ENABLE

// The library's functions. The first block must be there; the second is asked for and may be missing in old drivers.
struct Functions {
  Code (*init)() = nullptr;
  Code (*shutdown)() = nullptr;
  Code (*count)(unsigned int*) = nullptr;
  Code (*handle)(unsigned int, Handle*) = nullptr;
  Code (*uuid)(Handle, char*, unsigned int) = nullptr;
  Code (*name)(Handle, char*, unsigned int) = nullptr;
  Code (*memory)(Handle, Memory*) = nullptr;
  const char* (*error_text)(Code) = nullptr;

  Code (*utilization)(Handle, Utilization*) = nullptr;
  Code (*temperature)(Handle, unsigned int, unsigned int*) = nullptr;
  Code (*power)(Handle, unsigned int*) = nullptr;  // milliwatts
  Code (*mig_mode)(Handle, unsigned int*, unsigned int*) = nullptr;
  Code (*remapped_rows)(Handle, unsigned int*, unsigned int*, unsigned int*, unsigned int*) = nullptr;
};

class Library {
 public:
  Library() = default;
  Library(Library&& other) noexcept : functions(other.functions), object_(std::exchange(other.object_, nullptr)) {}
  Library& operator=(Library&&) = delete;
  ~Library() {
    if (object_ == nullptr) return;
    functions.shutdown();
    ::dlclose(object_);
  }
  static Result<Library> open();
  std::string text_of(Code code) const {
    const char* text = functions.error_text(code);
    return text != nullptr ? text : "error " + std::to_string(code);
  }

  Functions functions;

 private:
  template <class F>
  bool find(const char* symbol, F& function) {
    function = reinterpret_cast<F>(::dlsym(object_, symbol));
    return function != nullptr;
  }
  void* object_ = nullptr;
};

Result<Library> Library::open() {
  const char* other = std::getenv("MUSTER_NVML_LIBRARY");
  const std::string path = other != nullptr && *other != '\0' ? other : "libnvidia-ml.so.1";
  Library library;
  void* object = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) {
    const char* why = ::dlerror();
    return unavailable("loading " + path + ": " + (why != nullptr ? why : "not found") +
                       "; is NVIDIA's driver installed?");
  }
  library.object_ = object;
  Functions& f = library.functions;
  const bool complete =
      library.find("nvmlInit_v2", f.init) && library.find("nvmlShutdown", f.shutdown) &&
      library.find("nvmlDeviceGetCount_v2", f.count) && library.find("nvmlDeviceGetHandleByIndex_v2", f.handle) &&
      library.find("nvmlDeviceGetUUID", f.uuid) && library.find("nvmlDeviceGetName", f.name) &&
      library.find("nvmlDeviceGetMemoryInfo", f.memory) && library.find("nvmlErrorString", f.error_text);
  const Code code = complete ? f.init() : success;
  if (!complete || code != success) {
    const std::string why = complete ? library.text_of(code) : "a function is missing: too old a driver";
    library.object_ = nullptr;
    ::dlclose(object);
    return unavailable("starting NVML (" + path + "): " + why);
  }
  library.find("nvmlDeviceGetUtilizationRates", f.utilization);
  library.find("nvmlDeviceGetTemperature", f.temperature);
  library.find("nvmlDeviceGetPowerUsage", f.power);
  library.find("nvmlDeviceGetMigMode", f.mig_mode);
  library.find("nvmlDeviceGetRemappedRows", f.remapped_rows);
  return library;
}

class NvmlDevices final : public Devices {
 public:
  explicit NvmlDevices(Library library) : library_(std::move(library)) {}

  // What can be used of the machine's devices, locked. `left_out` collects why the others cannot.
  Result<void> take(std::string& left_out);

  std::vector<Device> look() override {
    std::vector<Device> devices;
    for (Held& held : held_) {
      held.device.healthy = is_healthy(held.handle);
      devices.push_back(held.device);
    }
    return devices;
  }

  std::vector<DeviceUse> measure() override {
    std::vector<DeviceUse> uses;
    for (const Held& held : held_) uses.push_back(use_of(held));
    return uses;
  }

 private:
  struct Held {
    Handle handle;
    Device device;
    Fd lock;
  };

  bool is_healthy(Handle handle) const {
    Memory memory{};
    const Code code = library_.functions.memory(handle, &memory);
    if (code == gpu_is_lost || code == reset_required) return false;
    unsigned int correctable = 0, uncorrectable = 0, pending = 0, failed = 0;
    // Rows of memory that broke and could not be replaced: the driver itself asks for the board to be exchanged.
    return library_.functions.remapped_rows == nullptr ||
           library_.functions.remapped_rows(handle, &correctable, &uncorrectable, &pending, &failed) != success ||
           failed == 0;
  }

  DeviceUse use_of(const Held& held) const {
    const Functions& f = library_.functions;
    DeviceUse use{.uuid = held.device.uuid};
    Memory memory{};
    if (f.memory(held.handle, &memory) == success) use.memory_used_mib = static_cast<std::int64_t>(memory.used >> 20);
    Utilization utilization{};
    if (f.utilization != nullptr && f.utilization(held.handle, &utilization) == success) {
      use.utilization = static_cast<std::int32_t>(utilization.gpu);
    }
    unsigned int number = 0;
    if (f.temperature != nullptr && f.temperature(held.handle, gpu_sensor, &number) == success) {
      use.temperature = static_cast<std::int32_t>(number);
    }
    if (f.power != nullptr && f.power(held.handle, &number) == success) use.power = number / 1000.0;
    return use;
  }

  Library library_;
  std::vector<Held> held_;
};

Result<void> NvmlDevices::take(std::string& left_out) {
  const Functions& f = library_.functions;
  unsigned int count = 0;
  if (const Code code = f.count(&count); code != success) {
    return unavailable("counting devices by NVML: " + library_.text_of(code));
  }
  const auto leave_out = [&](unsigned int index, const std::string& why) {
    left_out += (left_out.empty() ? "" : "; ") + why;
    log::warn("device_left_out", {{"index", index}, {"reason", why}});
  };
  for (unsigned int index = 0; index < count; ++index) {
    Held held{};
    char uuid[uuid_size] = {}, name[name_size] = {};
    Memory memory{};
    Code code = f.handle(index, &held.handle);
    if (code == success) code = f.uuid(held.handle, uuid, sizeof uuid);
    if (code == success) code = f.name(held.handle, name, sizeof name);
    if (code == success) code = f.memory(held.handle, &memory);
    if (code != success) {
      leave_out(index, "device " + std::to_string(index) + ": " + library_.text_of(code));
      continue;
    }
    unsigned int now = 0, after = 0;
    if (f.mig_mode != nullptr && f.mig_mode(held.handle, &now, &after) == success && now == mig_enabled) {
      leave_out(index, "device " + std::string(uuid) + " is in MIG mode, which is not offered yet");
      continue;
    }
    auto lock = lock_device(uuid);
    if (!lock.has_value()) {
      leave_out(index, lock.error().text);
      continue;
    }
    held.lock = std::move(*lock);
    held.device = {.uuid = uuid,
                   .index = static_cast<std::int32_t>(held_.size()),
                   .model = name,
                   .memory_mib = static_cast<std::int64_t>(memory.total >> 20)};
    held_.push_back(std::move(held));
  }
  if (held_.empty()) {
    return unavailable(left_out.empty() ? "NVML finds no device on this machine" : "no usable device: " + left_out);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Devices>> open_nvml() {
  auto library = Library::open();
  if (!library.has_value()) return std::move(library).error();
  auto devices = std::make_unique<NvmlDevices>(std::move(*library));
  std::string left_out;
  TRY(devices->take(left_out));
  return std::unique_ptr<Devices>(std::move(devices));
}

}  // namespace muster::node
