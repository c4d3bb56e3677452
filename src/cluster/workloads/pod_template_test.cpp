#include "cluster/workloads/pod_template.h"

#include <doctest/doctest.h>

#include "cluster/group/group_of.h"
#include "cluster/queues/queue_objects.h"
#include "cluster/round/decode.h"
#include "kube/objects.h"

namespace muster::cluster {
namespace {

json::Value training(std::string_view spec) {
  return json::Object{{"apiVersion", "muster.dev/v1alpha1"},
                      {"kind", "Training"},
                      {"metadata", *json::parse(R"({"name":"train-1","namespace":"runai-vision","uid":"uid-1",
    "labels":{"muster.dev/workload-id":"id-1","project":"vision"},
    "annotations":{"muster.dev/uid":"1001","muster.dev/gid":"100","muster.dev/priority-class":"high","kai.scheduler/preemption-delay":"5s"}})")},
                      {"spec", *json::parse(spec)}};
}

json::Value pod(std::string_view spec) {
  Result<json::Value> made = make_pod(training(spec), {"train-1-0", 0, 2});
  REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().text));
  return *std::move(made);
}

}  // namespace

TEST_CASE("a training's spec becomes one plain pod") {
  const json::Value made = pod(R"({"image":"host","command":"sh -c 'echo hello world'","args":"a b","workingDir":"/tmp",
    "environmentVariables":[{"name":"A","value":"1"},{"name":"B","secret":{"name":"s","key":"k"}},{"name":"C","value":"x","exclude":true}],
    "compute":{"cpuCoreRequest":0.5,"cpuMemoryLimit":"1Gi","gpuDevicesRequest":2,"gpuPortionRequest":1},
    "terminationGracePeriodSeconds":7,"labels":[{"name":"team","value":"x"}],
    "nodeType":"big","tolerations":[{"key":"k","operator":"Exists","effect":"Any"}]})");
  CHECK(json::text_or(made, "/spec/containers/0/name") == "main");
  CHECK(json::write(*json::find(made, "/spec/containers/0/command")) == R"(["sh","-c","echo hello world"])");
  CHECK(json::write(*json::find(made, "/spec/containers/0/args")) == R"(["a","b"])");
  CHECK(json::find(made, "/spec/containers/0/env")->get_array().size() == 2);
  CHECK(json::text_or(made, "/spec/containers/0/env/1/valueFrom/secretKeyRef/key") == "k");
  CHECK(json::text_or(made, "/spec/containers/0/resources/requests/cpu") == "500m");
  CHECK(json::text_or(made, "/spec/containers/0/resources/limits/memory") == "1Gi");
  CHECK(json::text_or(made, "/spec/containers/0/resources/limits/nvidia.com~1gpu") == "2");
  CHECK(json::integer_at(made, "/spec/terminationGracePeriodSeconds") == 7);
  CHECK(json::text_or(made, "/spec/schedulerName") == "muster");
  CHECK(json::text_or(made, "/spec/restartPolicy") == "Never");
  CHECK(json::text_or(made, "/spec/nodeSelector/run.ai~1type") == "big");
  CHECK(json::find(made, "/spec/tolerations/0/effect") == nullptr);
  CHECK(kube::label_of(made, "kai.scheduler/queue") == "vision");
  CHECK(kube::label_of(made, "team") == "x");
  CHECK(kube::label_of(made, "priorityClassName") == "high");
  CHECK(kube::label_of(made, "muster.dev/workload-id") == "id-1");
  CHECK(kube::annotation_of(made, "pod-group-name") == "pg-train-1-uid-1");
  CHECK(kube::annotation_of(made, "kai.scheduler/preemption-delay") == "5s");
  CHECK(kube::controller_of(made).uid == "uid-1");
}

TEST_CASE("identity comes from the control plane's annotations, never from the spec") {
  const json::Value made = pod(R"({"command":"id","security":{"runAsUser":0,"runAsGroup":0}})");
  CHECK(json::integer_at(made, "/spec/securityContext/runAsUser") == 1001);
  CHECK(json::integer_at(made, "/spec/securityContext/runAsGroup") == 100);
}

