#!/usr/bin/env python3
"""How full a real cluster gets: trace.py [--traces DIR] [--lists A,B] [--policies A,B] [--seeds 42..51] [--engine].

Runs `muster sim trace` on lists of pods and compares the means with the published ones: the six published policies within half a point
at 80, 90 ... 130 % of demand, our own not more than 0.2 points below FGD at 100 and 130 %. Release build, everything read in place. Prints
a row per list; exit status 1 when a mean is off. Without the lists it says so in one loud line and passes.

With --engine the engine itself fills the cluster instead: all pods wait at once, in a random order of age, until 130 % are asked for;
allocated GPUs in % with each placement. Half a minute for a list and placement, of which most goes into saying why the rest waits.
"""
import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MUSTER = os.environ.get("MUSTER_BIN", os.path.join(ROOT, "build", "bin", "muster"))
SHARED = os.environ.get("MUSTER_SHARED", os.path.join(os.path.dirname(ROOT), "shared"))
LISTS = ("default,cpu050,cpu100,cpu200,cpu250,gpushare40,gpushare80,gpushare100,gpuspec10,gpuspec20,gpuspec33,"
         "multigpu20,multigpu30,multigpu50")
PUBLISHED = ["random", "dotprod", "gpuclustering", "gpupacking", "bestfit", "fgd"]
MARKS = ["80", "90", "100", "110", "120", "130"]
TOLERANCE, BELOW_FGD = 0.5, 0.2


def published(folder):
    """(list, policy) -> mean allocation by mark."""
    out = {}
    with open(os.path.join(folder, "fgd_published_alloc_pct.csv"), newline="") as file:
        for row in csv.DictReader(file):
            if row["stat"] == "mean":
                out[row["workload"], row["policy"].lower()] = {mark: float(row[mark]) for mark in MARKS}
    return out


def run(folder, workload, policies, seeds):
    """Means by policy, and the seconds of the last one's slowest run."""
    command = [MUSTER, "sim", "trace", "--nodes", os.path.join(folder, "openb_node_list_gpu_node.csv"), "--pods",
               os.path.join(folder, f"openb_pod_list_{workload}.csv"), "--policy", ",".join(policies), "--seeds", seeds, "--json"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600).stdout.splitlines()
    documents = [json.loads(line) for line in lines]
    means = {d["policy"]: d["mean"] for d in documents if "mean" in d}
    return means, max(d["seconds"] for d in documents if d.get("policy") == policies[-1] and "seconds" in d)


def scenario(folder, workload, placement):
    """All pods of a list, and copies until 130 % are asked for, as a scenario."""
    with open(os.path.join(folder, "openb_node_list_gpu_node.csv"), newline="") as file:
        nodes = [{"name": row["sn"], "gpus": int(row["gpu"]), "cpu": row["cpu_milli"] + "m", "memory": row["memory_mib"] + "Mi",
                  "labels": {"model": row["model"]}} for row in csv.DictReader(file)]
    with open(os.path.join(folder, f"openb_pod_list_{workload}.csv"), newline="") as file:
        lines = list(csv.DictReader(file))
    chance = random.Random(42)
    order = sorted(lines, key=lambda row: row["name"])
    chance.shuffle(order)
    asked = lambda row: int(row["num_gpu"]) * int(row["gpu_milli"])  # noqa: E731
    wanted = sum(node["gpus"] for node in nodes) * 1300
    total = sum(map(asked, order))
    while total < wanted:
        order.append(chance.choice(lines))
        total += asked(order[-1])
    while total > wanted:
        total -= asked(order.pop())
    jobs = []
    for i, row in enumerate(order):
        request = {"cpu": row["cpu_milli"] + "m", "memory": row["memory_mib"] + "Mi"}
        if asked(row) > 0:
            part = int(row["gpu_milli"])
            request.update({"gpuFraction": part / 1000} if part < 1000 else {"gpu": int(row["num_gpu"])})
        models = [model for model in row.get("gpu_spec", "").split("|") if model and asked(row) > 0]
        affinity = {"nodeAffinity": [[{"key": "model", "op": "In", "values": models}]]} if models else {}
        jobs.append({"name": f"j{i}", "queue": "all", "pods": [{"request": request, **affinity}]})
    return {"name": workload, "config": {"placement": {"gpu": placement, "cpu": placement}, "actions": ["allocate"]}, "nodes": nodes,
            "queues": [{"name": "all", "gpu": {"quota": 100000, "weight": 1}}], "jobs": jobs}


