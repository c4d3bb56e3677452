#!/usr/bin/env python3
"""The check of the arrows refuses what it must: each case plants one fault in a copy of the sources."""
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CASES = [
    ("an include against the arrows", "src/base/time.cpp", '#include "kube/api.h"\n', "base may not include kube"),
    ("an include without its room", "src/net/http.cpp", '#include "http.h"\n', "full room path"),
    ("a third-party header in a foreign room", "src/model/phase.cpp", "#include <sqlite3.h>\n", "belongs to src/sql"),
    ("the engine reading JSON of the cluster", "src/sched/engine.cpp", '#include "kube/objects.h"\n', "sched may not include kube"),
    ("a cycle in the table", "src/ROOMS", "extra: extra\n", "a cycle"),
]


def check(root):
    return subprocess.run([sys.executable, os.path.join(ROOT, "tools", "rooms"), "--root", root], capture_output=True, text=True, check=False)


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for top in ("src", "sim", "apps", "cmake"):
            shutil.copytree(os.path.join(ROOT, top), os.path.join(folder, top), symlinks=True)
        for name, file, planted, expected in CASES:
            path = os.path.join(folder, file)
            before = open(path, encoding="utf-8").read()
            with open(path, "w", encoding="utf-8") as f:
                f.write(planted + before)
            result = check(folder)
            with open(path, "w", encoding="utf-8") as f:
                f.write(before)
            if result.returncode == 1 and expected in result.stdout:
                passed += 1
            else:
                failed += 1
                print(f"FAILED {name}: exit {result.returncode}: {result.stdout}{result.stderr}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
