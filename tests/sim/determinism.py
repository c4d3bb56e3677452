#!/usr/bin/env python3
"""Equal input gives equal bytes: every command of `muster sim` twice, and a decision log of 100 000 decisions that is written twice, replayed,
and found out when one byte of it is flipped. determinism.py [MUSTER]"""
import glob
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MUSTER = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("MUSTER_BIN", os.path.join(ROOT, "build", "bin", "muster"))
passed = failed = 0


def check(what, good, detail=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print(("ok    " if good else "FAIL  ") + what + (f": {detail}" if detail and not good else ""), flush=True)


def sim(*arguments):
    run = subprocess.run([MUSTER, "sim", *arguments], cwd=ROOT, capture_output=True, timeout=300, check=False)
    return run.returncode, run.stdout


def twice(*arguments):
    first, second = sim(*arguments), sim(*arguments)
    check("twice the same: muster sim " + " ".join(arguments)[:90], first == second and first[0] in (0, 1) and first[1], f"{first[0]} and {second[0]}")


def replay(path):
    status, out = sim("replay", path, "--json")
    return status, json.loads(out.splitlines()[-1])


def commands():
    twice("scenario", "scenarios", "--json", "--no-times")
    twice("scenario", "scenarios", "--no-times")
    twice("fuzz", "--seed", "5", "--steps", "20000", "--json")
    files = sorted(glob.glob(os.path.join(ROOT, "scenarios", "*", "*.json")))
    for path in files[:: max(1, len(files) // 25)]:
        twice("solve", os.path.relpath(path, ROOT), "--json")


def log(folder, case, nodes, least):
    """The log of a benchmark: the same twice, reproduced by its replay, and every flipped byte found in its record."""
    paths = [os.path.join(folder, name) for name in ("a.log", "b.log")]
    for path in paths:
        status, _ = sim("bench", "--case", case, "--nodes", str(nodes), "--log", path)
        check(f"bench {case} writes {os.path.basename(path)}", status == 0)
    data = open(paths[0], "rb").read()
    check(f"two runs write the same log of {len(data)} bytes", data == open(paths[1], "rb").read())
    status, answer = replay(paths[0])
    good = status == 0 and answer["identical"] and answer["decisions"] >= least
    check(f"the replay of {answer['decisions']} decisions in {answer['records']} records is identical", good, answer)
    for part in (0.001, 0.5, 0.999):
        at = int(len(data) * part)
        with open(paths[1], "wb") as file:
            file.write(data[:at])
        whole = replay(paths[1])[1]["records"]
        with open(paths[1], "wb") as file:
            file.write(data[:at] + bytes([data[at] ^ 0x40]) + data[at + 1:])
        status, answer = replay(paths[1])
        check(f"byte {at} flipped: record {whole + 1} is named", status == 1 and answer.get("firstDifference") == whole + 1, answer)


with tempfile.TemporaryDirectory() as temporary:
    commands()
    log(temporary, "reclaim-many", 4200, 100_000)
    log(temporary, "steady", 20, 1000)
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
