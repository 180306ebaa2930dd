from __future__ import annotations

import os
import socket
import unittest

import millwright
from tests.support import SERVER, Case, needs_server

ROW = {"days_since_last_order": 45, "total_orders": 12, "lifetime_value": 567.89, "email_open_rate": 0.35}


class UnreachableTest(Case):
    def test_says_which_server_did_not_answer_and_what_to_look_at(self) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            os.environ["MILLWRIGHT_URL"] = f"http://127.0.0.1:{unused.getsockname()[1]}"

            with self.assertRaisesRegex(millwright.Unreachable, "does not answer .* MILLWRIGHT_URL"):
                millwright.predict("churn", ROW)

    def test_an_address_that_is_none_is_named(self) -> None:
        os.environ["MILLWRIGHT_URL"] = "localhost:7600"

        with self.assertRaisesRegex(millwright.NotConfigured, "MILLWRIGHT_URL is 'localhost:7600'"):
            millwright.predict("churn", ROW)


@needs_server
class PredictTest(Case):
    def setUp(self) -> None:
        super().setUp()
        os.environ["MILLWRIGHT_URL"] = SERVER

    def test_a_row_has_its_prediction(self) -> None:
        answer = millwright.predict("churn", ROW)

        self.assertEqual(answer["prediction"], 0)
        self.assertAlmostEqual(sum(answer["probabilities"].values()), 1.0)

    def test_rows_are_answered_in_their_order_and_a_bad_one_alone(self) -> None:
        bad = {**ROW, "total_orders": "many"}

        answers = millwright.predict("churn", [ROW, bad, ROW], outputs=["predict_log_proba"])

        self.assertEqual([("error" in answer) for answer in answers], [False, True, False])
        self.assertEqual(answers[0]["probabilities"], answers[2]["probabilities"])
        self.assertIn("predict_log_proba", answers[0]["outputs"])

    def test_a_frame_is_sent_by_columns(self) -> None:
        try:
            import pandas
        except ImportError:
            self.skipTest("pandas is not installed")
        frame = pandas.DataFrame([ROW, {**ROW, "days_since_last_order": 300}])

        answers = millwright.predict("churn", frame, subject="ana")

        alone = [millwright.predict("churn", row) for row in frame.to_dict("records")]
        self.assertEqual([a["probabilities"] for a in answers], [a["probabilities"] for a in alone])

    def test_a_refusal_carries_the_problem_document(self) -> None:
        with self.assertRaises(millwright.Refused) as caught:
            millwright.predict("churn", {**ROW, "total_orders": "many"})

        refused = caught.exception
        self.assertEqual((refused.status, refused.code), (400, "VALIDATION_FAILED"))
        self.assertEqual(refused.fields[0]["pointer"], "/row/total_orders")
        self.assertIn("total_orders", str(refused))
        self.assertTrue(refused.request_id)

    def test_a_deployment_that_is_not_there(self) -> None:
        with self.assertRaises(millwright.Refused) as caught:
            millwright.predict("no/such", ROW)

        self.assertEqual(caught.exception.code, "DEPLOYMENT_NOT_FOUND")


if __name__ == "__main__":
    unittest.main()
