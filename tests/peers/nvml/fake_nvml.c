/* A libnvidia-ml.so.1 without GPUs: the part of NVML that Muster and NVIDIA's own Python binding use, answering from
 * the text file that FAKE_NVML names, one device a line, fields separated by ';': uuid=GPU-...;name=NVIDIA H100 80GB
 * HBM3;total=85520809984;used=1048576;gpu=37;mem=12;temp=41;power=123456;mig=0;lost=0;remap=0 A field that is missing
 * answers "not supported", as boards do. The file is read at every call, so a test changes the machine by writing it.
 * Codes and buffer sizes are those of the real library, and its order of checks: initialised, arguments, board. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

enum {
  SUCCESS = 0,
  UNINITIALIZED = 1,
  INVALID_ARGUMENT = 2,
  NOT_SUPPORTED = 3,
  NOT_FOUND = 6,
  INSUFFICIENT_SIZE = 7,
  DRIVER_NOT_LOADED = 9,
  GPU_IS_LOST = 15
};

typedef struct {
  unsigned int index;
} Device;

typedef struct {
  unsigned long long total, free, used;
} Memory;

typedef struct {
  unsigned int version;
  unsigned long long total, reserved, free, used;
} Memory2;

typedef struct {
  unsigned int gpu, memory;
} Utilization;

typedef struct {
  char bus_id_legacy[16];
  unsigned int domain, bus, device, device_id, subsystem_id;
  char bus_id[32];
} Pci;

enum { most_devices = 64 };
static Device devices[most_devices];
static int users;

/* The line of a device without its newline; 0 when there is no such device. */
static int line_of(unsigned int index, char* line, size_t size) {
  const char* path = getenv("FAKE_NVML");
  FILE* file = path != NULL ? fopen(path, "r") : NULL;
  if (file == NULL) return 0;
  int found = 0;
  for (unsigned int at = 0; !found && fgets(line, (int)size, file) != NULL;) {
    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '\0' || line[0] == '#') continue;
    found = at++ == index;
  }
  fclose(file);
  return found;
}

static unsigned int count(void) {
  char line[1024];
  unsigned int n = 0;
  while (n < most_devices && line_of(n, line, sizeof line)) ++n;
  return n;
}

/* Value of a field as text; 0 when the device has no such field. */
static int text_of(const Device* device, const char* field, char* value, size_t size) {
  char line[1024];
  if (!line_of(device->index, line, sizeof line)) return 0;
  for (char *rest = line, *piece; (piece = strsep(&rest, ";")) != NULL;) {
    const size_t n = strlen(field);
    if (strncmp(piece, field, n) != 0 || piece[n] != '=') continue;
    snprintf(value, size, "%s", piece + n + 1);
    return 1;
  }
  return 0;
}

static int number_of(const Device* device, const char* field, unsigned long long* value) {
  char text[64];
  if (!text_of(device, field, text, sizeof text)) return 0;
  *value = strtoull(text, NULL, 10);
  return 1;
}

static int check(const Device* device, const void* out) {
  unsigned long long lost = 0;
  if (users == 0) return UNINITIALIZED;
  if (device < devices || device >= devices + most_devices || out == NULL) return INVALID_ARGUMENT;
  if (number_of(device, "lost", &lost) && lost != 0) return GPU_IS_LOST;
  return SUCCESS;
}

static int give_number(const Device* device, const char* field, unsigned int* out) {
  const int code = check(device, out);
  unsigned long long value = 0;
  if (code != SUCCESS) return code;
  if (!number_of(device, field, &value)) return NOT_SUPPORTED;
  *out = (unsigned int)value;
  return SUCCESS;
}

static int give_text(const Device* device, const char* field, char* out, unsigned int size) {
  char text[256];
  const int code = check(device, out);
  /* A lost board still has its name. */
  if (code != SUCCESS && code != GPU_IS_LOST) return code;
  if (!text_of(device, field, text, sizeof text)) return NOT_SUPPORTED;
  if (strlen(text) + 1 > size) return INSUFFICIENT_SIZE;
  strcpy(out, text);
  return SUCCESS;
}

EXPORT int nvmlInitWithFlags(unsigned int flags) {
  (void)flags;
  if (getenv("FAKE_NVML") == NULL) return DRIVER_NOT_LOADED;
  for (unsigned int i = 0; i < most_devices; ++i) devices[i].index = i;
  ++users;
  return SUCCESS;
}
EXPORT int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
EXPORT int nvmlShutdown(void) {
  if (users == 0) return UNINITIALIZED;
  --users;
  return SUCCESS;
}

