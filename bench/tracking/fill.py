"""fill.py DATABASE RUNS: runs with 10 metrics and 10 params each in an empty SQLite file of MLflow's, as servers.ts fills ours."""

import math
import sqlite3
import sys

database, runs = sqlite3.connect(sys.argv[1]), range(int(sys.argv[2]))
KEYS = range(10)


def insert(table, columns, rows):
    signs = ", ".join("?" * len(columns.split(",")))
    database.executemany(f"insert into {table} ({columns}) values ({signs})", rows)


ids = [f"{index:032d}" for index in runs]
insert("experiments", "experiment_id, name, artifact_location, lifecycle_stage, creation_time, last_update_time",
       [(0, "Default", "mlflow-artifacts:/0", "active", 1, 1)])
insert("runs", "run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time, source_version, "
       "lifecycle_stage, artifact_uri, experiment_id",
       ((ids[i], f"run-{i}", "UNKNOWN", "", "", "u", "RUNNING", i, "", "active", f"mlflow-artifacts:/0/{ids[i]}/artifacts", 0) for i in runs))
insert("tags", "key, value, run_uuid", (("mlflow.runName", f"run-{i}", ids[i]) for i in runs))
insert("params", "key, value, run_uuid", ((f"p{k}", str(i * (k + 3) % 17), ids[i]) for i in runs for k in KEYS))
for table in ("metrics", "latest_metrics"):
    insert(table, "key, value, timestamp, run_uuid, step, is_nan", ((f"m{k}", math.sin(i * (k + 1)), 1, ids[i], 0, 0) for i in runs for k in KEYS))
database.commit()
