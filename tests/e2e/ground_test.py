#!/usr/bin/env python3
"""Bad ground: unknown flags and fields, taken ports, refused folders, full disks, two servers. Each with its remedy and its code."""
import os
import socket
import subprocess
import tempfile

from harness import Machine, Skip, run_all, wait_for


def failing_up(m, code, *texts):
    m.up(expect_ready=False)
    assert m.process.wait(20) == code, m.process.returncode
    m.stderr.seek(0)
    said = m.stderr.read().decode()
    for text in texts:
        assert text in said, (text, said)
    return said


def test_unknown_things_are_named_with_the_nearest_known_one():
    with Machine() as m:
        unknown = m.cli("submit", "--gpus", "1", "--", "true")
        assert unknown.code == 2 and "--gpu" in unknown.err, unknown
        assert m.cli("lits").code == 2
        assert "list" in m.cli("lits").err
        missing = m.cli("submit", "-p", "vison", "--", "true")
        assert missing.code == 3 and "vison" in missing.err and "default" in missing.err, missing
        for quantity in ("1.5", "0", "abc", "0.5x2", "-1"):
            bad = m.cli("submit", "--gpu", quantity, "--", "true")
            assert bad.code in (0, 2) and (quantity == "0" or bad.code == 2), (quantity, bad)
        assert m.cli("submit", "--memory", "12Q", "--", "true").code == 2
        assert m.cli("describe", "nothing").code == 3
        assert m.cli("submit").code == 2
        for help_for in ([], ["submit"], ["up"], ["project", "create"], ["sim", "scenario"]):
            shown = m.cli(*help_for, "--help")
            assert shown.code == 0 and "Usage:" in shown.out, (help_for, shown)
        project = m.rest("GET", "/api/v1/org-unit/projects")[1]["projects"][0]
        status, body, _ = m.rest("POST", "/api/v1/workloads/trainings",
                                 {"name": "x", "projectId": project["id"], "clusterId": project["clusterId"], "spec": {"comand": "true"}})
        assert status == 400 and body["pointer"] == "/spec/comand" and "command" in body["message"], body
        status, body, _ = m.rest("POST", "/api/v1/workloads/trainings", b"{not json")
        assert status == 400, body
        assert m.rest("GET", "/api/v1/workloads?limit=501")[0] == 400
        assert m.rest("GET", "/api/v1/workloads?filterBy=nonsense==1")[0] == 400
        assert m.rest("POST", "/api/v1/workloads/trainings", b"[" * 100 + b"]" * 100)[0] == 400
        assert m.rest("POST", "/api/v1/workloads/trainings", b'"' + b"x" * (1 << 20) + b'"')[0] == 413


def test_names_are_taken_once_and_dashes_twice_are_refused():
    with Machine() as m:
        m.ok("project", "create", "vision", "--quota", "1")
        again = m.cli("project", "create", "vision", "--quota", "1")
        assert again.code == 6, again
        assert m.cli("project", "create", "a--b").code == 2
        m.ok("submit", "--name", "one", "--detach", "--", "sleep", "30")
        assert m.cli("submit", "--name", "one", "--detach", "--", "true").code == 6


def test_no_server_is_code_8_and_says_how_to_start_one():
    m = Machine()
    done = m.cli("list")
    assert done.code == 8 and "muster up" in done.err, done
    m.close()


def test_a_taken_port_names_its_holder():
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    holder.listen()
    m = Machine(listen=f"127.0.0.1:{holder.getsockname()[1]}")
    try:
        failing_up(m, 1, f"pid {os.getpid()}", "--listen")
    finally:
        m.close()
        holder.close()


def test_a_second_server_on_one_folder_is_code_6_and_names_the_first():
    with Machine() as m:
        second = Machine(data=m.data)
        try:
            failing_up(second, 6, str(m.endpoint["pid"]))
        finally:
            second.process = None
            second.data = second.folder
            second.close()
        m.ok("list")


def test_refused_folders_say_why():
    with tempfile.TemporaryDirectory() as base:
        open_to_all = os.path.join(base, "open")
        os.mkdir(open_to_all)
        os.chmod(open_to_all, 0o777)
        newer = os.path.join(base, "newer")
        os.mkdir(newer, 0o700)
        with open(os.path.join(newer, "format.json"), "w", encoding="utf-8") as f:
            f.write('{"format": 999, "version": "99.0"}')
        for folder, text in ((open_to_all, "chmod 700"), (newer, "newer"), ("/proc/muster", "/proc/muster")):
            m = Machine(data=folder)
            try:
                failing_up(m, 1, folder, text)
            finally:
                m.process = None
                m.data = m.folder
                m.close()


def test_a_read_only_folder_is_refused():
    if os.geteuid() != 0:
        raise Skip("needs root to mount")
    with tempfile.TemporaryDirectory() as base:
        folder = os.path.join(base, "ro")
        os.mkdir(folder, 0o700)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,mode=0700", "tmpfs", folder], check=False).returncode != 0:
            raise Skip("this machine does not let us mount a tmpfs")
        m = Machine(data=folder)
        try:
            failing_up(m, 1, folder)
        finally:
            m.process = None
            m.data = m.folder
            m.close()
            subprocess.run(["umount", folder], check=True)


def test_a_full_disk_says_space_and_nothing_is_lost_when_it_returns():
    if os.geteuid() != 0:
        raise Skip("needs root to mount")
    base = tempfile.mkdtemp()
    folder = os.path.join(base, "small")
    os.mkdir(folder, 0o700)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs", folder], check=False).returncode != 0:
        raise Skip("this machine does not let us mount a tmpfs")
    m = Machine(data=folder)
    filler = os.path.join(folder, "filler")
    try:
        m.up()
        m.ok("submit", "--name", "before", "--", "echo", "before")
        with open(filler, "wb") as f:
            try:
                while True:
                    f.write(b"x" * 65536)
                    f.flush()
            except OSError:
                pass
        refused = None
        for i in range(200):
            done = m.cli("submit", "--detach", "--name", f"full-{i}", "--", "true")
            if done.code != 0:
                refused = done
                break
        assert refused is not None and refused.code == 1 and "space" in refused.err, refused
        os.unlink(filler)
        after = wait_for("work is taken again", lambda: m.cli("submit", "--name", "after", "--", "echo", "after").code == 0, seconds=20, every=0.5)
        assert after
        assert m.phase("before") == "Completed"
        m.kill()
        m.up()
        assert m.phase("before") == "Completed" and m.phase("after") == "Completed"
    finally:
        m.close()
        subprocess.run(["umount", "-l", folder], check=False)


def test_wait_runs_out_with_code_7():
    with Machine() as m:
        m.ok("submit", "--name", "long", "--detach", "--", "sleep", "60")
        assert m.cli("wait", "long", "--for=Completed", "--timeout", "1s").code == 7


def test_detached_server_comes_and_goes():
    m = Machine()
    try:
        up = m.cli("up", "--data", m.data, "--listen", "127.0.0.1:0", "--gpus", "sim:1xA100-80G", "--detach")
        assert up.code == 0 and "/signin#code=" in up.out, up
        m.ok("submit", "--", "true")
        down = m.cli("down")
        assert down.code == 0, down
        assert m.cli("list").code == 8
    finally:
        m.close()


if __name__ == "__main__":
    run_all(globals())
