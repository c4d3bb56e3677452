// What the server sends, as docs/rest.md and docs/line.md describe it. Only the fields that the console reads.

export type Phase =
  | "Creating"
  | "Pending"
  | "Initializing"
  | "Resuming"
  | "Running"
  | "Updating"
  | "Degraded"
  | "Stopping"
  | "Stopped"
  | "Completed"
  | "Failed"
  | "Deleting"
  | "Terminating"
  | "Unknown";

/** One change that would let a workload start. `set` is "workload" or "queue/<name>". */
export interface Remedy {
  set: string;
  field: string;
  to: number | string | null;
}

export interface Verdict {
  reason: string | null;
  queue?: string | null;
  numbers?: Record<string, number | null>;
  causes?: Record<string, number>;
  message: string;
  remedy?: Remedy[];
  since?: string | null;
}

export interface Quantities {
  gpu?: number | null;
  gpuMemory?: string | number | null;
  cpu?: number | null;
  cpuMemory?: string | number | null;
}

export interface RequestedResources {
  gpuRequestType?: string | null;
  gpu?: { request?: number | null } | null;
  cpu?: { request?: number | null } | null;
  cpuMemory?: { request?: string | null } | null;
}

export interface Workload {
  id: string;
  name: string;
  type: string;
  projectId: string;
  projectName: string;
  departmentName?: string;
  submittedBy?: string;
  priorityClassName?: string | null;
  preemptible?: boolean | null;
  phase: Phase;
  phaseReason?: string | null;
  phaseMessage?: string | null;
  phaseUpdatedAt?: string | null;
  createdAt: string;
  completedAt?: string | null;
  runningPods?: number | null;
  requestedPods?: { number?: number | null; parallelism?: number | null; completions?: number | null } | null;
  command?: string | null;
  arguments?: string | null;
  workloadRequestedResources?: RequestedResources | null;
  podsRequestedResources?: RequestedResources | null;
  allocatedResources?: Quantities | null;
  totalPendingTimeSeconds?: number | null;
  totalRunningTimeSeconds?: number | null;
  exitCode?: number | null;
  restarts?: number | null;
  overQuota?: boolean;
  gpuRequestText?: string | null;
  waiting?: Verdict | null;
}

export interface PodDevice {
  uuid: string;
  index: number;
  milli: number;
  memoryMib?: number;
}

export interface WorkloadPod {
  name: string;
  phase: string;
  node?: string | null;
  createdAt?: string | null;
  startedAt?: string | null;
  completedAt?: string | null;
  devices?: PodDevice[];
  gpus?: string;
  restarts?: number;
  exitCode?: number | null;
  reason?: string | null;
  message?: string | null;
  limits?: { cpu?: string; memory?: string };
  gpuEnforcement?: string;
  deviceEnforcement?: string;
}

/** A run whose pod is gone: evicted, stopped, or replaced by a later attempt. */
export interface PastRun {
  pod: string;
  uid: string;
  node?: string | null;
  gpus?: string;
  startedAt: string;
  completedAt?: string | null;
  exitCode?: number | null;
  reason?: string | null;
  message?: string | null;
}

export interface ActivityEvent {
  id: string;
  workloadId?: string | null;
  at: string;
  type: "Normal" | "Warning" | string;
  reason: string;
  message: string;
  object?: { kind: string; name: string } | null;
  count?: number;
}

export interface EnvironmentVariable {
  name: string;
  value?: string;
}

/** The `spec` of a training submission: Run:ai's fields, as far as the form sets them. */
export interface TrainingSpec {
  image?: string;
  command?: string | null;
  args?: string | null;
  workingDir?: string | null;
  environmentVariables?: EnvironmentVariable[];
  priorityClass?: string | null;
  preemptibility?: string | null;
  backoffLimit?: number | null;
  annotations?: { name: string; value: string }[];
  completions?: number | null;
  parallelism?: number | null;
  compute?: {
    gpuDevicesRequest?: number | null;
    gpuRequestType?: string | null;
    gpuPortionRequest?: number | null;
    gpuMemoryRequest?: string | null;
    cpuCoreRequest?: number | null;
    cpuMemoryRequest?: string | null;
    cpuCoreLimit?: number | null;
    cpuMemoryLimit?: string | null;
  };
}

export interface Submission {
  name?: string;
  projectId: string;
  clusterId: string;
  spec: TrainingSpec;
}

export interface TimelineEntry {
  phase: Phase;
  at: string;
  message?: string | null;
}

export interface WorkloadDetail extends Workload {
  pods?: WorkloadPod[];
  runs?: PastRun[];
  gpuEnforcement?: string | null;
  limits?: { cpu?: string; memory?: string } | null;
  devices?: string | null;
  events?: ActivityEvent[];
  spec?: TrainingSpec;
  timeline?: TimelineEntry[];
}

export interface Share {
  quota: number | null;
  limit: number | null;
  weight: number | null;
  fairShare: number | null;
  allocated: number;
  allocatedNonPreemptible?: number;
  requested: number;
}

export interface Project {
  id: string;
  name: string;
  department: string;
  color: number;
  members?: string[];
  gpu: Share;
  createdAt?: string;
  warning?: string | null;
}

export interface Holder {
  workloadId: string;
  workload: string;
  project: string;
  pod: string;
  milli: number;
  memoryMib?: number;
  overQuota?: boolean;
  leaving?: boolean;
}

export interface Device {
  index: number;
  uuid: string;
  model: string;
  memoryMib?: number;
  healthy?: boolean;
  simulated?: boolean;
  utilization?: number | null;
  memoryUsedMib?: number | null;
  temperature?: number | null;
  power?: number | null;
  holders: Holder[];
  next?: { workload: string; workloadId: string; project: string } | null;
}

export interface Node {
  name: string;
  ready: boolean;
  unschedulable?: boolean;
  pool?: string;
  labels?: Record<string, string>;
  simulated?: boolean;
  runtime?: string;
  cpu?: { capacity: number; allocated: number };
  memory?: { capacity: number; allocated: number };
  createdAt?: string;
  devices: Device[];
}

export interface Me {
  name: string;
  admin: boolean;
  mode: "user" | "root";
  via: string;
  projects: string[];
  machine: { host: string; dataFolder?: string; version: string; simulated: boolean; startedAt?: string };
}

export interface Plan {
  startsNow: boolean;
  node?: string | null;
  devices?: { node?: string; index: number; uuid?: string; milli?: number }[] | null;
  displaced?: { workload: string; project: string; gpus: number }[];
  verdict?: Verdict | null;
}

export interface Department {
  id: string;
  name: string;
  resources?: {
    nodePool?: { name?: string };
    gpu?: { deserved?: number | null; limit?: number | null; overQuotaWeight?: number | null };
  }[];
}
