#pragma once
// Names that are pinned (interface 6): namespaces, queues, labels and annotations. Written once, used by every room.

#include <string>
#include <string_view>

namespace muster::model {

// "runai-vision"
std::string namespace_of_project(std::string_view project);
// "vision" in pool default, else "vision--a100"
std::string queue_of_project(std::string_view project, std::string_view pool);
// "dept--research", else "dept--research--a100"
std::string queue_of_department(std::string_view department, std::string_view pool);

namespace keys {
inline constexpr std::string_view scheduler_name = "muster";
inline constexpr std::string_view queue_label = "kai.scheduler/queue";
inline constexpr std::string_view runai_queue_label = "runai/queue";
inline constexpr std::string_view project_label = "project";
inline constexpr std::string_view pool_label = "kai.scheduler/node-pool";
inline constexpr std::string_view priority_label = "priorityClassName";
inline constexpr std::string_view preemptibility_label = "kai.scheduler/preemptibility";
inline constexpr std::string_view task_priority_label = "kai.scheduler/task-priority";
inline constexpr std::string_view sub_group_label = "kai.scheduler/subgroup-name";
inline constexpr std::string_view pod_group_annotation = "pod-group-name";
inline constexpr std::string_view min_member_annotation = "kai.scheduler/batch-min-member";
inline constexpr std::string_view gpu_fraction = "gpu-fraction";
inline constexpr std::string_view gpu_memory = "gpu-memory";
inline constexpr std::string_view gpu_devices = "gpu-fraction-num-devices";
inline constexpr std::string_view devices_annotation = "muster.dev/devices";  // written by the binder
inline constexpr std::string_view runtime_label = "muster.dev/runtime";       // node label; "process"
inline constexpr std::string_view simulated_label = "muster.dev/simulated";
inline constexpr std::string_view workload_label = "muster.dev/workload";
inline constexpr std::string_view workload_id_label = "muster.dev/workload-id";
// Node annotation written by node:
// [{"uuid":"...","index":0,"model":"A100-80G","memoryMib":81920,"healthy":true,"simulated":true}]
inline constexpr std::string_view node_devices_annotation = "muster.dev/node-devices";
}  // namespace keys

}  // namespace muster::model
