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


def test_a_quota_can_be_tried_before_it_is_set():
    with Machine(gpus="4xA100-80G") as m:
        m.ok("project", "set", "default", "--quota", "1")
        m.ok("project", "create", "b", "--quota", "1")
        for _ in range(4):
            m.ok("submit", "--gpu", "1", "--detach", "--", "sleep", "300")
        wait_for("four run", lambda: sum(w["phase"] == "Running" for w in m.ok("list", "-o", "json").json()["workloads"]) == 4)
        m.ok("submit", "-p", "b", "--gpu", "3", "--detach", "--name", "wide", "--", "sleep", "300")
        wait_for("wide waits", lambda: m.phase("wide", "b") == "Pending")
        told = m.ok("project", "set", "b", "--quota", "3", "--plan", "-o", "json").json()
        assert [s["workload"] for s in told["starts"]] == ["wide"] and len(told["displaced"]) == 3, told
        queues = {q["name"]: q for q in told["queues"]}
        assert (queues["b"]["before"]["fairShare"], queues["b"]["after"]["fairShare"]) == (2, 3), told
        assert m.phase("wide", "b") == "Pending"
        assert m.ok("project", "list", "-o", "json").json()["projects"][1]["gpu"]["quota"] == 1
        assert "nothing would change" in m.ok("project", "set", "b", "--quota", "1", "--plan").out
        m.ok("project", "set", "b", "--quota", "3")
        wait_for("wide runs", lambda: m.phase("wide", "b") == "Running")
        gone = {w["name"] for w in m.ok("list", "-o", "json").json()["workloads"] if w["phase"] == "Pending"}
        assert gone == {d["workload"] for d in told["displaced"]}, (gone, told)


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


def test_a_run_that_was_evicted_or_stopped_stays_known_with_its_output():
    with Machine(gpus="1xA100-80G") as m:
        m.ok("project", "create", "owner", "--quota", "1")
        m.ok("project", "set", "default", "--quota", "0")
        m.ok("submit", "--gpu", "1", "--detach", "--name", "guest", "--", "sh", "-c", "echo guest was here; exec sleep 300")
        wait_for("guest runs", lambda: m.phase("guest") == "Running")
        wait_for("guest has printed", lambda: "guest was here" in m.ok("logs", "guest").out)
        m.ok("submit", "-p", "owner", "--gpu", "1", "--detach", "--name", "host", "--", "sleep", "300")
        wait_for("the owner has its share", lambda: m.phase("host", "owner") == "Running")
        wait_for("the run is on record", lambda: m.ok("describe", "guest", "-o", "json").json()["runs"])
        run, = m.ok("describe", "guest", "-o", "json").json()["runs"]
        assert run["reason"] == "Preempted" and "owner" in run["message"] and run["gpus"] == "sim-1/0:1.00", run
        shown = m.ok("describe", "guest").out
        assert "EARLIER RUN" in shown and "Preempted" in shown, shown
        assert m.phase("guest") == "Pending"
        for more in (), ("--previous",):
            assert m.ok("logs", "guest", *more).out == "guest was here\n", more
        m.ok("delete", "--yes", "-p", "owner", "host")
        wait_for("guest runs again", lambda: m.phase("guest") == "Running")
        wait_for("and prints", lambda: m.ok("logs", "guest").out == "guest was here\n")
        m.ok("suspend", "guest")
        wait_for("guest stopped", lambda: m.phase("guest") == "Stopped")
        wait_for("both runs are on record", lambda: [r["reason"] for r in m.ok("describe", "guest", "-o", "json").json()["runs"]] == ["Preempted", "Stopped"])
        assert m.ok("logs", "guest").out == "guest was here\n"
        m.ok("delete", "--yes", "guest")
        wait_for("guest is gone", lambda: m.phase("guest") is None)


def test_down_with_workloads_stops_what_runs_for_good_and_keeps_what_waits():
    with Machine() as m:
        side = os.path.join(m.folder, "side")
        for name in "one", "two", "queued":
            m.ok("submit", "--gpu", "1", "--detach", "--name", name, "--", "sh", "-c", f"echo {name} >>{side}; sleep 300")
        wait_for("two run", lambda: m.phase("one") == "Running" and m.phase("two") == "Running")
        down = m.cli("down", "--workloads")
        assert down.code == 0 and "resume" in down.err, down
        wait_for("every process is gone", lambda: not m.leftovers())
        m.up()
        wait_for("queued runs", lambda: m.phase("queued") == "Running")
        assert (m.phase("one"), m.phase("two")) == ("Stopped", "Stopped")
        assert sorted(open(side).read().split()) == ["one", "queued", "two"]
        m.ok("resume", "one")
        wait_for("one runs again", lambda: m.phase("one") == "Running")


if __name__ == "__main__":
    run_all(globals())
