from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

from millwright.errors import Refused, SpoolFull, Unreachable
from millwright.spool import Spool
from tests.support import Case


def numbered(*numbers: int) -> list[dict]:
    return [{"operation": "log_batch", "number": number} for number in numbers]


class SpoolTest(Case):
    def spool(self, max_bytes: int = 1 << 20) -> Spool:
        return Spool(Path(self.folder) / "spool", max_bytes)

    def test_sends_in_the_order_of_appending_and_is_empty_afterwards(self) -> None:
        spool, sent = self.spool(), []
        for operation in numbered(1, 2, 3):
            spool.append(operation)

        flushed = spool.drain(sent.append)

        self.assertEqual(sent, numbered(1, 2, 3))
        self.assertEqual((flushed.sent, flushed.refused, spool.count()), (3, 0, 0))
        self.assertTrue(spool.is_empty())

    def test_a_drain_that_is_cut_goes_on_with_the_operation_that_failed(self) -> None:
        spool, sent = self.spool(), []
        for operation in numbered(1, 2, 3):
            spool.append(operation)

        def send_until_two(operation: dict) -> None:
            if operation["number"] == 2:
                raise Unreachable("away")
            sent.append(operation)

        with self.assertRaises(Unreachable):
            spool.drain(send_until_two)
        spool.append(numbered(4)[0])
        spool.drain(sent.append)

        self.assertEqual(sent, numbered(1, 2, 3, 4))

    def test_what_is_refused_is_put_aside_with_its_reason_and_stops_nothing(self) -> None:
        spool, sent = self.spool(), []
        for operation in numbered(1, 2):
            spool.append(operation)

        def refuse_one(operation: dict) -> None:
            if operation["number"] == 1:
                raise Refused(400, {"code": "VALIDATION_FAILED", "detail": "no such key"})
            sent.append(operation)

        flushed = spool.drain(refuse_one)

        self.assertEqual((flushed.sent, flushed.refused), (1, 1))
        aside = [json.loads(line) for line in (spool.folder / "refused.jsonl").read_text().splitlines()]
        self.assertEqual([(line["number"], line["code"]) for line in aside], [(1, "VALIDATION_FAILED")])
        self.assertEqual(sent, numbered(2))

    def test_a_line_that_was_cut_off_by_a_crash_is_left_out(self) -> None:
        spool, sent = self.spool(), []
        spool.append(numbered(1)[0])
        with open(spool.folder / "queue.jsonl", "ab") as queue:
            queue.write(b'{"operation":"log_ba')

        spool.append(numbered(2)[0])
        spool.drain(sent.append)

        self.assertEqual(sent, numbered(1, 2))

    def test_a_damaged_line_stops_nothing(self) -> None:
        spool, sent = self.spool(), []
        for operation in numbered(1, 2, 3):
            spool.append(operation)
        queue = spool.folder / "queue.jsonl"
        queue.write_bytes(queue.read_bytes().replace(b'"number":2', b'"numb\xff'))

        flushed = spool.drain(sent.append)

        self.assertEqual((sent, flushed.sent, flushed.refused), (numbered(1, 3), 2, 1))
        self.assertIn("SPOOL_DAMAGED", (spool.folder / "refused.jsonl").read_text())

    def test_the_file_of_what_is_refused_is_kept(self) -> None:
        spool = self.spool()
        file = Path(self.folder) / "roc.png"
        file.write_bytes(b"picture")
        spool.append({"operation": "log_artifact"}, file)

        def refuse(_: dict) -> None:
            raise Refused(404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Run not found"})

        spool.drain(refuse)

        self.assertEqual([kept.read_bytes() for kept in (spool.folder / "refused").iterdir()], [b"picture"])

    def test_the_limit_counts_files_and_says_what_was_dropped(self) -> None:
        spool = self.spool(max_bytes=1000)
        file = Path(self.folder) / "model.bin"
        file.write_bytes(b"x" * 900)
        spool.append({"operation": "log_artifact"}, file)

        with self.assertRaisesRegex(SpoolFull, "MILLWRIGHT_SPOOL_BYTES"):
            spool.append({"operation": "log_artifact", "path": "y" * 100}, file)

        self.assertEqual(spool.count(), 1)
        self.assertIn("SPOOL_FULL", (spool.folder / "refused.jsonl").read_text())

    def test_a_file_is_sent_as_it_was_when_it_was_logged(self) -> None:
        spool, sent = self.spool(), []
        file = Path(self.folder) / "plot.txt"
        file.write_text("first")
        spool.append({"operation": "log_artifact"}, file)
        file.write_text("second")

        spool.drain(lambda operation: sent.append(spool.path_of(operation["file"]).read_text()))

        self.assertEqual(sent, ["first"])

    def test_nothing_that_was_appended_is_lost_by_kill(self) -> None:
        spool = self.spool(max_bytes=1 << 30)
        code = (
            "import sys; from pathlib import Path; from millwright.spool import Spool\n"
            f"spool = Spool(Path({str(spool.folder)!r}), 1 << 30)\n"
            "for number in range(10**9):\n"
            "    spool.append({'operation': 'log_batch', 'number': number}); print(number, flush=True)\n"
        )
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=dict(os.environ))
        time.sleep(0.5)
        child.send_signal(signal.SIGKILL)
        said = child.communicate()[0].split()
        sent: list[dict] = []

        spool.drain(sent.append)

        self.assertGreater(len(said), 0)
        self.assertGreaterEqual(len(sent), len(said))
        self.assertEqual(sent, numbered(*range(len(sent))))


if __name__ == "__main__":
    unittest.main()