EXPORT const char* nvmlErrorString(int code) {
  switch (code) {
    case SUCCESS:
      return "Success";
    case UNINITIALIZED:
      return "Uninitialized";
    case INVALID_ARGUMENT:
      return "Invalid Argument";
    case NOT_SUPPORTED:
      return "Not Supported";
    case NOT_FOUND:
      return "Not Found";
    case INSUFFICIENT_SIZE:
      return "Insufficient Size";
    case DRIVER_NOT_LOADED:
      return "Driver Not Loaded";
    case GPU_IS_LOST:
      return "GPU is lost";
    default:
      return "Unknown Error";
  }
}

EXPORT int nvmlDeviceGetCount_v2(unsigned int* out) {
  if (users == 0) return UNINITIALIZED;
  if (out == NULL) return INVALID_ARGUMENT;
  *out = count();
  return SUCCESS;
}

EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned int index, Device** out) {
  if (users == 0) return UNINITIALIZED;
  if (out == NULL || index >= count()) return INVALID_ARGUMENT;
  *out = &devices[index];
  return SUCCESS;
}

EXPORT int nvmlDeviceGetIndex(const Device* device, unsigned int* out) {
  const int code = check(device, out);
  if (code == SUCCESS) *out = device->index;
  return code;
}
EXPORT int nvmlDeviceGetMinorNumber(const Device* device, unsigned int* out) { return nvmlDeviceGetIndex(device, out); }

EXPORT int nvmlDeviceGetUUID(const Device* device, char* out, unsigned int size) {
  return give_text(device, "uuid", out, size);
}
EXPORT int nvmlDeviceGetName(const Device* device, char* out, unsigned int size) {
  return give_text(device, "name", out, size);
}

EXPORT int nvmlDeviceGetMemoryInfo(const Device* device, Memory* out) {
  const int code = check(device, out);
  if (code != SUCCESS) return code;
  if (!number_of(device, "total", &out->total)) return NOT_SUPPORTED;
  out->used = 0;
  number_of(device, "used", &out->used);
  out->free = out->total - out->used;
  return SUCCESS;
}

EXPORT int nvmlDeviceGetMemoryInfo_v2(const Device* device, Memory2* out) {
  Memory memory;
  if (out == NULL || out->version != (sizeof(Memory2) | 2u << 24)) return INVALID_ARGUMENT;
  const int code = nvmlDeviceGetMemoryInfo(device, &memory);
  if (code != SUCCESS) return code;
  out->total = memory.total;
  out->reserved = 0;
  out->free = memory.free;
  out->used = memory.used;
  return SUCCESS;
}

EXPORT int nvmlDeviceGetUtilizationRates(const Device* device, Utilization* out) {
  const int code = check(device, out);
  unsigned long long gpu = 0, memory = 0;
  if (code != SUCCESS) return code;
  if (!number_of(device, "gpu", &gpu)) return NOT_SUPPORTED;
  number_of(device, "mem", &memory);
  out->gpu = (unsigned int)gpu;
  out->memory = (unsigned int)memory;
  return SUCCESS;
}

EXPORT int nvmlDeviceGetTemperature(const Device* device, int sensor, unsigned int* out) {
  if (sensor != 0) return INVALID_ARGUMENT;
  return give_number(device, "temp", out);
}
EXPORT int nvmlDeviceGetPowerUsage(const Device* device, unsigned int* out) {
  return give_number(device, "power", out);
}

EXPORT int nvmlDeviceGetMigMode(const Device* device, unsigned int* now, unsigned int* pending) {
  const int code = give_number(device, "mig", now);
  if (code == SUCCESS && pending != NULL) *pending = *now;
  return code;
}

EXPORT int nvmlDeviceGetRemappedRows(const Device* device, unsigned int* correctable, unsigned int* uncorrectable,
                                     unsigned int* pending, unsigned int* failed) {
  const int code = give_number(device, "remap", failed);
  if (code == SUCCESS) *correctable = *uncorrectable = *pending = 0;
  return code;
}

EXPORT int nvmlDeviceGetPciInfo_v3(const Device* device, Pci* out) {
  const int code = check(device, out);
  if (code != SUCCESS) return code;
  memset(out, 0, sizeof *out);
  out->bus = device->index + 1;
  snprintf(out->bus_id, sizeof out->bus_id, "00000000:%02X:00.0", out->bus);
  snprintf(out->bus_id_legacy, sizeof out->bus_id_legacy, "0000:%02X:00.0", out->bus);
  return SUCCESS;
}

EXPORT int nvmlSystemGetDriverVersion(char* out, unsigned int size) {
  if (users == 0) return UNINITIALIZED;
  snprintf(out, size, "580.00.00");
  return SUCCESS;
}
EXPORT int nvmlSystemGetNVMLVersion(char* out, unsigned int size) {
  if (users == 0) return UNINITIALIZED;
  snprintf(out, size, "13.580.00");
  return SUCCESS;
}
