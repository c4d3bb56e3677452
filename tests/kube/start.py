#!/usr/bin/env python3
"""A real Kubernetes API server for tests: etcd, kube-apiserver and the controllers that a cluster cannot do without, on free ports of
loopback, with throw-away certificates and data in a temporary folder. Needs no root and no kubelet.

    start.py                 starts, prints the kubeconfig's path and the shell line for kubectl, ends on Ctrl-C
    start.py --until-eof     the same, prints only the path, ends when standard input ends
    with start.KubeServer() as server: server.kubeconfig, server.kubectl("get", "nodes")

Status 3 and a reason on stderr when the program is not built (tests/kube/build.sh).
"""
import ctypes
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
# Those that finish deletions, make namespaces usable and count what may be disrupted. Not the ones that judge nodes and
# pods by heartbeats: the tests' nodes are plain objects.
CONTROLLERS = ("namespace-controller,garbage-collector-controller,serviceaccount-controller,serviceaccount-token-controller,"
               "root-ca-certificate-publisher-controller,disruption-controller")
READY_WITHIN = 60  # seconds
ATTEMPTS = 3       # another program may take a port between our look and the start


class NotBuilt(Exception):
    pass


def programs_folder():
    """Where etcd, kube-apiserver ... lie; NotBuilt when they would have to be built first."""
    found = subprocess.run([os.path.join(HERE, "build.sh"), "--cached"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if found.returncode != 0:
        raise NotBuilt(found.stderr.strip())
    return found.stdout.strip()


def free_ports(number):
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class KubeServer:
    def __init__(self):
        self.programs = programs_folder()
        self.children = []
        self.folder = None
        for attempt in range(ATTEMPTS):
            self.folder = tempfile.mkdtemp(prefix="muster-kube-")
            self.kubeconfig = self.path("admin.conf")
            try:
                self._start()
                return
            except Exception:
                logs = self._logs()
                self.stop()
                if attempt == ATTEMPTS - 1:
                    sys.stderr.write(logs)
                    raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def path(self, name):
        return os.path.join(self.folder, name)

    def kubectl(self, *arguments, check=True, **options):
        return subprocess.run([os.path.join(self.programs, "kubectl"), "--kubeconfig", self.kubeconfig, *arguments],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=check, **options)

    def stop(self):
        # Everything is thrown away, so nothing needs an orderly end.
        for child in reversed(self.children):
            child.kill()
            child.wait()
        self.children = []
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    def _start(self):
        client, peer, api, controllers = free_ports(4)
        self.url = f"https://127.0.0.1:{api}"
        self._certificates()
        self._spawn("etcd", "--name=e", f"--data-dir={self.path('etcd')}", "--unsafe-no-fsync", "--log-level=warn",
                    f"--listen-client-urls=http://127.0.0.1:{client}", f"--advertise-client-urls=http://127.0.0.1:{client}",
                    f"--listen-peer-urls=http://127.0.0.1:{peer}", f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
                    f"--initial-cluster=e=http://127.0.0.1:{peer}", "--quota-backend-bytes=4294967296")
        self._spawn("kube-apiserver", f"--etcd-servers=http://127.0.0.1:{client}", "--bind-address=127.0.0.1", f"--secure-port={api}",
                    # Any address that is not loopback's; nobody has to own it.
                    "--advertise-address=192.0.2.1",
                    f"--tls-cert-file={self.path('server.crt')}", f"--tls-private-key-file={self.path('server.key')}",
                    f"--client-ca-file={self.path('ca.crt')}", "--service-account-issuer=https://kubernetes.default.svc",
                    f"--service-account-key-file={self.path('sa.pub')}", f"--service-account-signing-key-file={self.path('sa.key')}",
                    "--authorization-mode=Node,RBAC", "--service-cluster-ip-range=10.96.0.0/16", "--profiling=false",
                    f"--cert-dir={self.path('run')}")
        self._wait_ready()
        self._spawn("kube-controller-manager", f"--kubeconfig={self.path('controllers.conf')}", "--leader-elect=false",
                    f"--authentication-kubeconfig={self.path('controllers.conf')}", f"--authorization-kubeconfig={self.path('controllers.conf')}",
                    "--bind-address=127.0.0.1", f"--secure-port={controllers}", f"--cert-dir={self.path('run')}",
                    f"--controllers={CONTROLLERS}", "--use-service-account-credentials=true",
                    f"--service-account-private-key-file={self.path('sa.key')}", f"--root-ca-file={self.path('ca.crt')}",
                    "--kube-api-qps=500", "--kube-api-burst=1000")
        deadline = time.monotonic() + READY_WITHIN
        while self.kubectl("get", "serviceaccount", "default", "-n", "default", check=False).returncode != 0:
            self._check_alive(deadline, "the first service account")
            time.sleep(0.1)

    def _spawn(self, program, *arguments):
        log = open(self.path(program + ".log"), "wb")
        self.children.append(subprocess.Popen([os.path.join(self.programs, program), *arguments], stdin=subprocess.DEVNULL, stdout=log,
                                              stderr=log, cwd=self.folder, preexec_fn=die_with_parent))
        log.close()

    def _check_alive(self, deadline, what):
        for child in self.children:
            if child.poll() is not None:
                raise RuntimeError(f"{child.args[0]} ended with status {child.returncode} before {what}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not come within {READY_WITHIN} s")

    def _wait_ready(self):
        trust = ssl.create_default_context(cafile=self.path("ca.crt"))
        open_url = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)).open
        deadline = time.monotonic() + READY_WITHIN
        while True:
            try:
                with open_url(self.url + "/readyz", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                pass
            self._check_alive(deadline, "readiness of the API server")
            time.sleep(0.1)

    def _logs(self):
        out = ""
        for program in ("etcd", "kube-apiserver", "kube-controller-manager"):
            if self.folder and os.path.exists(self.path(program + ".log")):
                with open(self.path(program + ".log"), encoding="utf-8", errors="replace") as log:
                    out += f"--- the end of {program}'s log\n" + "".join(log.readlines()[-15:])
        return out

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)

    def _certificates(self):
        os.mkdir(self.path("run"))
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        self._openssl("req", "-x509", *curve, "-days", "7", "-subj", "/CN=muster-test-ca", "-keyout", "ca.key", "-out", "ca.crt")
        pairs = {"server": ("/CN=kube-apiserver", "subjectAltName=DNS:localhost,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:10.96.0.1"),
                 "admin": ("/O=system:masters/CN=admin", "extendedKeyUsage=clientAuth"),
                 "controllers": ("/CN=system:kube-controller-manager", "extendedKeyUsage=clientAuth")}
        for name, (subject, extension) in pairs.items():
            with open(self.path(name + ".ext"), "w", encoding="ascii") as file:
                file.write(extension + "\n")
            self._openssl("req", "-new", *curve, "-subj", subject, "-keyout", name + ".key", "-out", name + ".csr")
            self._openssl("x509", "-req", "-days", "7", "-in", name + ".csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                          "-extfile", name + ".ext", "-out", name + ".crt")
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "sa.key")
        self._openssl("ec", "-in", "sa.key", "-pubout", "-out", "sa.pub")
        for name in ("admin", "controllers"):
            with open(self.path(name + ".conf"), "w", encoding="ascii") as file:
                file.write(f"""apiVersion: v1
kind: Config
current-context: test
contexts: [{{name: test, context: {{cluster: test, user: {name}}}}}]
clusters: [{{name: test, cluster: {{server: "{self.url}", certificate-authority: {self.path('ca.crt')}}}}}]
users: [{{name: {name}, user: {{client-certificate: {self.path(name + '.crt')}, client-key: {self.path(name + '.key')}}}}}]
""")


def main():
    until_eof = "--until-eof" in sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        server = KubeServer()
    except NotBuilt as error:
        print(error, file=sys.stderr)
        sys.exit(3)
    with server:
        print(server.kubeconfig, flush=True)
        try:
            if until_eof:
                sys.stdin.read()
            else:
                print(f"{server.programs}/kubectl --kubeconfig {server.kubeconfig} get namespaces", flush=True)
                signal.pause()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
