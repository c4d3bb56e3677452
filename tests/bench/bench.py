#!/usr/bin/env python3
"""The running system's figures: bench.py [--jobs N]. Release build, everything on this machine, loopback only; stops by itself.

1000 one-second jobs through the API on 64 simulated GPUs: submit-to-start p50 and p99; API requests per second; start-up time; memory and
CPU after 30 s of idling. Then the engine's cases (`muster sim bench`).
"""
import argparse
import json
import os
import platform
import subprocess
import sys
import threading
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from harness import MUSTER, Machine  # noqa: E402


def quantile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(q * len(values)))]


def resources(pid):
    """(CPU seconds, resident MiB) of one process."""
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    pages = int(open(f"/proc/{pid}/statm").read().split()[1])
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def parse_time(text):
    from datetime import datetime
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def request(m, method, path, body=None):
    one = urllib.request.Request(m.url + path, json.dumps(body).encode() if body is not None else None,
                                 {"Authorization": f"Bearer {m.token}", "Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(one, timeout=30) as answer:
        return json.loads(answer.read() or b"null")


def jobs(count):
    with Machine(gpus="8xA100-80G,8xA100-80G,8xA100-80G,8xA100-80G,8xA100-80G,8xA100-80G,8xA100-80G,8xA100-80G") as m:
        project = request(m, "GET", "/api/v1/org-unit/projects")["projects"][0]
        lock, todo = threading.Lock(), list(range(count))

        def client():
            while True:
                with lock:
                    if not todo:
                        return
                    number = todo.pop()
                # Open loop: 40 jobs a second on 64 GPUs of one-second jobs, so that waiting is the system's and not the queue's.
                time.sleep(max(0.0, start + (count - number) / 40 - time.monotonic()))
                request(m, "POST", "/api/v1/workloads/trainings",
                        {"name": f"job-{number}", "projectId": project["id"], "clusterId": project["clusterId"],
                         "spec": {"command": "sleep", "args": "1", "compute": {"gpuDevicesRequest": 1}}})
        start = time.monotonic()
        threads = [threading.Thread(target=client) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        while True:
            phases = request(m, "GET", "/api/v1/workloads/count?filterBy=phase==Completed")["count"]
            if phases == count or time.monotonic() - start > count / 10 + 120:
                break
            time.sleep(0.2)
        wall = time.monotonic() - start
        waits, offset = [], 0
        while offset is not None:
            page = request(m, "GET", f"/api/v1/workloads?limit=500&offset={offset}")
            for w in page["workloads"]:
                detail = request(m, "GET", f"/api/muster/v1/workloads/{w['id']}")
                started = [p["startedAt"] for p in detail["pods"] if p.get("startedAt")]
                if started:
                    waits.append(parse_time(min(started)) - parse_time(w["createdAt"]))
            offset = page.get("next")
        cpu, memory = resources(m.endpoint["pid"])
        return {"bench": "jobs", "jobs": count, "completed": phases, "seconds": round(wall, 1), "submit_to_start_p50_ms": round(quantile(waits, 0.5) * 1000, 1),
                "submit_to_start_p99_ms": round(quantile(waits, 0.99) * 1000, 1), "cpu_seconds": round(cpu, 1), "memory_mib": round(memory)}


def requests_per_second():
    with Machine(gpus="8xA100-80G") as m:
        for i in range(20):
            m.ok("submit", "--detach", "--name", f"w{i}", "--", "sleep", "600")
        wrk = subprocess.run(["sh", "-c", "command -v wrk"], capture_output=True, check=False).stdout
        if not wrk:
            return {"bench": "requests", "skipped": "wrk is not installed"}
        out = subprocess.run(["wrk", "-t1", "-c8", "-d5s", "-H", f"Authorization: Bearer {m.token}", m.url + "/api/v1/workloads?limit=20"],
                             capture_output=True, text=True, check=True).stdout
        rate = next(float(line.split()[1]) for line in out.splitlines() if line.startswith("Requests/sec"))
        return {"bench": "requests", "path": "/api/v1/workloads?limit=20", "workloads": 20, "clients": 8, "requests_per_second": round(rate)}


def start_and_idle():
    times = []
    with Machine() as m:
        for _ in range(5):
            m.stop()
            begin = time.monotonic()
            m.up()
            times.append(time.monotonic() - begin)
        before, _ = resources(m.endpoint["pid"])
        time.sleep(30)
        after, memory = resources(m.endpoint["pid"])
        return {"bench": "idle", "start_ms_median": round(quantile(times, 0.5) * 1000), "idle_seconds": 30,
                "cpu_percent_of_a_core": round((after - before) / 30 * 100, 2), "memory_mib": round(memory)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--only", choices=["jobs", "requests", "idle", "engine"])
    arguments = parser.parse_args()
    print(json.dumps({"bench": "machine", "cores": os.cpu_count(), "kernel": platform.release(), "program": MUSTER}), flush=True)
    for name, function in (("idle", start_and_idle), ("jobs", lambda: jobs(arguments.jobs)), ("requests", requests_per_second)):
        if arguments.only in (None, name):
            print(json.dumps(function()), flush=True)
    if arguments.only in (None, "engine"):
        subprocess.run([MUSTER, "sim", "bench", "--json"], check=True)


if __name__ == "__main__":
    main()