TEST_CASE("shares of GPUs become the annotations that the scheduler reads") {
  const auto gpu = [](std::string_view compute) {
    const json::Value made = pod(R"({"command":"x","compute":)" + std::string(compute) + "}");
    return model::to_text(*decode_gpu(made));
  };
  CHECK(gpu(R"({"gpuDevicesRequest":1,"gpuPortionRequest":0.5})") == "0.5");
  CHECK(gpu(R"({"gpuPortionRequest":0.125})") == "0.125");
  CHECK(gpu(R"({"gpuDevicesRequest":2,"gpuPortionRequest":0.5})") == "2x0.5");
  CHECK(gpu(R"({"gpuDevicesRequest":2})") == "2");
  CHECK(gpu(R"({"gpuRequestType":"memory","gpuMemoryRequest":"10Gi"})") == "10Gi");
  CHECK(gpu(R"({"gpuDevicesRequest":0})") == "0");
  CHECK_FALSE(make_pod(training(R"({"compute":{"gpuPortionRequest":1.5}})"), {"p", 0, 0}).has_value());
  CHECK_FALSE(make_pod(training(R"({"command":"echo 'open"})"), {"p", 0, 0}).has_value());
}

TEST_CASE("the pods of a training belong to one group that the training owns") {
  const std::optional<PodGroupWish> wish = group_of(pod(R"({"command":"x","preemptibility":"non-preemptible"})"), "");
  REQUIRE(wish.has_value());
  CHECK(wish->name == "pg-train-1-uid-1");
  CHECK(json::text_or(wish->object, "/spec/queue") == "vision");
  CHECK(json::text_or(wish->object, "/spec/priorityClassName") == "high");
  CHECK(json::text_or(wish->object, "/spec/preemptibility") == "non-preemptible");
  CHECK(json::integer_at(wish->object, "/spec/minMember") == 1);
  CHECK(json::text_or(wish->object, "/metadata/ownerReferences/0/kind") == "Training");
}

TEST_CASE("a bare pod's queue is the first that a label names, and the label's home decides its defaults") {
  const auto wish = [](std::string_view labels, const std::string& of_namespace = "") {
    return *group_of(
        json::Object{{"kind", "Pod"},
                     {"apiVersion", "v1"},
                     {"metadata",
                      json::Object{{"name", "p"}, {"namespace", "n"}, {"uid", "u"}, {"labels", *json::parse(labels)}}}},
        of_namespace);
  };
  const auto queue = [&](std::string_view labels, const std::string& of_namespace = "") {
    return json::text_or(wish(labels, of_namespace).object, "/spec/queue");
  };
  const auto priority = [&](std::string_view labels, const std::string& of_namespace = "") {
    return json::text_or(wish(labels, of_namespace).object, "/spec/priorityClassName");
  };
  CHECK(queue(R"({"kai.scheduler/queue":"q","runai/queue":"r","project":"s"})") == "q");
  CHECK(queue(R"({"runai/queue":"r","project":"s"})") == "r");
  CHECK(queue(R"({"project":"s","kai.scheduler/node-pool":"a100"})") == "s--a100");
  CHECK(queue("{}", "vision") == "vision");
  CHECK(queue("{}") == "default-queue");
  CHECK(priority(R"({"kai.scheduler/queue":"q"})") == "train");
  CHECK(priority(R"({"project":"s"})") == "very-high");
  CHECK(priority(R"({"project":"s","priorityClassName":"low"})") == "low");
}

TEST_CASE("a pod that names a group of its user's is left alone, and one that says so is not touched") {
  json::Value bare = json::Object{
      {"metadata",
       json::Object{{"name", "p"}, {"uid", "u"}, {"annotations", json::Object{{"pod-group-name", "mine"}}}}}};
  CHECK(group_of(bare, "")->is_users);
  CHECK(group_of(bare, "")->name == "mine");
  json::set_at(bare, "/metadata/annotations/kai.scheduler~1skip-podgrouper", "true");
  CHECK_FALSE(group_of(bare, "").has_value());
}

TEST_CASE("projects and departments become queues per pool with the units that queues have") {
  const json::Value project = *json::parse(
      R"({"apiVersion":"muster.dev/v1alpha1","kind":"Project","metadata":{"name":"vision","uid":"u"},"spec":{
    "department":"research","resources":[{"nodePool":{"name":"default"},"priority":"High",
      "gpu":{"deserved":4,"limit":null,"overQuotaWeight":3},"cpu":{"deserved":2000,"limit":null},
      "memory":{"deserved":1000,"limit":2000,"units":"GB","overQuotaWeight":null}}]}})");
  const std::vector<json::Value> queues = queues_of_project(project, {"default", "a100"});
  REQUIRE(queues.size() == 2);
  CHECK(kube::name_of(queues[0]) == "vision");
  CHECK(json::text_or(queues[0], "/spec/parentQueue") == "dept--research");
  CHECK(json::integer_at(queues[0], "/spec/priority") == 130);
  CHECK(json::number_at(queues[0], "/spec/resources/gpu/quota") == 4);
  CHECK(json::number_at(queues[0], "/spec/resources/gpu/limit") == -1);
  CHECK(json::number_at(queues[0], "/spec/resources/gpu/overQuotaWeight") == 3);
  CHECK(json::number_at(queues[0], "/spec/resources/cpu/quota") == 2000);
  CHECK(json::number_at(queues[0], "/spec/resources/memory/quota") == 1'000'000);
  CHECK(json::number_at(queues[0], "/spec/resources/memory/overQuotaWeight") == 2);
  // A pool without an entry: no GPUs guaranteed, CPU and memory unlimited.
  CHECK(kube::name_of(queues[1]) == "vision--a100");
  CHECK(json::text_or(queues[1], "/spec/parentQueue") == "dept--research--a100");
  CHECK(json::number_at(queues[1], "/spec/resources/gpu/quota") == 0);
  CHECK(json::number_at(queues[1], "/spec/resources/cpu/quota") == -1);
  CHECK(kube::label_of(queues[1], "kai.scheduler/node-pool") == "a100");
  CHECK(kube::name_of(namespace_of_project_object(project)) == "runai-vision");
}

}  // namespace muster::cluster
