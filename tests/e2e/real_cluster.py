#!/usr/bin/env python3
"""The same parts on a real API server: `muster cluster` against kube-apiserver and etcd with 50 node objects of 8 GPUs.

Pods are bound within their queues' shares, gangs whole, victims evicted through the eviction subresource; `kubectl describe` says why the
rest waits; SIGKILL of `muster cluster` in the middle leaves no half gang and no device booked twice. There is no kubelet: a thread of the
test turns bound pods Running and takes deleted ones away.
"""
import collections
import contextlib
import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse

from harness import MUSTER, ROOT, Skip, run_all, wait_for

sys.path.insert(0, os.path.join(ROOT, "tests", "kube"))
import start  # noqa: E402

NODES, GPUS = 50, 8


class Kube:
    """A few verbs over HTTPS with the test's client certificate; one connection per thread."""

    def __init__(self, server):
        self.server = server
        self.context = ssl.create_default_context(cafile=server.path("ca.crt"))
        self.context.load_cert_chain(server.path("admin.crt"), server.path("admin.key"))
        self.local = threading.local()
        self.writes = 0
        self.lock = threading.Lock()

    def call(self, method, path, body=None, content_type="application/json", accept=(200, 201)):
        if method != "GET":
            with self.lock:
                self.writes += 1
        for attempt in range(2):
            connection = getattr(self.local, "connection", None)
            if connection is None:
                connection = self.local.connection = http.client.HTTPSConnection(self.server.url.split("//")[1], context=self.context, timeout=60)
            try:
                connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": content_type})
                answer = connection.getresponse()
                text = answer.read()
                break
            except (OSError, http.client.HTTPException):
                self.local.connection = None
                if attempt:
                    raise
        if answer.status not in accept:
            raise AssertionError(f"{method} {path}: {answer.status} {text[:500]}")
        if path == "/metrics":
            return text.decode()
        return json.loads(text)

    def pods(self, namespace):
        return self.call("GET", f"/api/v1/namespaces/{namespace}/pods")["items"]


class Kubelet(threading.Thread):
    """Stands in for 50 kubelets: bound pods run, deleted pods go."""

    def __init__(self, kube, namespaces):
        super().__init__(daemon=True)
        self.kube, self.namespaces, self.stopped = kube, namespaces, threading.Event()
        self.seen_running = set()

    def run(self):
        while not self.stopped.wait(0.1):
            for namespace in self.namespaces:
                with contextlib.suppress(AssertionError, OSError, http.client.HTTPException):
                    for pod in self.kube.pods(namespace):
                        self.serve(namespace, pod)

    def serve(self, namespace, pod):
        meta = pod["metadata"]
        path = f"/api/v1/namespaces/{namespace}/pods/{meta['name']}"
        if meta.get("deletionTimestamp"):
            self.kube.call("DELETE", path, {"gracePeriodSeconds": 0, "preconditions": {"uid": meta["uid"]}}, accept=(200, 404, 409))
        elif pod["spec"].get("nodeName") and pod.get("status", {}).get("phase") == "Pending":
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            self.kube.call("PATCH", path + "/status", {"status": {"phase": "Running", "startTime": now,
                                                                  "conditions": [{"type": "Ready", "status": "True"}]}},
                           "application/merge-patch+json", accept=(200, 404, 409))


