#!/usr/bin/env python3
"""Run:ai's published Python client (runapy 1.224, unchanged) against a Muster server.

Environment: MUSTER_URL, MUSTER_TOKEN (content of owner.token). Needs the package: python3 -m venv build/peers/runapy &&
build/peers/runapy/bin/pip install runapy==1.224.0. Every answer is also read into the client's own models, which refuse
missing and mistyped fields. Prints one line per check and `N passed, N failed`; exit status 1 when one failed.
"""
import logging
import os
import sys
import time
import traceback

from runai import models
from runai.api_client import ApiClient
from runai.configuration import Configuration
from runai.exceptions import ApiException
from runai.runai_client import RunaiClient

URL, TOKEN = os.environ["MUSTER_URL"], os.environ["MUSTER_TOKEN"]
STAMP = f"{os.getpid()}-{int(time.time()) % 100000}"


def connect(secret=TOKEN, **more):
    more.setdefault("retry_enabled", False)
    return RunaiClient(ApiClient(Configuration(client_id="owner", client_secret=secret, runai_base_url=URL, **more)))


def refused(status, call):
    try:
        call()
    except ApiException as error:
        assert error.status == status, f"expected {status}, got {error.status}: {error.body}"
        return error
    raise AssertionError(f"expected {status}, but it went through")


class Checks:
    def __init__(self):
        self.client = connect()

    def cluster(self):
        clusters = self.client.organizations.clusters.get_clusters().data
        assert len(clusters) == 1, clusters
        models.DisplayedCluster.from_dict(clusters[0])
        return clusters[0]["uuid"]

    def project(self, name="default"):
        found = self.client.organizations.projects.get_projects(filter_by=[f"name=={name}"]).data["projects"]
        assert len(found) == 1, found
        return found[0]

    def submit(self, name, **spec):
        request = models.TrainingCreationRequest(
            name=name, projectId=self.project()["id"], clusterId=self.cluster(),
            spec=models.TrainingSpecSpec(command="sleep", args="300", **spec))
        return self.client.workloads.trainings.create_training1(training_creation_request=request).data

    # -- each method below is one check

    def check_a_wrong_secret_is_refused(self):
        logger = logging.getLogger("quiet")
        logger.disabled = True
        try:
            connect(secret="wrong", logger=logger)
        except ValueError as error:
            assert "401" in str(error), error
        else:
            raise AssertionError("a wrong secret was taken")

    def check_the_client_reads_when_its_token_ends(self):
        assert self.client.api_client.token_refresher._token_expiry > time.time() + 3600

    def check_projects_are_listed_and_fit_the_model(self):
        body = self.client.organizations.projects.get_projects().data
        assert any(p["name"] == "default" for p in body["projects"])
        for project in body["projects"]:  # the client has no model of its own for these
            assert project["status"]["phase"] in ("Creating", "Ready"), project
            for entry in project["resources"]:
                models.Resources.from_dict(entry)

    def check_departments_clusters_nodes_and_pools_fit_their_models(self):
        organizations = self.client.organizations
        for department in organizations.departments.get_departments().data["departments"]:
            models.DepartmentForList.from_dict(department)
        for node in organizations.nodes.get_tenant_nodes().data["nodes"]:
            models.Node.from_dict(node)
        pools = organizations.node_pools.get_nodepools().data["nodepools"]
        assert [p["name"] for p in pools] == ["default"]
        models.Nodepool.from_dict(pools[0])

    def check_a_project_is_made_changed_counted_and_deleted(self):
        projects = self.client.organizations.projects
        name = f"peer-{STAMP}"
        pool = models.ResourcesNodePool(id="1", name="default")
        request = models.ProjectCreationRequest(
            name=name, clusterId=self.cluster(),
            resources=[models.ResourcesNullable(nodePool=pool, gpu=models.NonNullResource(deserved=1))])
        made = projects.create_project(project_creation_request=request).data
        assert made["resources"][0]["gpu"]["deserved"] == 1
        refused(409, lambda: projects.create_project(project_creation_request=request))
        changed = projects.patch_project_resources(
            project_id=made["id"],
            resources_nullable=[models.ResourcesNullable(nodePool=pool, gpu=models.NonNullResource(deserved=2))]).data
        assert changed[0]["gpu"]["deserved"] == 2, changed
        assert projects.count_projects(filter_by=[f"name=={name}"]).data["count"] == 1
        projects.delete_project(project_id=made["id"])
        refused(404, lambda: projects.get_project(project_id=made["id"]))

    def check_a_training_is_submitted_and_listed(self):
        name = f"peer-train-{STAMP}"
        made = self.submit(name, compute=models.SupersetSpecAllOfCompute(gpuDevicesRequest=1, gpuRequestType="portion",
                                                                     gpuPortionRequest=0.25))
        models.Training1.from_dict(made)
        assert made["name"] == name and made["desiredPhase"] == "Running", made
        listed = self.client.workloads.workloads.get_workloads(filter_by=[f"name=={name}"]).data["workloads"]
        assert len(listed) == 1 and listed[0]["id"] == made["workloadId"], listed
        models.Workload.from_dict(listed[0])
        assert listed[0]["workloadRequestedResources"]["gpu"]["request"] == 0.25
        detailed = self.client.workloads.workloads.get_workload(workload_id=made["workloadId"]).data
        assert detailed["projectName"] == "default"
        training = self.client.workloads.trainings.get_training(workload_id=made["workloadId"]).data
        assert training["spec"]["backoffLimit"] == 6 and training["spec"]["args"] == "300"
        refused(409, lambda: self.submit(name))
        self.client.workloads.trainings.delete_training(workload_id=made["workloadId"])

    def check_a_training_is_stopped_run_again_and_deleted(self):
        made = self.submit(f"peer-steer-{STAMP}")
        trainings, id = self.client.workloads.trainings, made["workloadId"]
        assert trainings.suspend_training(workload_id=id).data["code"] == 202
        assert trainings.resume_training(workload_id=id).data["code"] == 202
        pods = self.client.workloads.pods.get_workload_pods(workload_id=id).data
        for pod in pods["pods"]:
            models.Pod1.from_dict(pod)
        self.client.workloads.events.get_workload_events(workload_id=id)
        history = self.client.workloads.events.get_workload_history(workload_id=id).data
        assert history["records"], history
        batch = self.client.workloads.workloads_batch.batch_workloads(
            workload_batch=models.WorkloadBatch(ids=[id], action="delete")).data
        assert batch["succeeded"] == [id], batch

    def check_mistakes_are_told_with_their_place(self):
        error = refused(400, lambda: self.submit(f"peer-image-{STAMP}", image="pytorch:2.9"))
        assert "/spec/image" in error.body, error.body
        refused(404, lambda: self.client.workloads.workloads.get_workload(
            workload_id="00000000-0000-4000-8000-000000000000"))


def main():
    checks = Checks()
    passed = failed = 0
    for name in [n for n in dir(checks) if n.startswith("check_")]:
        try:
            getattr(checks, name)()
            passed += 1
            print(f"ok    {name[6:].replace('_', ' ')}")
        except Exception:  # each check stands alone
            failed += 1
            print(f"FAIL  {name[6:].replace('_', ' ')}")
            traceback.print_exc(limit=4, file=sys.stdout)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
