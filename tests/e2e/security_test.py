#!/usr/bin/env python3
"""Who may do what on one machine: tokens, cookies, sockets, Host and Origin, modes, secrets."""
import glob
import http.client
import json
import os
import re
import socket
import stat

from harness import Machine, ROOT, Skip, run_all, wait_for

CANARY = "canary-9f2c71"


def raw(m, method, path, headers, body=None):
    host = m.url.split("//")[1]
    connection = http.client.HTTPConnection(host, timeout=10)
    connection.putrequest(method, path, skip_host=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    data = body.encode() if body else b""
    if data or method != "GET":
        connection.putheader("Content-Length", str(len(data)))
    connection.endheaders(data)
    answer = connection.getresponse()
    text = answer.read().decode(errors="replace")
    return answer.status, text, answer.headers


def paths_of_the_contract():
    found = set()
    for file in glob.glob(os.path.join(ROOT, "api/openapi/*.json")):
        for path, methods in json.load(open(file))["paths"].items():
            for method in methods:
                if method in ("get", "post", "put", "patch", "delete"):
                    found.add((method.upper(), re.sub(r"\{[^}]+\}", "00000000-0000-0000-0000-000000000000", path)))
    return sorted(found)


def test_every_path_wants_a_token():
    with Machine() as m:
        open_paths = {("POST", "/api/v1/token"), ("POST", "/api/muster/v1/signin")}
        asked = paths_of_the_contract() + [("GET", "/metrics"), ("GET", "/api/muster/v1/events"), ("GET", "/gate/v1/projects/a/workloads/b/logs"),
                                           ("GET", "/api/v1/nothing"), ("POST", "/api/muster/v1/down")]
        assert len(asked) > 20, asked
        for method, path in asked:
            if (method, path) in open_paths:
                continue
            for token in "", "wrong":
                status, body, _ = m.rest(method, path, body={} if method != "GET" else None, token=token)
                assert status == 401, (method, path, token, status, body)
        for path in "/healthz", "/readyz":
            assert m.rest("GET", path, token="")[0] == 200, path


def test_sign_in_works_once_and_sets_a_strict_cookie():
    with Machine() as m:
        code = m.endpoint["signInUrl"].split("#code=")[1]
        host = m.url.split("//")[1]
        body = json.dumps({"code": code})
        headers = {"Host": host, "Content-Type": "application/json", "Origin": m.url}
        status, text, answer = raw(m, "POST", "/api/muster/v1/signin", headers, body)
        assert status == 200, text
        cookies = answer.get_all("Set-Cookie")
        session = next(c for c in cookies if c.startswith("muster_session="))
        assert "HttpOnly" in session and "SameSite=Strict" in session, session
        assert raw(m, "POST", "/api/muster/v1/signin", headers, body)[0] == 401
        jar = "; ".join(c.split(";")[0] for c in cookies)
        csrf = next(c for c in cookies if c.startswith("muster_csrf=")).split(";")[0].split("=", 1)[1]
        assert raw(m, "GET", "/api/muster/v1/me", {"Host": host, "Cookie": jar})[0] == 200
        change = {"Host": host, "Cookie": jar, "Content-Type": "application/json", "Origin": m.url}
        assert raw(m, "POST", "/api/muster/v1/login-links", change)[0] == 403, "a cookie alone changed state"
        assert raw(m, "POST", "/api/muster/v1/login-links", {**change, "X-Muster-Csrf": csrf})[0] == 200
        link = m.ok("login", "--link").out.strip().splitlines()[-1]
        assert "/signin#code=" in link and code not in link, link


def test_foreign_hosts_and_origins_are_refused():
    with Machine() as m:
        host = m.url.split("//")[1]
        token = {"Authorization": f"Bearer {m.token}"}
        assert raw(m, "GET", "/api/muster/v1/me", {"Host": host, **token})[0] == 200
        port = host.split(":")[1]
        assert raw(m, "GET", "/api/muster/v1/me", {"Host": f"localhost:{port}", **token})[0] == 200
        for bad in "evil.example", f"evil.example:{port}", "":
            assert raw(m, "GET", "/api/muster/v1/me", {"Host": bad, **token})[0] in (400, 403, 421), bad
            assert raw(m, "GET", "/", {"Host": bad})[0] in (400, 403, 421), bad
        for bad in "http://evil.example", "null", f"http://127.0.0.1:{int(port) ^ 1}":
            assert raw(m, "GET", "/api/muster/v1/me", {"Host": host, "Origin": bad, **token})[0] == 403, bad
            assert raw(m, "GET", "/api/muster/v1/events", {"Host": host, "Origin": bad, **token})[0] == 403, bad


def test_files_are_closed_to_others():
    with Machine() as m:
        assert stat.S_IMODE(os.stat(m.data).st_mode) == 0o700
        m.ok("submit", "--detach", "--", "true")
        wait_for("it completes", lambda: m.phase("train-1") == "Completed")
        for folder, _, files in os.walk(m.data):
            assert stat.S_IMODE(os.stat(folder).st_mode) & 0o077 == 0 or folder.startswith(os.path.join(m.data, "node")), folder
            for name in files:
                path = os.path.join(folder, name)
                if folder == m.data or name.endswith((".db", ".token", ".json")):
                    mode = stat.S_IMODE(os.lstat(path).st_mode)
                    assert mode & 0o077 == 0 or stat.S_ISSOCK(os.lstat(path).st_mode), (path, oct(mode))


def test_a_secret_in_the_environment_or_a_token_reaches_no_log_and_no_argument_list():
    with Machine() as m:
        m.ok("submit", "--detach", "--name", "secretive", "-e", f"PASSWORD={CANARY}", "--", "sh", "-c", "sleep 2; echo $PASSWORD | wc -c")
        wait_for("it runs", lambda: m.phase("secretive") == "Running")
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                line = open(f"/proc/{pid}/cmdline", "rb").read()
            except OSError:
                continue
            assert m.token.encode() not in line, line
            assert CANARY.encode() not in line, line
        m.ok("wait", "secretive", "--for=Completed", "--timeout", "20s")
        m.rest("GET", "/api/muster/v1/me", token=CANARY)
        for path in glob.glob(os.path.join(m.data, "*.log*")) + [os.path.join(m.folder, "up.stderr")]:
            text = open(path, errors="replace").read()
            assert CANARY not in text and m.token not in text, path


def test_a_listener_off_loopback_is_refused():
    m = Machine(listen="0.0.0.0:0")
    try:
        m.up(expect_ready=False)
        assert m.process.wait(20) == 2
        m.stderr.seek(0)
        assert b"TLS" in m.stderr.read()
    finally:
        m.close()


def test_the_socket_of_user_mode_is_the_owners_alone():
    if os.geteuid() != 0:
        raise Skip("needs root to become another user")
    with Machine(user="nobody") as m:
        assert m.ok("list").code == 0
        path = os.path.join(m.data, "muster.sock")
        mode = stat.S_IMODE(os.stat(path).st_mode)
        assert mode & 0o077 == 0, oct(mode)


def ask_as(m, uid, method, path, body=None):
    """(status, text) of one request over the server's socket as another uid, made by a child process.

    The data folder of a test is closed to others, so the child connects through a descriptor of the socket itself; on the default
    folder the socket lies in /run/muster, where everybody reaches it.
    """
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            place = os.open(os.path.join(m.data, "muster.sock"), os.O_PATH)
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(f"/proc/self/fd/{place}")
            data = json.dumps(body).encode() if body is not None else b""
            connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
                               f"Content-Length: {len(data)}\r\n\r\n".encode() + data)
            while part := connection.recv(65536):
                os.write(write, part)
        except Exception as error:  # reported to the parent
            os.write(write, f"HTTP/1.1 000 x\r\n\r\n{error!r}".encode())
        finally:
            os._exit(0)
    os.close(write)
    out = b""
    while part := os.read(read, 65536):
        out += part
    os.close(read)
    os.waitpid(pid, 0)
    head, _, text = out.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), text.decode(errors="replace")


