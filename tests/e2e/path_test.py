#!/usr/bin/env python3
"""The whole path on one machine: submit, list, logs, why, suspend, resume, delete, wait; restart without loss."""
import os
import time

from harness import Machine, run_all, wait_for


def test_a_job_runs_on_half_a_simulated_gpu_and_its_output_and_code_are_its_own():
    with Machine() as m:
        done = m.cli("submit", "--gpu", "0.5", "--", "sh", "-c", "echo hello; env | grep MUSTER; exit 7")
        assert done.code == 7, done
        lines = done.out.splitlines()
        assert lines[0] == "hello", done
        assert "MUSTER_GPUS=sim-1/0:0.50" in lines, done
        assert "MUSTER_WORKLOAD=train-1" in lines and "MUSTER_PROJECT=default" in lines, done
        assert "Running" in done.err, done
        described = m.ok("describe", "train-1", "-o", "json").json()
        assert described["exitCode"] == 7 and described["phase"] == "Failed", described
        assert described["gpuEnforcement"] == "none", described


def test_a_signal_ends_submit_with_128_plus_its_number():
    with Machine() as m:
        done = m.cli("submit", "--", "sh", "-c", "kill -KILL $$")
        assert done.code == 137, done


def test_the_first_day_of_a_group_with_one_server():
    with Machine() as m:
        m.ok("project", "create", "vision", "--quota", "1")
        m.ok("submit", "-p", "vision", "--gpu", "1", "--detach", "--", "sleep", "300")
        wait_for("train-1 runs", lambda: m.phase("train-1", "vision") == "Running")
        assert m.ok("submit", "-p", "vision", "--gpu", "1", "--detach", "-o", "name", "--", "sleep", "300").out.strip().endswith("train-2")
        m.ok("submit", "-p", "vision", "--gpu", "1", "--detach", "--name", "third", "--", "sleep", "300")
        wait_for("third waits", lambda: m.phase("third", "vision") == "Pending")
        why = m.ok("why", "-p", "vision", "third", "-o", "json").json()
        assert why["reason"] in ("InsufficientResources", "ReclaimNotAllowed", "VictimsInsufficient"), why
        assert why["message"], why
        listed = m.ok("list", "-p", "vision").out
        assert "train-1" in listed and "third" in listed, listed
        top = m.ok("top").out
        assert "vision" in top, top
        assert "sim-1" in m.ok("node", "list").out
        m.ok("suspend", "-p", "vision", "train-1")
        wait_for("train-1 stopped", lambda: m.phase("train-1", "vision") == "Stopped")
        wait_for("third runs", lambda: m.phase("third", "vision") == "Running")
        m.ok("resume", "-p", "vision", "train-1")
        wait_for("train-1 waits", lambda: m.phase("train-1", "vision") == "Pending")
        m.ok("delete", "--yes", "-p", "vision", "third", "train-2")
        wait_for("train-1 runs again", lambda: m.phase("train-1", "vision") == "Running")
        wait_for("third is gone", lambda: m.phase("third", "vision") is None)


def test_two_projects_share_four_gpus_and_nothing_flaps():
    with Machine(gpus="4xA100-80G") as m:
        for project in "a", "b":
            m.ok("project", "create", project, "--quota", "1")
        for _ in range(4):
            m.ok("submit", "-p", "a", "--gpu", "1", "--detach", "--", "sleep", "300")
        running = lambda p: sum(w["phase"] == "Running" for w in m.ok("list", "-p", p, "-o", "json").json()["workloads"])
        wait_for("four of a run", lambda: running("a") == 4)
        for _ in range(4):
            m.ok("submit", "-p", "b", "--gpu", "1", "--detach", "--", "sleep", "300")
        wait_for("two and two run", lambda: (running("a"), running("b")) == (2, 2), seconds=5)
        restarts = lambda: sorted((w["name"], w["projectName"], w["phase"]) for w in m.ok("list", "-A", "-o", "json").json()["workloads"])
        before = restarts()
        quiet = time.monotonic() + float(os.environ.get("MUSTER_QUIET_SECONDS", "10"))
        while time.monotonic() < quiet:
            assert restarts() == before, "something flapped"
            time.sleep(0.5)
        events = [e for w in m.ok("list", "-p", "a", "-o", "json").json()["workloads"]
                  for e in m.rest("GET", f"/api/muster/v1/workloads/{w['id']}")[1]["events"]]
        taken = [e for e in events if "b" in e["message"] and e["reason"] in ("Evict", "Evicted", "Reclaimed")]
        assert taken, events


def test_a_killed_server_loses_nothing():
    with Machine() as m:
        side = os.path.join(m.folder, "side")
        m.ok("submit", "--gpu", "1", "--detach", "--name", "long", "--", "sh", "-c", f"echo begin >>{side}; sleep 4; echo end; echo end >>{side}")
        m.ok("submit", "--gpu", "1", "--detach", "--name", "short", "--", "sh", "-c", "sleep 1.5; echo short output; exit 3")
        m.ok("submit", "--gpu", "1", "--detach", "--name", "queued", "--", "sh", "-c", "echo queued ran")
        wait_for("both run", lambda: m.phase("long") == "Running" and m.phase("short") == "Running")
        m.kill()
        time.sleep(2)
        m.up()
        wait_for("short has its code", lambda: m.ok("describe", "short", "-o", "json").json()["exitCode"] == 3)
        assert "short output" in m.ok("logs", "short").out
        wait_for("queued ran", lambda: m.phase("queued") == "Completed")
        m.ok("wait", "long", "--for=Completed", "--timeout", "20s")
        assert open(side).read() == "begin\nend\n"
        assert "end" in m.ok("logs", "long").out


if __name__ == "__main__":
    run_all(globals())