class Cluster:
    """The real `muster cluster` as a process."""

    def __init__(self, server, *arguments):
        self.log = open(server.path("muster-cluster.log"), "ab+")
        self.process = subprocess.Popen([MUSTER, "cluster", "--kubeconfig", server.kubeconfig, "--listen", "127.0.0.1:0", *arguments],
                                        stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        found = re.search(r"listening on http://127\.0\.0\.1:(\d+)", line)
        if not found:
            self.log.seek(0)
            raise AssertionError(f"no address in {line!r}: {self.log.read()[-3000:]}")
        self.port = int(found[1])

    def ready(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError("muster cluster does not stop on SIGTERM") from None


def node(number):
    resources = {"cpu": "128", "memory": "1Ti", "pods": "110", "nvidia.com/gpu": str(GPUS)}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"gpu-{number:04}", "labels": {"kubernetes.io/hostname": f"gpu-{number:04}"}},
            "status": {"capacity": resources, "allocatable": resources, "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]}}


def add_node(kube, number):
    kube.call("POST", "/api/v1/nodes", node(number))
    # The server taints a new node as not ready; the controller that would lift that judges heartbeats, and plain objects have none.
    kube.call("PATCH", f"/api/v1/nodes/gpu-{number:04}", {"spec": {"taints": None}}, "application/merge-patch+json")


def queue(name, parent, quota):
    free = {"quota": -1, "limit": -1, "overQuotaWeight": 1}
    spec = {"resources": {"gpu": {"quota": quota, "limit": -1, "overQuotaWeight": 1}, "cpu": free, "memory": free}}
    if parent:
        spec["parentQueue"] = parent
    return {"apiVersion": "scheduling.run.ai/v2", "kind": "Queue", "metadata": {"name": name}, "spec": spec}


def pod(name, queue_name, group=None):
    meta = {"name": name, "labels": {"kai.scheduler/queue": queue_name}}
    if group:
        meta["annotations"] = {"pod-group-name": group}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta,
            "spec": {"schedulerName": "muster", "terminationGracePeriodSeconds": 1,
                     "containers": [{"name": "main", "image": "none", "resources": {"limits": {"nvidia.com/gpu": "1"}}}]}}


def gang(name, queue_name, members):
    return {"apiVersion": "scheduling.run.ai/v2alpha2", "kind": "PodGroup", "metadata": {"name": name},
            "spec": {"minMember": members, "queue": queue_name}}


def apply_all(jobs, workers=8):
    """Calls every job, spread over threads."""
    todo, errors, lock = list(jobs), [], threading.Lock()

    def work():
        while True:
            with lock:
                if not todo:
                    return
                job = todo.pop(0)
            try:
                job()
            except Exception as error:  # reported below
                errors.append(error)
    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def bound(pods):
    return [p for p in pods if p["spec"].get("nodeName") and not p["metadata"].get("deletionTimestamp")]


def check_devices(kube, namespaces):
    """No device of any node is booked twice; every bound pod says which one it has."""
    booked = collections.Counter()
    for namespace in namespaces:
        for one in bound(kube.pods(namespace)):
            devices = json.loads(one["metadata"]["annotations"]["muster.dev/devices"])
            assert len(devices) == 1, devices
            booked[(one["spec"]["nodeName"], devices[0]["uuid"])] += devices[0]["milli"]
    over = {key: milli for key, milli in booked.items() if milli > 1000}
    assert not over, over


def writes_so_far(kube):
    total = 0
    for line in kube.call("GET", "/metrics").splitlines():
        if line.startswith("apiserver_request_total{") and re.search(r'verb="(POST|PUT|PATCH|DELETE|APPLY)"', line) and 'resource="leases"' not in line:
            total += int(float(line.rsplit(" ", 1)[1]))
    return total


def wait_bound(kube, namespace, number, seconds):
    seen = []

    def enough():
        seen.append(len(bound(kube.pods(namespace))))
        return seen[-1] == number
    try:
        return wait_for(f"{number} pods of {namespace} bound", enough, seconds=seconds, every=0.2)
    except AssertionError as error:
        with open(kube.server.path("muster-cluster.log"), encoding="utf-8") as log:
            raise AssertionError(f"{error}; bound over time: {seen[-8:]}; the log's end:\n{log.read()[-3000:]}") from None


def test_two_queues_share_a_real_cluster():
    try:
        server = start.KubeServer()
    except start.NotBuilt as why:
        raise Skip(str(why)) from None
    with server:
        kube = Kube(server)
        first = Cluster(server, "--install-crds")
        wait_for("muster cluster is ready", first.ready, seconds=30)
        apply_all([lambda n=n: add_node(kube, n) for n in range(NODES)])
        queues = "/apis/scheduling.run.ai/v2/queues"
        for one in queue("all", None, NODES * GPUS), queue("a", "all", 200), queue("b", "all", 200):
            kube.call("POST", queues, one)
        for name in "a", "b":
            kube.call("POST", "/api/v1/namespaces", {"metadata": {"name": f"runai-{name}"}})
        wait_for("service accounts", lambda: all(server.kubectl("get", "sa", "default", "-n", f"runai-{n}", check=False).returncode == 0 for n in "ab"), seconds=20)
        kubelet = Kubelet(kube, ["runai-a", "runai-b"])
        kubelet.start()

        # 400 pods of a take the whole cluster: half of it is over quota.
        before, own = writes_so_far(kube), kube.writes
        begin = time.monotonic()
        apply_all([lambda i=i: kube.call("POST", "/api/v1/namespaces/runai-a/pods", pod(f"a-{i:03}", "a")) for i in range(NODES * GPUS)])
        created = time.monotonic() - begin
        wait_bound(kube, "runai-a", NODES * GPUS, 60)
        wall = time.monotonic() - begin
        time.sleep(2)
        ours = writes_so_far(kube) - before - (kube.writes - own)
        print(f"{NODES * GPUS} pods: created in {created:.1f} s, all bound after {wall:.1f} s ({NODES * GPUS / wall:.0f} pods/s), "
              f"{ours / (NODES * GPUS):.1f} writes of ours per pod")
        check_devices(kube, ["runai-a"])

        # 30 gangs of 8 of b ask for 240: its share is 200, so 25 gangs start, whole, and 200 pods of a are evicted.
        for g in range(30):
            kube.call("POST", "/apis/scheduling.run.ai/v2alpha2/namespaces/runai-b/podgroups", gang(f"g{g:02}", "b", 8))
        begin = time.monotonic()
        apply_all([lambda g=g, i=i: kube.call("POST", "/api/v1/namespaces/runai-b/pods", pod(f"g{g:02}-{i}", "b", f"g{g:02}"))
                   for g in range(30) for i in range(8)])
        # Killed in the middle: the next one finds what is bound and goes on.
        wait_for("some gangs are bound", lambda: len(bound(kube.pods("runai-b"))) >= 40, seconds=60, every=0.05)
        first.kill()
        second = Cluster(server)
        wait_for("the next muster cluster is ready", second.ready, seconds=40)
        wait_bound(kube, "runai-b", 200, 90)
        print(f"b has its 200 GPUs {time.monotonic() - begin:.1f} s after its first pod, with a SIGKILL in between")
        wait_bound(kube, "runai-a", 200, 30)
        sizes = collections.Counter(p["metadata"]["annotations"]["pod-group-name"] for p in bound(kube.pods("runai-b")))
        assert len(sizes) == 25 and set(sizes.values()) == {8}, sizes
        check_devices(kube, ["runai-a", "runai-b"])

        # Quiet: nothing is evicted or bound any more, and the rest is told why.
        state = lambda: sorted((p["metadata"]["uid"], p["spec"].get("nodeName", "")) for n in ("runai-a", "runai-b") for p in kube.pods(n))
        quiet = state()
        time.sleep(5)
        assert state() == quiet, "something moved in a quiet cluster"
        waiting = next(p["metadata"]["name"] for p in kube.pods("runai-b") if not p["spec"].get("nodeName"))
        described = server.kubectl("describe", "pod", "-n", "runai-b", waiting).stdout
        assert re.search(r"Unschedulable|PodScheduled", described) and re.search(r"fair share|quota|GPU", described), described
        groups = server.kubectl("get", "podgroups", "-n", "runai-b").stdout
        assert "g00" in groups, groups
        events = server.kubectl("get", "events", "-n", "runai-a").stdout
        assert "Evict" in events and "b" in events, events[:2000]
        # When room comes, the next gang starts.
        victims = [p["metadata"]["name"] for p in bound(kube.pods("runai-b"))][:8]
        for name in victims:
            kube.call("DELETE", f"/api/v1/namespaces/runai-b/pods/{name}", {"gracePeriodSeconds": 0})
        wait_for("another gang starts", lambda: len({p["metadata"]["annotations"]["pod-group-name"] for p in bound(kube.pods("runai-b"))} - set(sizes)) >= 1
                 or len(bound(kube.pods("runai-b"))) >= 200, seconds=30)
        check_devices(kube, ["runai-a", "runai-b"])
        kubelet.stopped.set()
        second.stop()


def test_a_missing_definition_is_a_clear_error():
    try:
        server = start.KubeServer()
    except start.NotBuilt as why:
        raise Skip(str(why)) from None
    with server:
        done = subprocess.run([MUSTER, "cluster", "--kubeconfig", server.kubeconfig], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 3 and "--install-crds" in done.stderr, (done.returncode, done.stderr)


if __name__ == "__main__":
    run_all(globals())
