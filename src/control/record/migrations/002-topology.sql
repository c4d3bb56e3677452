-- Network topologies: levels are a JSON list of node label keys, widest first.
CREATE TABLE topology (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  levels TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL
) STRICT;
