#!/usr/bin/env python3
"""The fake NVML is read by NVIDIA's own Python binding (nvidia-ml-py) and by Muster, and both must see the same machine.

So the structs that Muster declares for itself are those of NVIDIA's binding, not a guess that the fake merely shares. Runs node_test's
cases about NVML with the values that the binding saw. MUSTER_NODE_TEST names another node_test.
"""
import json
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(ROOT, "build", "peers", "nvml")
BINDING = "nvidia-ml-py==13.615.71"

MACHINES = {
    "two boards": [
        "uuid=GPU-11111111-aaaa-bbbb-cccc-000000000001;name=NVIDIA H100 80GB HBM3;total=85520809984;used=1073741824;gpu=37;mem=12;temp=41;power=123456;mig=0;remap=0",
        "uuid=GPU-11111111-aaaa-bbbb-cccc-000000000002;name=NVIDIA H100 80GB HBM3;total=85520809984;used=4294967296;gpu=100;mem=99;temp=78;power=699999;mig=0;remap=0",
    ],
    # An older board knows neither MIG nor remapped rows nor power.
    "an old board": ["uuid=GPU-22222222-aaaa-bbbb-cccc-000000000001;name=Tesla T4;total=16106127360;used=0;gpu=0;temp=30"],
}

READER = """
import ctypes, json, pynvml as n
n.nvmlInit()
def ask(f, *a):
    try: return f(*a)
    except n.NVMLError as e: return None
def device(i):
    h = n.nvmlDeviceGetHandleByIndex(i)
    memory, rates, power = n.nvmlDeviceGetMemoryInfo(h), ask(n.nvmlDeviceGetUtilizationRates, h), ask(n.nvmlDeviceGetPowerUsage, h)
    assert n.nvmlDeviceGetMemoryInfo(h, version=n.nvmlMemory_v2).total == memory.total
    rows = ask(n.nvmlDeviceGetRemappedRows, h)
    return {"uuid": n.nvmlDeviceGetUUID(h), "model": n.nvmlDeviceGetName(h), "memoryMib": memory.total >> 20,
            "memoryUsedMib": memory.used >> 20, "utilization": rates and rates.gpu,
            "temperature": ask(n.nvmlDeviceGetTemperature, h, n.NVML_TEMPERATURE_GPU), "powerMw": power,
            "mig": (ask(n.nvmlDeviceGetMigMode, h) or [0])[0], "healthy": not rows or not rows[3]}
print(json.dumps({"devices": [device(i) for i in range(n.nvmlDeviceGetCount())],
                  "sizes": {"memory": ctypes.sizeof(n.c_nvmlMemory_t), "utilization": ctypes.sizeof(n.c_nvmlUtilization_t)},
                  "uuidBuffer": n.NVML_DEVICE_UUID_V2_BUFFER_SIZE, "nameBuffer": n.NVML_DEVICE_NAME_V2_BUFFER_SIZE,
                  "codes": {"notSupported": n.NVML_ERROR_NOT_SUPPORTED, "lost": n.NVML_ERROR_GPU_IS_LOST,
                            "resetRequired": n.NVML_ERROR_RESET_REQUIRED}}))
"""


def build_fake():
    os.makedirs(BUILD, exist_ok=True)
    library = os.path.join(BUILD, "libnvidia-ml.so.1")
    subprocess.run(["cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-fvisibility=hidden", "-o", library,
                    os.path.join(HERE, "fake_nvml.c")], check=True)
    return library


def binding():
    """Python of a virtual environment that has NVIDIA's binding."""
    python = os.path.join(BUILD, "venv", "bin", "python")
    if subprocess.run([python, "-c", "import pynvml"], capture_output=True).returncode if os.path.exists(python) else True:
        subprocess.run([sys.executable, "-m", "venv", os.path.join(BUILD, "venv")], check=True)
        subprocess.run([python, "-m", "pip", "-q", "install", "--disable-pip-version-check", BINDING], check=True)
    return python


def node_test():
    given = os.environ.get("MUSTER_NODE_TEST")
    if given:
        return given
    subprocess.run([os.path.join(ROOT, "tools", "build.sh"), "asan", "node_test"], check=True, stdout=subprocess.DEVNULL)
    return os.path.join(ROOT, "build", "asan", "src", "node_test")


def main():
    library, python, program = build_fake(), binding(), node_test()
    passed = failed = 0
    for name, boards in MACHINES.items():
        with tempfile.TemporaryDirectory() as folder:
            machine = os.path.join(folder, "machine")
            with open(machine, "w") as file:
                file.write("\n".join(boards) + "\n")
            env = dict(os.environ, FAKE_NVML=machine, LD_LIBRARY_PATH=BUILD)
            seen = subprocess.run([python, "-c", READER], env=env, capture_output=True, text=True)
            if seen.returncode != 0:
                print(f"FAILED: {name}: nvidia-ml-py cannot read the fake\n{seen.stderr}")
                failed += 1
                continue
            env = dict(os.environ, FAKE_NVML=machine, MUSTER_NVML_LIBRARY=library, MUSTER_NVML_SEEN=seen.stdout)
            started = time.monotonic()
            ours = subprocess.run([program, "-tc=NVML:*"], env=env, capture_output=True, text=True)
            ok = ours.returncode == 0 and "SKIPPED" not in ours.stdout
            print(f"{'passed' if ok else 'FAILED'}: {name}: {len(json.loads(seen.stdout)['devices'])} devices as nvidia-ml-py sees them "
                  f"({time.monotonic() - started:.1f} s)")
            if not ok:
                print(ours.stdout + ours.stderr)
            passed, failed = passed + ok, failed + (not ok)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
