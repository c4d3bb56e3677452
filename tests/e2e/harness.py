"""What the end-to-end tests stand on: a real `muster up` in a throw-away folder, the command line against it, and plain checks.

A test is a function whose name is a sentence; `run_all(globals())` runs those that begin with `test_` and prints the closing line.
"""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MUSTER = os.environ.get("MUSTER_BIN", os.path.join(ROOT, "build", "bin", "muster"))
SHARED = os.environ.get("MUSTER_SHARED", os.path.join(os.path.dirname(ROOT), "shared"))


class Skip(Exception):
    """This machine cannot show it; the text says why."""


def wait_for(what, condition, seconds=10.0, every=0.05):
    """The condition's first true value; AssertionError with the last one seen."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what} (last seen: {value!r})")
        time.sleep(every)


class Result:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"

    def json(self):
        return json.loads(self.out)


class Machine:
    """One `muster up`. Use as a context manager; everything it started is ended with it."""

    def __init__(self, gpus="2xA100-80G", data=None, args=(), user=None, env=None, listen="127.0.0.1:0"):
        self.folder = tempfile.mkdtemp(prefix="muster-e2e-")
        if user:
            os.chmod(self.folder, 0o755)
        self.data = data or os.path.join(self.folder, "data")
        self.gpus, self.args, self.user, self.listen = gpus, list(args), user, listen
        self.env = {**os.environ, "MUSTER_DATA": self.data, "NO_COLOR": "1", "HOME": self.folder, "XDG_CONFIG_HOME": self.folder, **(env or {})}
        for name in ("MUSTER_URL", "MUSTER_TOKEN", "MUSTER_PROJECT", "MUSTER_LISTEN", "XDG_DATA_HOME"):
            if not env or name not in env:
                self.env.pop(name, None)
        self.process = None
        self.endpoint = None
        if user:
            shutil.chown(self.folder, user)

    def as_user(self, command):
        if self.user and os.geteuid() == 0:
            return ["setpriv", f"--reuid={self.user}", "--regid=" + self._group(), "--init-groups", *command]
        return command

    def _group(self):
        import grp
        import pwd
        return grp.getgrgid(pwd.getpwnam(self.user).pw_gid).gr_name

    def __enter__(self):
        self.up()
        return self

    def __exit__(self, *_):
        self.close()

    def up(self, seconds=20, expect_ready=True):
        command = [MUSTER, "up", "--data", self.data, "--listen", self.listen, "--json", *self.args]
        if self.gpus:
            command += ["--gpus", f"sim:{self.gpus}"]
        self.stderr = open(os.path.join(self.folder, "up.stderr"), "ab+")
        self.process = subprocess.Popen(self.as_user(command), stdout=subprocess.PIPE, stderr=self.stderr, env=self.env, start_new_session=True,
                                        cwd=self.folder)
        if not expect_ready:
            return None
        import select
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        line = self.process.stdout.readline() if ready else b""
        if not line:
            self.stderr.seek(0)
            raise AssertionError(f"muster up is not ready after {seconds} s: {self.stderr.read().decode()}")
        self.endpoint = json.loads(line)
        self.token = open(os.path.join(self.data, "owner.token"), encoding="utf-8").read()
        self.url = self.endpoint["url"]
        return self.endpoint

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("muster up did not stop on SIGTERM within 15 s") from None

    def close(self):
        with contextlib.suppress(Exception):
            if self.process and self.process.poll() is None:
                self.cli("down", "--workloads", timeout=60)
        with contextlib.suppress(Exception):
            self.stop()
        self.kill_leftovers()
        if os.environ.get("MUSTER_KEEP"):
            print("kept:", self.folder)
            return
        shutil.rmtree(self.folder, ignore_errors=True)

    def leftovers(self):
        """Processes that still carry this machine's data folder in their command line or environment."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            if int(pid) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                line = open(f"/proc/{pid}/cmdline", "rb").read()
                if self.data.encode() in line and b"harness" not in line:
                    found.append((int(pid), line.replace(b"\0", b" ").decode(errors="replace")))
        return found

    def kill_leftovers(self):
        for pid, _ in self.leftovers():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)

    def cli(self, *arguments, timeout=60, env=None, cwd=None, stdin=None, user=None):
        command = [MUSTER, *arguments]
        if user:
            command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]
        else:
            command = self.as_user(command)
        done = subprocess.run(command, capture_output=True, timeout=timeout, env={**self.env, **(env or {})}, cwd=cwd or self.folder, input=stdin,
                              check=False)
        return Result(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))

    def ok(self, *arguments, **more):
        result = self.cli(*arguments, **more)
        assert result.code == 0, f"muster {' '.join(arguments)}: {result!r}"
        return result

    def rest(self, method, path, body=None, token=None, headers=None, timeout=20):
        """(status, decoded JSON or text, headers)."""
        request = urllib.request.Request(self.url + path, method=method)
        if token is None:
            token = self.token
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, data, timeout=timeout) as answer:
                return answer.status, decode(answer.read()), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, decode(error.read()), error.headers

    def workload(self, name, project="default"):
        for one in self.ok("list", "-A", "-o", "json").json()["workloads"]:
            if one["name"] == name and one["projectName"] == project:
                return one
        return None

    def phase(self, name, project="default"):
        found = self.workload(name, project)
        return found["phase"] if found else None


def decode(data):
    try:
        return json.loads(data)
    except ValueError:
        return data.decode(errors="replace")


def run_all(names, chosen=None):
    """Runs the test_ functions of a module; exits with 1 when one failed."""
    passed = failed = skipped = 0
    for name, function in list(names.items()):
        if not name.startswith("test_") or not callable(function) or (chosen and chosen not in name):
            continue
        start = time.monotonic()
        try:
            function()
            passed += 1
            print(f"ok      {name} ({time.monotonic() - start:.1f} s)", flush=True)
        except Skip as why:
            skipped += 1
            print(f"SKIPPED {name}: {why}", flush=True)
        except Exception:  # a test may fail in any way
            failed += 1
            print(f"FAILED  {name} ({time.monotonic() - start:.1f} s)\n{traceback.format_exc()}", flush=True)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""), flush=True)
    sys.exit(1 if failed else 0)
