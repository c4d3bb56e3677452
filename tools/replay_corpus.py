#!/usr/bin/env python3
"""Runs every fuzz target over its corpus (tests/fuzz/corpus/<target>/), built with the sanitizers."""
import glob
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
passed = failed = 0
for program in sorted(glob.glob(os.path.join(ROOT, "build/asan/tests/fuzz/*_fuzz"))):
    files = sorted(glob.glob(os.path.join(ROOT, "tests/fuzz/corpus", os.path.basename(program), "*")))
    result = subprocess.run([program, *files], capture_output=True, text=True, check=False)
    print(os.path.basename(program), result.stdout.strip() or result.stderr[-2000:])
    if result.returncode == 0:
        passed += 1
    else:
        failed += 1
        print(result.stderr[-3000:])
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed or passed == 0 else 0)