def fill(folder, workload, placement):
    """Allocated GPUs in % after the engine's first round."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        world = scenario(folder, workload, placement)
        json.dump(world, file)
        file.flush()
        out = subprocess.run([MUSTER, "sim", "solve", file.name, "--rounds", "1", "--json"], capture_output=True, text=True, check=True,
                             timeout=900).stdout
    return 100 * json.loads(out)["queues"]["all"]["gpu"]["allocated"] / sum(node["gpus"] for node in world["nodes"])


def faults(workload, means, reference):
    """What is off, in words."""
    out = []
    for policy in PUBLISHED:
        if policy not in means or (workload, policy) not in reference:
            continue
        for mark in MARKS:
            off = means[policy][mark] - reference[workload, policy][mark]
            if abs(off) > TOLERANCE:
                out.append(f"{workload}: {policy} at {mark} is {means[policy][mark]:.2f}, published {off:+.2f} away")
    if "muster" in means:
        for mark in ("100", "130"):
            best = reference.get((workload, "fgd"), means.get("fgd", {})).get(mark)
            if best is not None and means["muster"][mark] < best - BELOW_FGD:
                out.append(f"{workload}: muster at {mark} is {means['muster'][mark]:.2f}, FGD {best:.2f}")
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--traces", default=os.path.join(SHARED, "traces"))
    parser.add_argument("--lists", default=LISTS)
    parser.add_argument("--policies", default=",".join([*PUBLISHED, "muster"]))
    parser.add_argument("--seeds", default="42..51")
    parser.add_argument("--engine", action="store_true")
    arguments = parser.parse_args()
    if not os.path.isdir(arguments.traces):
        print(f"!!!!! SKIPPED: no traces in {arguments.traces} (name them with --traces or MUSTER_SHARED)")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    if arguments.engine:
        placements = ["spread", "binpack", "fragmentation"]
        print("| list | " + " | ".join(placements) + " |\n|---|---|---|---|", flush=True)
        for workload in arguments.lists.split(","):
            print(f"| {workload} | " + " | ".join(f"{fill(arguments.traces, workload, p):.2f}" for p in placements) + " |", flush=True)
        return 0
    reference = published(arguments.traces)
    policies = arguments.policies.split(",")
    print("Allocated GPUs in % when 100 % and 130 % of the cluster's have been asked for; means over seeds " + arguments.seeds)
    print("\n| list | " + " | ".join(policies) + " | seconds |\n|---|" + "---|" * (len(policies) + 1), flush=True)
    bad, gains = [], []
    workloads = arguments.lists.split(",")
    for workload in workloads:
        means, slowest = run(arguments.traces, workload, policies, arguments.seeds)
        cells = [f"{means[p]['100']:.2f} / {means[p]['130']:.2f}" for p in policies]
        print(f"| {workload} | " + " | ".join(cells) + f" | {slowest:.2f} |", flush=True)
        bad += faults(workload, means, reference)
        best = reference.get((workload, "fgd"), means.get("fgd"))
        if best and "muster" in means:
            gains.append([means["muster"][mark] - best[mark] for mark in ("100", "130")])
    if gains:
        mean = [sum(g[i] for g in gains) / len(gains) for i in (0, 1)]
        print(f"\nmuster against FGD: {mean[0]:+.2f} / {mean[1]:+.2f} in the mean, "
              f"{min(g[0] for g in gains):+.2f} / {min(g[1] for g in gains):+.2f} at worst")
    for line in bad:
        print("FAILED " + line)
    print(f"{len(workloads) - len({line.split(':')[0] for line in bad})} passed, {len({line.split(':')[0] for line in bad})} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
