#!/usr/bin/env python3
"""Limits of processes: memory where cgroups are writable, honesty where they are not, restarts, timeouts, orderly stop."""
import os
import time

from harness import Machine, Skip, run_all, wait_for


def memory_cgroup_is_writable():
    for folder in "/sys/fs/cgroup/memory", "/sys/fs/cgroup":
        probe = os.path.join(folder, f"muster-probe-{os.getpid()}")
        try:
            os.mkdir(probe)
            found = os.path.exists(os.path.join(probe, "memory.limit_in_bytes")) or os.path.exists(os.path.join(probe, "memory.max"))
            os.rmdir(probe)
            if found:
                return True
        except OSError:
            pass
    return False


def test_a_job_over_its_memory_is_oom_killed():
    if not memory_cgroup_is_writable():
        raise Skip("no writable memory cgroup here")
    with Machine() as m:
        done = m.cli("submit", "--memory", "64Mi", "--", "python3", "-c", "x = bytearray(300 << 20); print(len(x))")
        assert done.code == 137, done
        one = m.ok("describe", "train-1", "-o", "json").json()
        assert one["limits"]["memory"] == "enforced", one["limits"]
        assert one["pods"][-1]["reason"] == "OOMKilled", one["pods"]


def test_an_ordinary_user_is_told_that_limits_are_not_enforced():
    if os.geteuid() != 0:
        raise Skip("needs root to become nobody")
    with Machine(user="nobody") as m:
        m.ok("submit", "--memory", "64Mi", "--detach", "--", "sleep", "30")
        wait_for("it runs", lambda: m.phase("train-1") == "Running")
        one = m.ok("describe", "train-1", "-o", "json").json()
        assert one["limits"]["memory"] == "not enforced", one["limits"]
        assert "not enforced" in m.ok("describe", "train-1").out


def test_restart_n_allows_n_more_starts_and_keeps_the_last_code():
    with Machine() as m:
        count = os.path.join(m.folder, "count")
        done = m.cli("submit", "--restart", "2", "--", "sh", "-c", f"echo x >>{count}; exit 5", timeout=40)
        assert done.code == 5, done
        assert open(count).read() == "x\n" * 3
        one = m.ok("describe", "train-1", "-o", "json").json()
        assert one["restarts"] == 2 and one["phase"] == "Failed", one


def test_a_timeout_ends_the_job():
    with Machine() as m:
        start = time.monotonic()
        done = m.cli("submit", "--timeout", "1s", "--", "sleep", "60")
        assert done.code != 0 and time.monotonic() - start < 20, done


def test_delete_sends_term_first_and_ends_the_whole_tree():
    with Machine() as m:
        side = os.path.join(m.folder, "side")
        marker = "987.654321"
        m.ok("submit", "--name", "tree", "--detach", "--", "sh", "-c",
             f"trap 'echo term >>{side}; exit 0' TERM; (setsid sleep {marker} &) ; sleep {marker} & while true; do sleep 0.1; done")
        wait_for("it runs", lambda: m.phase("tree") == "Running")
        time.sleep(0.5)
        m.ok("delete", "--yes", "tree")
        wait_for("it is gone", lambda: m.phase("tree") is None, seconds=40)
        assert open(side).read() == "term\n"

        def left():
            found = []
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    if marker.encode() in open(f"/proc/{pid}/cmdline", "rb").read():
                        found.append(pid)
                except OSError:
                    pass
            return found
        wait_for("no orphan", lambda: not left(), seconds=10)


def test_logs_keep_everything_in_order():
    with Machine() as m:
        done = m.cli("submit", "--name", "big", "--", "sh", "-c", "i=0; while [ $i -lt 100000 ]; do echo line $i; i=$((i+1)); done", timeout=60)
        expected = "".join(f"line {i}\n" for i in range(100000))
        assert done.out == expected, (len(done.out), len(expected))
        assert m.ok("logs", "big").out == expected
        assert m.ok("logs", "--tail", "3", "big").out == "line 99997\nline 99998\nline 99999\n"


def test_the_working_folder_and_environment_are_the_callers():
    with Machine() as m:
        work = os.path.join(m.folder, "work dir")
        os.mkdir(work)
        done = m.cli("submit", "-e", "A=1 2'3", "-e", "FROM_CALLER", "--", "sh", "-c", 'pwd; echo "$A"; echo $FROM_CALLER; echo $PORT; echo "[$CUDA_VISIBLE_DEVICES]"',
                     cwd=work, env={"FROM_CALLER": "yes"})
        lines = done.out.splitlines()
        assert lines[0] == work and lines[1] == "1 2'3" and lines[2] == "yes" and lines[3].isdigit() and lines[4] == "[]", done


if __name__ == "__main__":
    run_all(globals())
