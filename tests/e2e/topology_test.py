#!/usr/bin/env python3
"""Gangs, topologies and consolidation on 64 simulated GPUs: the running system decides as the engine on a desk does."""
import json
import os
import subprocess
import tempfile
import time

from harness import MUSTER, Machine, run_all, wait_for

RACKS = 8  # two nodes of four GPUs each, four racks in a zone


def labels(i):
    return {"zone": f"z{i // 8}", "rack": f"r{i // 2}"}


def spec():
    return ",".join(f"n{i}=4xA100-80G:label.zone={labels(i)['zone']}:label.rack={labels(i)['rack']}" for i in range(2 * RACKS))


def solved(jobs, rounds="20"):
    """What `muster sim solve` says of the same cluster and jobs."""
    world = {"name": "as live",
             "topologies": [{"name": "dc", "levels": ["zone", "rack", "kubernetes.io/hostname"]}],
             "nodes": [{"name": f"n{i}", "gpus": 4, "gpuMemory": "80Gi", "cpu": "64", "memory": "512Gi", "labels": labels(i)} for i in range(2 * RACKS)],
             "queues": [{"name": "root", "gpu": {"quota": 64}}, {"name": "default", "parent": "root", "gpu": {"quota": 64}}],
             "jobs": jobs}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(world, file)
        file.flush()
        done = subprocess.run([MUSTER, "sim", "solve", file.name, "--rounds", rounds, "--json"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def job(name, count, gpu, created, gang=True, **topology):
    pods = [{"count": count, "request": {"gpu": gpu, "cpu": "100m", "memory": "100Mi"}}]
    made = {"name": name, "namespace": "x", "queue": "default", "priority": 40, "created": created, "minMember": count if gang else 1, "pods": pods}
    if topology:
        made["topology"] = {"name": "dc", **topology}
    return made


def nodes_of(machine, name):
    return sorted(pod["node"] for pod in machine.ok("describe", name, "-o", "json").json()["pods"])


def test_gangs_stay_in_one_rack_and_the_reason_why_not_is_the_engines():
    with Machine(gpus=spec()) as m:
        m.ok("topology", "create", "dc", "zone", "rack", "kubernetes.io/hostname")
        assert m.ok("topology", "list", "-o", "json").json()["networkTopologies"][0]["levels"] == ["zone", "rack", "kubernetes.io/hostname"]
        m.ok("submit", "--gpu", "1", "--parallelism", "8", "--detach", "--name", "fill", "--", "sleep", "600")
        wait_for("fill runs", lambda: m.phase("fill") == "Running" and len(nodes_of(m, "fill")) == 8)
        gang = ["--gang", "--topology", "dc", "--topology-required", "rack", "--detach"]
        m.ok("submit", "--gpu", "2", "--parallelism", "4", *gang, "--name", "four", "--", "sleep", "600")
        m.ok("submit", "--gpu", "3", "--parallelism", "6", *gang, "--name", "six", "--", "sleep", "600")
        wait_for("four runs whole", lambda: all(pod["phase"] == "Running" for pod in m.ok("describe", "four", "-o", "json").json()["pods"]))
        wait_for("six waits", lambda: m.phase("six") == "Pending")
        said = wait_for("six knows why", lambda: m.ok("why", "six", "-o", "json").json())
        desk = solved([job("fill", 8, 1, "-3m", gang=False), job("four", 4, 2, "-2m", required="rack"), job("six", 6, 3, "-1m", required="rack")])
        verdict = desk["jobs"]["x/six"]["verdict"]
        assert (said["reason"], said["numbers"], said["message"]) == (verdict["reason"], verdict["numbers"], verdict["message"]), (said, verdict)
        for name in "fill", "four":
            assert nodes_of(m, name) == sorted(pod["node"] for key, pod in desk["pods"].items() if key.startswith(f"x/{name}-")), name
        racks = {labels(int(node[1:]))["rack"] for node in nodes_of(m, "four")}
        assert len(racks) == 1, racks
        entity = m.workload("six")
        assert "rack" in json.dumps(entity), entity
        wrong = m.cli("submit", "--gang", "--", "true")
        assert wrong.code == 2 and "--parallelism" in wrong.err, wrong
        m.ok("submit", "--gpu", "1", "--parallelism", "2", *gang[:1], "--topology", "dd", "--topology-required", "rack", "--detach", "--name", "lost", "--", "true")
        wait_for("an unknown topology is named", lambda: '"dd"' in m.ok("why", "lost").out)
        m.ok("topology", "delete", "dc")
        assert m.phase("four") == "Running"


def two_shares_on_two_gpus(m):
    for name, share in ("left", "0.5"), ("big", "0.6"), ("right", "0.4"):
        m.ok("submit", "--gpu", share, "--detach", "--name", name, "--", "sleep", "600")
        wait_for(f"{name} runs", lambda name=name: m.phase(name) == "Running")
    m.ok("delete", "--yes", "big")
    wait_for("big is gone", lambda: m.phase("big") is None)


def gpu_of(m, name):
    return m.ok("describe", name, "-o", "json").json()["pods"][0]["gpus"].split(":")[0]


def test_a_share_that_has_run_for_a_minute_moves_to_make_room_for_a_whole_gpu():
    # The second machine only asks what would happen, while the minute of both passes.
    with Machine(gpus="2xA100-80G") as m, Machine(gpus="2xA100-80G") as asked:
        begun = time.monotonic()
        two_shares_on_two_gpus(m)
        two_shares_on_two_gpus(asked)
        assert gpu_of(m, "left") != gpu_of(m, "right")
        m.ok("submit", "--gpu", "1", "--detach", "--name", "whole", "--", "sleep", "600")
        wait_for("whole waits", lambda: m.phase("whole") == "Pending")
        asked.ok("project", "create", "b", "--quota", "0", "--limit", "0")
        asked.ok("submit", "-p", "b", "--gpu", "1", "--detach", "--name", "whole", "--", "sleep", "600")
        wait_for("whole waits at its limit", lambda: asked.ok("why", "-p", "b", "whole", "-o", "json").json()["reason"] == "OverLimit")
        plan = lambda: asked.ok("project", "set", "b", "--limit", "1", "--plan", "-o", "json").json()
        early = plan()
        assert early["starts"] == early["moved"] == early["displaced"] == [], early
        time.sleep(3)
        assert m.phase("whole") == "Pending" and m.phase("left") == m.phase("right") == "Running", "something was moved within its first minute"
        wait_for("whole runs", lambda: m.phase("whole") == "Running", seconds=90)
        assert time.monotonic() - begun > 55, time.monotonic() - begun
        wait_for("all run", lambda: m.phase("left") == m.phase("right") == "Running")
        assert gpu_of(m, "left") == gpu_of(m, "right") != gpu_of(m, "whole")
        runs = [run for name in ("left", "right") for run in m.ok("describe", name, "-o", "json").json()["runs"]]
        assert len(runs) == 1 and runs[0]["reason"] == "Preempted" and "whole" in runs[0]["message"], runs
        told = wait_for("the plan moves one", lambda: (lambda p: p if p["moved"] else None)(plan()), seconds=30)
        assert [s["workload"] for s in told["starts"]] == ["whole"] and told["displaced"] == [], told
        assert len(told["moved"]) == 1 and told["moved"][0]["workload"] in ("left", "right"), told
        assert "would start anew elsewhere" in asked.ok("project", "set", "b", "--limit", "1", "--plan").out
        assert asked.phase("whole", "b") == "Pending" and asked.phase("left") == asked.phase("right") == "Running"


if __name__ == "__main__":
    run_all(globals())
