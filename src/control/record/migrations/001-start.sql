-- Times are milliseconds since 1970 UTC; columns of JSON hold text.

CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;

CREATE TABLE department (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  settings TEXT NOT NULL DEFAULT '{}',  -- description, schedulingRules, defaultNodePools, nodeTypes
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  updated_by TEXT NOT NULL
) STRICT;

CREATE TABLE project (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  department_id TEXT NOT NULL REFERENCES department (id),
  namespace TEXT NOT NULL UNIQUE,
  color INTEGER NOT NULL,
  settings TEXT NOT NULL DEFAULT '{}',  -- as of a department, and enforceRunaiScheduler
  deleting INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  updated_by TEXT NOT NULL
) STRICT;

-- What a department or project may have of one node pool. NULL is unlimited (quota, limit) or "not said" (weight, rank).
CREATE TABLE quota (
  unit_id TEXT NOT NULL,
  pool TEXT NOT NULL,
  gpu_quota REAL NOT NULL,
  gpu_limit REAL,
  gpu_weight REAL,
  cpu_quota REAL,
  cpu_limit REAL,
  cpu_weight REAL,
  memory_quota REAL,
  memory_limit REAL,
  memory_weight REAL,
  memory_units TEXT NOT NULL DEFAULT 'Mib',
  rank TEXT,
  PRIMARY KEY (unit_id, pool)
) STRICT;

CREATE TABLE member (
  project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  user TEXT NOT NULL,
  PRIMARY KEY (project_id, user)
) STRICT;

-- The next n of generated names; outlives its project, so that a name never comes twice.
CREATE TABLE name_counter (
  project TEXT PRIMARY KEY,
  next INTEGER NOT NULL
) STRICT;

-- Names of project and department stand here as well, since a deleted workload outlives both.
CREATE TABLE workload (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  requested_name TEXT NOT NULL,
  project_id TEXT NOT NULL,
  project TEXT NOT NULL,
  department_id TEXT NOT NULL,
  department TEXT NOT NULL,
  namespace TEXT NOT NULL,
  submitted_by TEXT NOT NULL,
  uid INTEGER,
  gid INTEGER,
  source TEXT NOT NULL,
  spec TEXT NOT NULL,
  timeout TEXT NOT NULL DEFAULT '',
  desired TEXT NOT NULL,  -- Running | Stopped | Deleted
  phase TEXT NOT NULL,
  phase_reason TEXT NOT NULL DEFAULT '',
  phase_message TEXT NOT NULL DEFAULT '',
  phase_at INTEGER NOT NULL,
  exit_code INTEGER,
  restarts INTEGER NOT NULL DEFAULT 0,
  started_at INTEGER,
  completed_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  deleted_at INTEGER,
  last_fact TEXT  -- the newest fact of a workload that has ended or gone
) STRICT;

CREATE UNIQUE INDEX workload_live_name ON workload (project_id, name) WHERE deleted_at IS NULL;

CREATE TABLE phase_change (
  workload_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  phase TEXT NOT NULL,
  message TEXT NOT NULL
) STRICT;

CREATE INDEX phase_change_workload ON phase_change (workload_id, at);

-- What the cluster has still to apply, in order. Rows go when the cluster says that it has.
CREATE TABLE outbox (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  key TEXT NOT NULL,  -- id of the workload, department or project
  remove INTEGER NOT NULL,
  object TEXT NOT NULL
) STRICT;

-- Access tokens and sessions, as SHA-256 of the secret.
CREATE TABLE token (
  hash TEXT PRIMARY KEY,
  kind TEXT NOT NULL,  -- access | session
  name TEXT NOT NULL,
  uid INTEGER,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  caller TEXT NOT NULL,
  action TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  details TEXT NOT NULL
) STRICT;

CREATE INDEX audit_at ON audit (at);
