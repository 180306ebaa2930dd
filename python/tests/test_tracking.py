from __future__ import annotations

import math
import os
import time
import unittest
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import millwright
from millwright import delivery
from millwright.delivery import open_spool
from millwright.server import MLFLOW, Server
from millwright.settings import load_settings
from tests.support import TRACKING, Case, needs_artifacts, needs_registry, needs_tracking


CHURN_MODEL = Path(__file__).parents[2] / "examples/churn/models/churn_model_v2.pkl"


@needs_tracking
class RunTest(Case):
    def setUp(self) -> None:
        super().setUp()
        self.relay = self.behind_relay(TRACKING)
        self.experiment = f"python-{uuid.uuid4().hex[:8]}"

    def runs(self) -> list[dict[str, Any]]:
        server = Server(load_settings())
        found = server.get(f"{MLFLOW}/experiments/get-by-name", {"experiment_name": self.experiment})
        ids = [found["experiment"]["experiment_id"]]
        answer = server.post(f"{MLFLOW}/runs/search", {"experiment_ids": ids, "max_results": 100})
        return answer.get("runs", [])

    def train(self, losses: int = 3) -> millwright.Run:
        with millwright.start_run(self.experiment, name="nightly") as run:
            run.log_params({"trees": 20, "depth": 10})
            for step in range(losses):
                run.log_metric("loss", 1 / (step + 1), step)
            run.log_metrics({"roc_auc": 0.86, "odd": math.nan})
            run.set_tags({"team": "crm"})
            run.log_dataset([{"age": 40, "income": 1.5}], name="customers")
        return run

    def assert_whole(self, run: dict[str, Any]) -> None:
        data = run["data"]
        self.assertEqual(run["info"]["status"], "FINISHED")
        self.assertEqual({p["key"]: p["value"] for p in data["params"]}, {"trees": "20", "depth": "10"})
        metrics = {metric["key"]: metric["value"] for metric in data["metrics"]}
        self.assertEqual((metrics["roc_auc"], metrics["odd"]), (0.86, "NaN"))
        self.assertEqual({t["key"]: t["value"] for t in data["tags"]}["team"], "crm")
        server = Server(load_settings())
        query = {"run_id": run["info"]["run_id"], "metric_key": "loss", "max_results": "100"}
        history = server.get(f"{MLFLOW}/metrics/get-history", query)["metrics"]
        self.assertEqual(sorted(metric["step"] for metric in history), [0, 1, 2])
        (entry,) = server.get(f"{MLFLOW}/runs/get", {"run_id": query["run_id"]})["run"]["inputs"]["dataset_inputs"]
        self.assertEqual(entry["dataset"]["name"], "customers")

    def test_a_run_arrives_whole(self) -> None:
        run = self.train()

        (found,) = self.runs()
        self.assertEqual(found["info"]["run_id"], run.run_id)
        self.assert_whole(found)

    def test_a_run_logged_while_the_server_is_away_arrives_later_whole_and_once(self) -> None:
        self.relay.cut()
        with self.assertLogs("millwright", "WARNING"):
            self.train()
        self.relay.join()

        flushed = millwright.flush()

        self.assertEqual((flushed.refused, open_spool().count()), (0, 0))
        (found,) = self.runs()
        self.assert_whole(found)
        self.assertEqual(millwright.flush().sent, 0)

    def test_the_next_call_that_gets_through_sends_what_waits_first(self) -> None:
        self.relay.cut()
        run = millwright.start_run(self.experiment)
        run.log_params({"trees": 20})
        self.relay.join()
        delivery._away_until.clear()

        run.log_params({"depth": 10})

        self.assertEqual(open_spool().count(), 0)
        (found,) = self.runs()
        self.assertEqual({p["key"] for p in found["data"]["params"]}, {"trees", "depth"})

    def test_a_server_that_goes_away_in_the_middle_of_a_run(self) -> None:
        run = millwright.start_run(self.experiment)
        run.log_metric("loss", 0.5, 0)
        self.relay.cut()
        run.log_metric("loss", 0.4, 1)
        run.end()
        self.relay.join()

        millwright.flush()

        (found,) = self.runs()
        self.assertEqual((found["info"]["run_id"], found["info"]["status"]), (run.run_id, "FINISHED"))
        self.assertEqual([metric["value"] for metric in found["data"]["metrics"]], [0.4])

    def test_sending_a_spool_twice_makes_one_run(self) -> None:
        self.relay.cut()
        millwright.start_run(self.experiment).log_metric("loss", 0.5)
        queue = open_spool().folder / "queue.jsonl"
        content = queue.read_bytes()
        self.relay.join()
        millwright.flush()
        queue.write_bytes(content)  # as if the program had ended before it noted what was sent

        millwright.flush()

        self.assertEqual(len(self.runs()), 1)

    def test_calls_do_not_wait_for_a_server_that_was_just_found_away(self) -> None:
        self.relay.cut()
        run = millwright.start_run(self.experiment)
        started = time.monotonic()

        for step in range(50):
            run.log_metric("loss", 1.0, step)

        self.assertLess(time.monotonic() - started, 2.0)
        self.assertEqual(open_spool().count(), 51)

    def test_what_the_server_refuses_is_said_at_once_when_it_is_there(self) -> None:
        run = millwright.start_run(self.experiment)
        run.log_params({"trees": 20})

        with self.assertRaisesRegex(millwright.Refused, "trees"):
            run.log_params({"trees": 21})

    @needs_artifacts
    def test_files_arrive_at_once_or_later_as_they_were(self) -> None:
        file = Path(self.folder) / "roc curve.txt"
        run = millwright.start_run(self.experiment)
        file.write_text("now")
        run.log_artifact(file)
        self.relay.cut()
        file.write_text("later")
        run.log_artifact(file, "reports/march")
        file.unlink()
        self.relay.join()

        millwright.flush()

        with urllib.request.urlopen(f"{self.relay.url}/get-artifact?run_id={run.run_id}&path=roc%20curve.txt") as now:
            self.assertEqual(now.read(), b"now")
        path = "reports/march/roc%20curve.txt"
        with urllib.request.urlopen(f"{self.relay.url}/get-artifact?run_id={run.run_id}&path={path}") as later:
            self.assertEqual(later.read(), b"later")

    @needs_registry
    def test_what_production_scores_is_what_its_run_scored(self) -> None:
        model = self.experiment
        run = millwright.start_run(self.experiment)
        run.log_metrics({"val_auc": 0.5, "auc": 0.84})
        server = Server(load_settings())
        upload = server.call("PUT", "/api/v1/uploads", CHURN_MODEL.read_bytes(), "application/octet-stream")
        version = {"digest": upload["digest"], "run_id": run.run_id}
        server.post(f"/api/v1/models/{model}/versions", version)
        before = millwright.get_production_model_auc(model=model)
        server.post(f"{MLFLOW}/registered-models/alias", {"name": model, "alias": "production", "version": "1"})

        self.assertEqual(before, 0.0)
        self.assertEqual(millwright.get_production_model_auc(model=model), 0.84)
        self.assertEqual(millwright.get_production_model_auc(model=model, metric="val_auc"), 0.5)
        self.assertTrue(math.isnan(millwright.get_production_model_auc(model=model, metric="gini")))

    @needs_registry
    def test_a_model_that_nobody_knows_compares_with_zero(self) -> None:
        self.assertEqual(millwright.get_production_model_auc(model="nobody-has-it"), 0.0)

    def test_what_production_scores_is_not_known_while_the_server_is_away(self) -> None:
        self.relay.cut()

        self.assertTrue(math.isnan(millwright.get_production_model_auc(model="churn")))

    def test_equal_rows_have_equal_digests_wherever_they_lie(self) -> None:
        run = millwright.start_run(self.experiment)
        rows = [{"age": 40, "income": 1.5}, {"age": 41, "income": 2.0}]
        paths = [Path(self.folder) / name for name in ("a.csv", "b.csv")]
        for path in paths:
            path.write_text("age,income\n40,1.5\n41,2.0\n")

        digests = {millwright.log_dataset(data, run_id=run.run_id) for data in [rows, *map(str, paths)]}

        self.assertEqual(len(digests), 1)


class NotConfiguredTest(Case):
    def test_the_variable_to_set_is_named(self) -> None:
        os.environ.pop("MILLWRIGHT_MODEL", None)
        for call, variable in [
            (millwright.load_data_from_warehouse, "MILLWRIGHT_DATASET"),
            (millwright.get_production_model_auc, "MILLWRIGHT_MODEL"),
            (millwright.promote_to_production, "MILLWRIGHT_MODEL"),
        ]:
            with self.subTest(variable), self.assertRaisesRegex(millwright.NotConfigured, variable):
                call()


if __name__ == "__main__":
    unittest.main()
