#!/usr/bin/env python3
"""Everything that proves Muster works: test.py [SUITE...].

Runs the suites below one after the other, keeps their output in build/test/<suite>.log, and ends with a table of seconds per suite
and one line "N passed, N failed". A suite that cannot run here (no root, no clang ...) says so in one loud line and counts as skipped.
"""
import os
import re
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOGS = os.path.join(ROOT, "build", "test")
SHARED = os.environ.get("MUSTER_SHARED", os.path.join(os.path.dirname(ROOT), "shared"))
MUSTER = os.path.join(ROOT, "build", "bin", "muster")


def rooms():
    """Names of the rooms that have a unit test program, in the order of src/ROOMS."""
    names = [line.split(":")[0] for line in open(os.path.join(ROOT, "src", "ROOMS")) if ":" in line and not line.startswith("#")]
    where = {name: os.path.join(ROOT, "sim" if name == "sim" else f"src/{name}") for name in names}
    return [name for name in names if name != "apps"
            and any(f.endswith("_test.cpp") for _, _, files in os.walk(where[name]) for f in files)]


class Suite:
    def __init__(self, name, commands, needs=None, env=None):
        self.name, self.commands, self.needs, self.env = name, commands, needs, env or {}


def unit(preset):
    folder = f"build/{preset}"
    programs = [(f"{folder}/{'sim' if room == 'sim' else 'src'}/{room}_test") for room in rooms()]
    return [["tools/build.sh", preset] + [f"{room}_test" for room in rooms()]] + [[program] for program in programs]


def python(path, *arguments):
    return [sys.executable, path, *arguments]


def suites():
    cases = os.path.join(SHARED, "cases", "kai")
    return [
        Suite("build", [["make", "build"]]),
        Suite("kube-binary", [["tests/kube/build.sh"]]),
        Suite("rooms", [python("tools/rooms"), python("tools/rooms_test.py"), python("tools/format.py")]),
        Suite("headers", [python("tools/headers")]),
        Suite("unit-asan", unit("asan"), env={"UBSAN_OPTIONS": "print_stacktrace=1", "ASAN_OPTIONS": "detect_leaks=1"}),
        Suite("unit-tsan", unit("tsan"), env={"TSAN_OPTIONS": "halt_on_error=1"}),
        Suite("fuzz-corpus", [["tools/build.sh", "asan", "fuzzers"], python("tools/replay_corpus.py")]),
        Suite("scenarios", [[MUSTER, "sim", "scenario", "scenarios"]]),
        Suite("fuzz", [python("tests/sim/fuzz.py", "10000000")]),
        Suite("determinism", [python("tests/sim/determinism.py")]),
        Suite("faults", [["tools/build.sh", "release", "faults"], python("tests/faults/find.py")]),
        Suite("cases", [[MUSTER, "sim", "scenario", cases]], needs=cases),
        Suite("trace", [python("tests/bench/trace.py", "--lists", "default,cpu250,gpushare100,gpuspec33,multigpu50")], needs=os.path.join(SHARED, "traces")),
        Suite("contract", [["tools/build.sh", "asan", "contract_test"], ["build/asan/tests/contract_test"]]),
        Suite("contract-tsan", [["tools/build.sh", "tsan", "contract_test"], ["build/tsan/tests/contract_test"]]),
        Suite("nvml", [python("tests/peers/nvml/nvml_test.py")]),
        Suite("e2e", [python("tests/e2e/run.py")]),
        Suite("e2e-asan", [["tools/build.sh", "asan", "muster"], python("tests/e2e/run.py", "path_test")], env={"MUSTER_BIN": f"{ROOT}/build/asan/apps/muster"}),
        Suite("crash", [python("tests/e2e/crash.py", "--kills", "100")]),
        Suite("real-api-server", [python("tests/e2e/real_cluster.py")]),
        Suite("runapy", [python("tests/peers/runapy.py")]),
        Suite("ui", [["ui/check.sh"], ["ui/test.sh"]]),
        Suite("browser", [["tests/browser/run"]]),
    ]


def count(text):
    """Passed, failed, skipped as the known runners print them."""
    passed = failed = skipped = 0
    for match in re.finditer(r"\[doctest\] test cases:\s+(\d+)\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed", text):
        passed += int(match[2])
        failed += int(match[3])
    for match in re.finditer(r"^(\d+) passed, (\d+) failed, (\d+) unusable$", text, re.M):
        passed += int(match[1])
        failed += int(match[2]) + int(match[3])
    for match in re.finditer(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", text, re.M):
        passed += int(match[1])
        failed += int(match[2])
        skipped += int(match[3] or 0)
    for match in re.finditer(r"Tests\s+(?:(\d+) failed \| )?(\d+) passed", re.sub(r"\x1b\[[0-9;]*m", "", text)):
        failed += int(match[1] or 0)
        passed += int(match[2])
    return passed, failed, skipped


def run(suite):
    start = time.monotonic()
    if suite.needs and not os.path.exists(suite.needs):
        print(f"!!!!! SKIPPED {suite.name}: {suite.needs} is not here (set MUSTER_SHARED)", flush=True)
        return 0, 0, 1, time.monotonic() - start
    log_path = os.path.join(LOGS, suite.name + ".log")
    passed = failed = skipped = 0
    with open(log_path, "w+", encoding="utf-8", errors="replace") as log:
        for command in suite.commands:
            log.write("$ " + " ".join(command) + "\n")
            log.flush()
            begin = log.tell()
            try:
                code = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, check=False,
                                      env={**os.environ, "MUSTER_SHARED": SHARED, "MUSTER_BIN": MUSTER, **suite.env}).returncode
            except FileNotFoundError as error:
                log.write(f"{error}\n")
                log.flush()
                code = 127
            log.seek(begin)
            text = log.read()
            log.seek(0, 2)
            p, f, s = count(text)
            if code != 0 and f == 0:
                f = 1
            if code == 0 and p == 0 and f == 0 and s == 0:
                p = 1
            passed, failed, skipped = passed + p, failed + f, skipped + s
            for line in text.splitlines():
                if "SKIPPED" in line:
                    print(f"!!!!! {line.strip('! ')}", flush=True)
            if f:
                print(f"----- {suite.name}: `{' '.join(command)}` (status {code}); the end of {os.path.relpath(log_path, ROOT)}:", flush=True)
                print("\n".join(text.splitlines()[-40:]), flush=True)
                if command[0] in ("make", "tools/build.sh"):
                    # What did not build cannot be run.
                    break
    return passed, failed, skipped, time.monotonic() - start


def main():
    chosen = sys.argv[1:]
    known = suites()
    names = [suite.name for suite in known]
    for name in chosen:
        if name not in names:
            sys.exit(f"unknown suite {name}; there are: {' '.join(names)}")
    os.makedirs(LOGS, exist_ok=True)
    rows = []
    for suite in known:
        if chosen and suite.name not in chosen:
            continue
        print(f"===== {suite.name}", flush=True)
        rows.append((suite.name, *run(suite)))
        print(f"      {rows[-1][1]} passed, {rows[-1][2]} failed, {rows[-1][3]} skipped in {rows[-1][4]:.1f} s".replace(" passed", " good"), flush=True)
    print(f"\n{'suite':<18}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>10}")
    for name, passed, failed, skipped, seconds in rows:
        print(f"{name:<18}{passed:>8}{failed:>8}{skipped:>9}{seconds:>10.1f}")
    passed, failed, skipped = (sum(row[i] for row in rows) for i in (1, 2, 3))
    print(f"{'all':<18}{passed:>8}{failed:>8}{skipped:>9}{sum(row[4] for row in rows):>10.1f}\n")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
