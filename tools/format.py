#!/usr/bin/env python3
"""The formatter's check: every C++ file of ours is as clang-format writes it. `format.py --fix` writes it."""
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
program = next((p for p in ("clang-format-19", "clang-format-18", "clang-format") if shutil.which(p)), None)
if program is None:
    print("SKIPPED format: no clang-format here")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)
files = subprocess.run(["git", "ls-files", "*.cpp", "*.h", "*.c"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
files = [f for f in files if os.path.exists(os.path.join(ROOT, f))]
mode = ["-i"] if "--fix" in sys.argv else ["--dry-run", "-Werror"]
bad = 0
for start in range(0, len(files), 50):
    bad |= subprocess.run([program, *mode, *files[start:start + 50]], cwd=ROOT, check=False).returncode
print(f"{len(files)} files looked at")
sys.exit(1 if bad else 0)
