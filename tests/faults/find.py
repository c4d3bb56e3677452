#!/usr/bin/env python3
"""A test of the tests: `muster sim fuzz` must find every fault that can be planted in the engine within 10^6 steps, and write it as a
scenario file. find.py [FOLDER with the fault_* programs]"""
import glob
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "build", "release", "tests", "faults")


def find(program):
    """What is wrong with how the fault was found; "" when it was found as it should be."""
    with tempfile.TemporaryDirectory() as out:
        run = subprocess.run([program, "--seed", "1", "--steps", "1000000", "--findings", "1", "--out", out, "--json"],
                             capture_output=True, text=True, timeout=600, check=False)
        if run.returncode != 1:
            return f"exit status {run.returncode}: {run.stdout.strip()} {run.stderr.strip()}"
        answer = json.loads(run.stdout.splitlines()[-1])
        files = glob.glob(os.path.join(out, "*.json"))
        if answer["findings"] != 1 or len(files) != 1:
            return f"{answer['findings']} findings in {len(files)} files"
        scenario = json.load(open(files[0], encoding="utf-8"))
        size = f"{len(scenario['nodes'])} nodes, {len(scenario['jobs'])} jobs"
        print(f"  after {answer['steps']} steps, cut down to {size}: {scenario['about']}")
        return ""


def main():
    programs = sorted(p for p in glob.glob(os.path.join(FOLDER, "fault_*")) if os.access(p, os.X_OK) and os.path.isfile(p))
    passed = failed = 0
    for program in programs:
        print(os.path.basename(program), flush=True)
        wrong = find(program)
        passed, failed = passed + (not wrong), failed + bool(wrong)
        if wrong:
            print(f"  NOT FOUND: {wrong}")
    if not programs:
        sys.exit(f"no fault_* programs in {FOLDER}: build the target `faults`")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
