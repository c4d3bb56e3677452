#!/usr/bin/env python3
"""Crash test on the real program: SIGKILL at random moments while clients submit short jobs: crash.py [--kills N] [--seed S].

Every acknowledged job completes or says why not; its side-effect file has one line per recorded run; logs are whole; no orphan and no
doubled process is left; a process that got a recycled pid is never touched.
"""
import argparse
import json
import os
import random
import subprocess
import threading
import time
import urllib.request

from harness import Machine, wait_for

CLIENTS = 8
STRETCH = 250


class Client(threading.Thread):
    """Submits jobs over REST for as long as the test runs; remembers what the server acknowledged."""

    def __init__(self, m, number, seed, folder, stop):
        super().__init__(daemon=True)
        self.m, self.number, self.random, self.folder, self.stop = m, number, random.Random(seed), folder, stop
        self.acknowledged, self.refused, self.count = {}, 0, 0

    def run(self):
        while not self.stop.is_set():
            name = f"c{self.number}-{self.count}"
            self.count += 1
            code = self.random.choice([0, 0, 0, 0, 3])
            spec = {"command": "sh", "args": f"-c 'echo run $MUSTER_POD >>{self.folder}/{name}; echo begin; sleep {self.random.uniform(0, 0.4):.2f}; echo end; exit {code}'",
                    "backoffLimit": 0, "compute": {"gpuDevicesRequest": 1, "gpuRequestType": "portion", "gpuPortionRequest": self.random.choice([0.25, 0.5])}}
            body = {"name": name, "projectId": self.m.project["id"], "clusterId": self.m.project["clusterId"], "spec": spec}
            request = urllib.request.Request(self.m.url + "/api/v1/workloads/trainings", json.dumps(body).encode(),
                                             {"Authorization": f"Bearer {self.m.token}", "Content-Type": "application/json"}, method="POST")
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    if answer.status == 202:
                        self.acknowledged[name] = code
            except OSError:
                # Killed under us: not acknowledged, so it may or may not exist.
                self.refused += 1
                time.sleep(0.05)
            # Keeps the queue short enough to drain at the end.
            self.stop.wait(self.random.uniform(0.15, 0.5))


def all_workloads(m):
    found, offset = [], 0
    while True:
        page = m.rest("GET", f"/api/v1/workloads?limit=500&offset={offset}")[1]
        found += page["workloads"]
        if "next" not in page or page["next"] is None:
            return {w["name"]: w for w in found}
        offset = page["next"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    # One server keeps a bounded number of ended workloads: many kills are several servers, one after the other.
    problems = []
    for begin in range(0, arguments.kills, STRETCH):
        problems += stretch(min(STRETCH, arguments.kills - begin), arguments.seed + begin)
    for problem in problems[:40]:
        print("PROBLEM", problem, flush=True)
    print(f"{0 if problems else 1} passed, {min(1, len(problems))} failed")
    raise SystemExit(1 if problems else 0)


def stretch(kills, seed):
    print(f"seed {seed}, {kills} kills, {CLIENTS} clients", flush=True)
    chance = random.Random(seed)
    problems = []
    with Machine(gpus="8xA100-80G") as m:
        # A fixed port, so that clients find every new server.
        port = m.url.rsplit(":", 1)[1]
        m.listen = f"127.0.0.1:{port}"
        m.project = m.rest("GET", "/api/v1/org-unit/projects")[1]["projects"][0]
        side = os.path.join(m.folder, "side")
        os.mkdir(side)
        bystander = subprocess.Popen(["sleep", "100000"])
        stop = threading.Event()
        clients = [Client(m, i, seed + i, side, stop) for i in range(CLIENTS)]
        for client in clients:
            client.start()
        slowest = 0.0
        for kill in range(kills):
            time.sleep(chance.uniform(0.02, 0.6))
            m.kill()
            start = time.monotonic()
            m.up()
            slowest = max(slowest, time.monotonic() - start)
            if (kill + 1) % 25 == 0:
                print(f"{kill + 1} kills, {sum(len(c.acknowledged) for c in clients)} jobs acknowledged, slowest start {slowest:.2f} s", flush=True)
        stop.set()
        for client in clients:
            client.join()
        acknowledged = {name: code for client in clients for name, code in client.acknowledged.items()}
        final = ("Completed", "Failed")
        pending = lambda: [n for n, w in all_workloads(m).items() if w["phase"] not in final]
        try:
            wait_for("all jobs end", lambda: not pending(), seconds=max(120, len(acknowledged) * 0.2), every=0.5)
        except AssertionError as error:
            problems.append(f"{error}: {pending()[:10]}")
        workloads = all_workloads(m)
        checked_logs = 0
        for name, code in acknowledged.items():
            one = workloads.get(name)
            if one is None:
                problems.append(f"{name}: acknowledged and lost")
                continue
            detail = m.rest("GET", f"/api/muster/v1/workloads/{one['id']}")[1]
            runs = [p for p in detail["pods"] if p.get("startedAt")] + detail["runs"]
            lines = open(os.path.join(side, name)).read().splitlines() if os.path.exists(os.path.join(side, name)) else []
            lost = [p for p in detail["pods"] if p.get("reason") == "Lost"]
            if one["phase"] == "Failed" and code == 0 and not lost:
                problems.append(f"{name}: failed with {detail['exitCode']} although its own code is 0: {detail['pods']}")
            if one["phase"] == "Completed" and code != 0:
                problems.append(f"{name}: completed although its own code is {code}")
            if one["phase"] == "Failed" and code != 0 and detail["exitCode"] != code and not lost:
                problems.append(f"{name}: code {detail['exitCode']} instead of {code}: {detail['pods']}")
            if len(lines) != len(runs):
                problems.append(f"{name}: {len(lines)} side effects, {len(runs)} recorded runs: {lines} {detail['pods']}")
            if len(set(lines)) != len(lines):
                problems.append(f"{name}: doubled: {lines}")
            if one["phase"] == "Completed" and checked_logs < 300:
                checked_logs += 1
                text = m.rest("GET", f"/gate/v1/projects/default/workloads/{name}/logs")[1]
                if text != "begin\nend\n":
                    problems.append(f"{name}: log is {text!r}")
        left = [line for _, line in m.leftovers() if " shim " in line]
        if left:
            problems.append(f"processes left: {left[:5]}")
        if bystander.poll() is not None:
            problems.append("a process that is none of ours was ended")
        bystander.kill()
        print(f"{kills} kills, {len(acknowledged)} jobs acknowledged, {sum(c.refused for c in clients)} requests cut off, "
              f"{checked_logs} logs read, slowest start {slowest:.2f} s", flush=True)
    return problems


if __name__ == "__main__":
    main()
