#!/usr/bin/env python3
"""`muster sim fuzz` on every core: fuzz.py STEPS [SEED]. The steps are shared among the cores, each with a seed of its own. Findings are
written to build/test/findings."""
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MUSTER = os.environ.get("MUSTER_BIN", os.path.join(ROOT, "build", "bin", "muster"))
OUT = os.path.join(ROOT, "build", "test", "findings")

steps, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
cores = os.cpu_count() or 1
share = (steps + cores - 1) // cores
runs = [subprocess.Popen([MUSTER, "sim", "fuzz", "--seed", str(seed + i), "--steps", str(share), "--out", OUT, "--json"],
                         stdout=subprocess.PIPE, text=True) for i in range(cores)]
answers = []
for run in runs:
    out, _ = run.communicate()
    lines = out.splitlines()
    if run.returncode not in (0, 1) or not lines:
        sys.exit(f"{' '.join(run.args)}: exit status {run.returncode}")
    answers.append(json.loads(lines[-1]))
done, worlds, restless, findings = (sum(answer[key] for answer in answers) for key in ("steps", "worlds", "restless", "findings"))
print(f"{done} steps in {worlds} worlds, seeds {seed} to {seed + cores - 1}: {findings} findings (in {OUT}), {restless} worlds without rest")
if restless > 1 + worlds // 1000:
    print("more than one world in 1000 does not come to rest")
    findings += 1
print(f"{len(runs)} passed, 0 failed" if findings == 0 else f"0 passed, {findings} failed")
sys.exit(1 if findings else 0)