def test_a_shared_machine_knows_its_callers_by_their_uid():
    if os.geteuid() != 0:
        raise Skip("needs root")
    with Machine() as m:
        status, text = ask_as(m, 0, "GET", "/api/muster/v1/me")
        assert status == 200 and json.loads(text)["admin"] is True, text
        status, text = ask_as(m, 12345, "GET", "/api/muster/v1/me")
        assert status == 200, text
        me = json.loads(text)
        assert me["admin"] is False and me["projects"] == [], me
        project = m.rest("GET", "/api/v1/org-unit/projects")[1]["projects"][0]
        new = {"name": "x", "projectId": project["id"], "clusterId": project["clusterId"], "spec": {"command": "id"}}
        status, text = ask_as(m, 12345, "POST", "/api/v1/workloads/trainings", new)
        assert status in (403, 404), (status, text)
        m.ok("submit", "--detach", "--name", "mine", "--", "sleep", "60")
        one = m.workload("mine")
        for method, path in (("GET", f"/api/v1/workloads/{one['id']}"), ("DELETE", f"/api/v1/workloads/trainings/{one['id']}"),
                             ("GET", "/gate/v1/projects/default/workloads/mine/logs"), ("POST", "/api/muster/v1/down")):
            status, text = ask_as(m, 12345, method, path)
            assert status in (403, 404), (method, path, status, text)
        assert json.loads(ask_as(m, 12345, "GET", "/api/v1/workloads")[1])["workloads"] == []


def test_a_member_runs_as_its_own_account_with_no_new_privileges():
    if os.geteuid() != 0:
        raise Skip("needs root")
    with Machine() as m:
        m.ok("project", "create", "vision", "--quota", "1", "--member", "nobody")
        project = next(p for p in m.rest("GET", "/api/v1/org-unit/projects")[1]["projects"] if p["name"] == "vision")
        new = {"name": "who", "projectId": project["id"], "clusterId": project["clusterId"],
               "spec": {"command": "sh", "args": "-c 'id -u; id -g; grep NoNewPrivs /proc/self/status; umask'", "workingDir": "/tmp",
                        "security": {"runAsUid": 0, "runAsGid": 0}}}
        status, text = ask_as(m, 65534, "POST", "/api/v1/workloads/trainings", new)
        if status == 400:
            # Naming an account in the request may be refused; it is never followed.
            del new["spec"]["security"]
            status, text = ask_as(m, 65534, "POST", "/api/v1/workloads/trainings", new)
        assert status == 202, text
        m.ok("wait", "-p", "vision", "who", "--for=Completed", "--timeout", "20s")
        lines = m.ok("logs", "-p", "vision", "who").out.split()
        assert lines[:2] == ["65534", "65534"], lines
        assert lines[lines.index("NoNewPrivs:") + 1] == "1" and "0077" in lines, lines
        done = m.cli("submit", "--", "sh", "-c", "id -u; grep NoNewPrivs /proc/self/status")
        assert done.out.split()[0] == "0", "the owner's token is root's"


if __name__ == "__main__":
    run_all(globals())
