#!/usr/bin/env python3
"""Runs the end-to-end test files of this folder (*_test.py), or those named: run.py [NAME...]. One closing line for all."""
import glob
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
names = sys.argv[1:] or sorted(os.path.basename(f)[:-3] for f in glob.glob(os.path.join(HERE, "*_test.py")))
passed = failed = skipped = 0
for name in names:
    print(f"== {name}", flush=True)
    done = subprocess.run([sys.executable, os.path.join(HERE, name + ".py")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    closing = re.findall(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", done.stdout, re.M)
    # The closing lines of the parts would be counted twice.
    print(re.sub(r"^(\d+ passed, \d+ failed.*)$", r"   \1.", done.stdout, flags=re.M), flush=True)
    if not closing:
        failed += 1
        print(f"FAILED  {name}: ended with status {done.returncode} and no closing line")
        continue
    passed, failed, skipped = passed + int(closing[-1][0]), failed + int(closing[-1][1]), skipped + int(closing[-1][2] or 0)
print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
sys.exit(1 if failed else 0)
