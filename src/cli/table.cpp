#include "cli/table.h"

#include "cli/commands.h"

namespace muster::cli {
namespace {

const Flag project_flag{"--project", 'p', "PROJECT", "the project (MUSTER_PROJECT, default)", false, {}, "project"};
const Flag yes_flag{"--yes", 'y', "", "do not ask"};

std::vector<Flag> quota_flags(bool with_department) {
  std::vector<Flag> flags = {
      {"--quota", 0, "N", "GPUs that are the project's own"},
      {"--limit", 0, "N|unlimited", "GPUs that it can hold at most"},
      {"--weight", 0, "N", "how much of what is left over it gets, against its siblings"},
      {"--member", 0, "USER", "an account of this machine that may use it", true},
  };
  if (with_department) flags.push_back({"--department", 0, "D", "the department that it belongs to (default)"});
  else {
    flags.push_back({"--remove-member", 0, "USER", "take the right away again", true});
    flags.push_back({"--plan", 0, "", "only say what would happen"});
  }
  return flags;
}

std::vector<Row> make_table() {
  std::vector<Row> rows;
  rows.push_back(
      {.name = "submit",
       .usage = "[flags] -- CMD [ARG...]",
       .summary = "run a command with its share of the GPUs, and follow it",
       .about =
           "Phases go to the error stream, what the job prints to the output; the exit status is the job's own (128+n "
           "for signal n). Ctrl-C stops following, not the job. The job sees PATH, HOME, USER, LANG, TERM, "
           "VIRTUAL_ENV and CONDA_PREFIX of the caller, and runs in the caller's folder.",
       .flags = {{"--name", 0, "NAME", "its name (train-<n>)"},
                 project_flag,
                 {"--gpu", 'g', "GPUS", "2 devices, 0.5 of one, 2x0.5, 10Gi of one's memory (0)"},
                 {"--gpu-memory", 0, "SIZE", "memory of each device instead of a share of it"},
                 {"--cpu", 0, "CORES", "cores, such as 4 or 500m"},
                 {"--memory", 0, "SIZE", "memory, such as 16Gi; the job ends when it takes more"},
                 {"--priority", 0, "CLASS", "very-high, high, medium-high, medium, medium-low, low, very-low (low)"},
                 {"--preemptibility",
                  0,
                  "WORD",
                  "preemptible or non-preemptible",
                  false,
                  {"preemptible", "non-preemptible"}},
                 {"--env", 'e', "K[=V]", "a variable; without a value the caller's", true},
                 {"--workdir", 0, "DIR", "the folder that it runs in (the current one)", false, {}, "folder"},
                 {"--restart", 0, "N", "start it again after a failure, at most N times (0)"},
                 {"--timeout", 0, "TIME", "end it after this time, such as 90m"},
                 {"--parallelism", 0, "N", "so many pods at once (1)"},
                 {"--completions", 0, "N", "so many pods in all (as --parallelism)"},
                 {"--gang", 0, "", "its pods start together or not at all"},
                 {"--topology", 0, "NAME", "keep its pods together by this topology", false, {}, "topology"},
                 {"--topology-required", 0, "LEVEL", "within one domain of this level, else it waits"},
                 {"--topology-preferred", 0, "LEVEL", "within one domain of this level if it can be"},
                 {"--detach", 'd', "", "do not follow it"},
                 {"--plan", 0, "", "only say what would happen"}},
       .takes_rest = true,
       .run = run_submit});
  rows.push_back({.name = "list",
                  .usage = "[flags]",
                  .summary = "list workloads",
                  .flags = {project_flag,
                            {"--all-projects", 'A', "", "of every project that you may see"},
                            {"--watch", 'w', "", "go on and show changes"}},
                  .run = run_list});
  const auto of_workload = [&](std::string name, std::string summary, Result<int> (*run)(Session&),
                               std::vector<Flag> more = {}, std::size_t most = 1) {
    more.insert(more.begin(), project_flag);
    rows.push_back({.name = std::move(name),
                    .usage = most == 1 ? "[flags] NAME" : "[flags] NAME...",
                    .summary = std::move(summary),
                    .flags = std::move(more),
                    .takes = "workload",
                    .least = 1,
                    .most = most,
                    .run = run});
  };
  of_workload("describe", "show everything about a workload", run_describe);
  of_workload("logs", "show what a workload has printed", run_logs,
              {{"--follow", 'f', "", "go on until it has ended"},
               {"--tail", 0, "N", "only the last N lines"},
               {"--previous", 0, "", "of the run before the last restart"},
               {"--pod", 0, "POD", "of this pod of it"}});
  of_workload("why", "say why a workload waits, and what would start it", run_why);
  of_workload("suspend", "stop workloads and keep them", run_suspend, {}, 1000);
  of_workload("resume", "start suspended workloads again", run_resume, {}, 1000);
  of_workload("delete", "stop workloads and remove them", run_delete, {yes_flag}, 1000);
  of_workload("wait", "wait until a workload is in a phase", run_wait,
              {{"--for", 0, "PHASE", "Running, Completed, Stopped, Deleted ... (Completed)"},
               {"--timeout", 0, "TIME", "give up after this time, exit status 7 (never)"}});

  const auto of_project = [&](std::string name, std::string usage, std::string summary, Result<int> (*run)(Session&),
                              std::vector<Flag> flags, std::size_t names) {
    rows.push_back({.name = "project " + name,
                    .usage = std::move(usage),
                    .summary = std::move(summary),
                    .flags = std::move(flags),
                    .takes = names > 0 ? "project" : "",
                    .least = names,
                    .most = names,
                    .run = run});
  };
  of_project("create", "[flags] NAME", "make a project with a quota", run_project_create, quota_flags(true), 1);
  of_project("set", "[flags] NAME", "change a project's quota, limit, weight or members", run_project_set,
             quota_flags(false), 1);
  of_project("list", "[flags]", "list projects with quota, fair share and use", run_project_list, {}, 0);
  of_project("delete", "[flags] NAME", "remove a project and its workloads", run_project_delete, {yes_flag}, 1);

  rows.push_back(
      {.name = "node list", .usage = "[flags]", .summary = "list nodes and their GPUs", .run = run_node_list});
  const std::string levels =
      "LEVEL...: node labels, the widest domain first, such as zone rack kubernetes.io/hostname.";
  rows.push_back({.name = "topology create",
                  .usage = "[flags] NAME LEVEL...",
                  .summary = "say which node labels make up racks, zones and the like",
                  .about = levels,
                  .takes = "name",
                  .least = 2,
                  .most = 17,
                  .run = run_topology_create});
  rows.push_back({.name = "topology list", .usage = "[flags]", .summary = "list topologies", .run = run_topology_list});
  rows.push_back({.name = "topology delete",
                  .usage = "[flags] NAME",
                  .summary = "remove a topology; what runs goes on",
                  .takes = "topology",
                  .least = 1,
                  .most = 1,
                  .run = run_topology_delete});
  rows.push_back({.name = "top",
                  .usage = "[flags]",
                  .summary = "show who holds which GPU, and each project's share",
                  .flags = {{"--watch", 'w', "", "go on and show changes"}},
                  .run = run_top});
  rows.push_back(
      {.name = "doctor", .usage = "[flags]", .summary = "check that everything is as it should be", .run = run_doctor});
  rows.push_back({.name = "config view",
                  .usage = "[flags]",
                  .summary = "show the settings of this command line",
                  .flags = {project_flag, {"--origin", 0, "", "say where each came from"}},
                  .run = run_config_view});
  rows.push_back({.name = "login",
                  .usage = "[--link]",
                  .summary = "print a link that signs a browser in, once",
                  .flags = {{"--link", 0, "", "print the link alone"}},
                  .run = run_login});
  rows.push_back(
      {.name = "completion",
       .usage = "bash|zsh|fish",
       .summary = "print completions for a shell",
       .about = "bash: source <(muster completion bash). zsh: put the output into a file _muster on the fpath. fish: "
                "muster completion fish | source.",
       .takes = "shell",
       .least = 1,
       .most = 1,
       .needs_server = false});
  rows.push_back(
      {.name = "version", .usage = "", .summary = "print the version", .needs_server = false, .run = run_version});
  return rows;
}

}  // namespace

std::span<const Row> table() {
  static const std::vector<Row> rows = make_table();
  return rows;
}

std::vector<Flag> all_flags(const Row& row) {
  std::vector<Flag> flags = row.flags;
  if (row.name != "completion") {
    flags.push_back(
        {"--output", 'o', "FORM", "table, wide, json, yaml or name", false, {"table", "wide", "json", "yaml", "name"}});
    flags.push_back({"--json", 0, "", "the same as -o json"});
  }
  if (row.needs_server) {
    flags.push_back({"--url", 0, "URL", "the server (MUSTER_URL, else the one of this machine)"});
    flags.push_back(
        {"--data", 0, "DIR", "data folder of the server on this machine (MUSTER_DATA)", false, {}, "folder"});
    flags.push_back({"--config", 0, "FILE", "configuration file (MUSTER_CONFIG)"});
  }
  flags.push_back({"--help", 'h', "", "say how to use it"});
  return flags;
}

}  // namespace muster::cli
