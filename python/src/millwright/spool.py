"""What could not be sent, kept on disk in order.

    queue.jsonl    an operation a line; a line is written whole and synced, or cut off by the next writer
    position       bytes of the queue that were sent
    files/<sha256> contents of artifacts that wait
    runs.json      ids that runs and models got from the server, by the ids that they were given while it was away
    mlflow/        what mlflow logged meanwhile: see offline.py
    refused.jsonl  operations to which the server said no, with its reason, and those that found the spool full
    refused/       contents of the artifacts among them

Processes on one machine share a spool; a lock on the folder lets one at a time write or send.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Callable, Iterator, Optional

from .errors import Refused, SpoolFull
from .server import encode

Operation = dict[str, Any]


@dataclass(frozen=True)
class Flushed:
    """``sent`` operations arrived, ``refused`` ones the server did not want: ``refused.jsonl`` in the spool says why."""

    sent: int = 0
    refused: int = 0


class Spool:
    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self._queue = folder / "queue.jsonl"
        self._position = folder / "position"
        self._files = folder / "files"
        self._runs = folder / "runs.json"

    def is_empty(self) -> bool:
        return not self._queue.exists()

    def count(self) -> int:
        """Operations that wait."""
        with self._locked():
            return sum(1 for _ in self._waiting())

    def append(self, operation: Operation, file: Optional[Path] = None) -> None:
        """Keeps an operation, and a copy of the file that goes with it, on disk before it returns.

        Raises ``SpoolFull``; that is written to ``refused.jsonl``, too.
        """
        with self._locked():
            bytes_more = file.stat().st_size if file else 0
            line = encode(operation) + b"\n"
            if self._bytes() + len(line) + bytes_more > self.max_bytes:
                full = SpoolFull(
                    f"{self.folder} would take more than {self.max_bytes} bytes (MILLWRIGHT_SPOOL_BYTES); "
                    f"dropped: {operation['operation']}"
                )
                self._refuse({"operation": operation["operation"]}, "SPOOL_FULL", str(full))
                raise full
            if file:
                line = encode({**operation, "file": self._keep(file)}) + b"\n"
            with open(self._queue, "ab") as queue:
                queue.truncate(self._whole_bytes())
                queue.write(line)
                _sync(queue)

    def drain(self, send: Callable[[Operation], None]) -> Flushed:
        """Sends what waits, oldest first. What ``send`` refuses is put aside; any other error of it ends the draining,
        and the next begins with the same operation."""
        if self.is_empty():
            return Flushed()
        sent = refused = 0
        with self._locked():
            for end, line in self._waiting():
                fault = self._send(line, send)
                sent, refused = sent + (not fault), refused + fault
                self._write(self._position, str(end))
            self._queue.unlink(missing_ok=True)
            self._position.unlink(missing_ok=True)
            shutil.rmtree(self._files, ignore_errors=True)
        return Flushed(sent, refused)

    def _send(self, line: bytes, send: Callable[[Operation], None]) -> bool:
        """Whether the operation of a line was put aside, with its file."""
        try:
            operation: Operation = json.loads(line)
        except ValueError:
            self._refuse({"line": line.decode("utf-8", "replace")}, "SPOOL_DAMAGED", "the line is no JSON")
            return True
        try:
            send(operation)
            return False
        except Refused as error:
            copy = self._files / operation.get("file", "none")
            if copy.is_file():
                (self.folder / "refused").mkdir(exist_ok=True)
                shutil.copyfile(copy, self.folder / "refused" / copy.name)
            self._refuse(operation, error.code, str(error))
            return True

    def path_of(self, file: str) -> Path:
        """Where the copy of a file lies."""
        return self._files / file

    def run_id(self, given: str) -> str:
        """The server's id of a run, or of a logged model."""
        return str(self._read_runs().get(given, given))

    def name_run(self, given: str, run_id: str) -> None:
        self._write(self._runs, json.dumps({**self._read_runs(), given: run_id}))

    def _read_runs(self) -> dict[str, str]:
        return json.loads(self._runs.read_text()) if self._runs.exists() else {}

    def _waiting(self) -> Iterator[tuple[int, bytes]]:
        """Each whole line after the position, and where it ends."""
        if self.is_empty():
            return
        with open(self._queue, "rb") as queue:
            position = int(self._position.read_text()) if self._position.exists() else 0
            queue.seek(position)
            for line in queue:
                position += len(line)
                if line.endswith(b"\n"):
                    yield position, line

    def _whole_bytes(self) -> int:
        """Bytes of the queue up to the end of its last whole line: a writer may have been killed within one."""
        if self.is_empty():
            return 0
        with open(self._queue, "rb") as queue:
            end = queue.seek(0, os.SEEK_END)
            while end > 0:
                start = max(0, end - (1 << 16))
                queue.seek(start)
                newline = queue.read(end - start).rfind(b"\n")
                if newline >= 0:
                    return start + newline + 1
                end = start
        return 0

    def _keep(self, file: Path) -> str:
        self._files.mkdir(exist_ok=True)
        digest = hashlib.sha256()
        with tempfile.NamedTemporaryFile(dir=self._files, delete=False) as copy, open(file, "rb") as source:
            for block in iter(lambda: source.read(1 << 20), b""):
                digest.update(block)
                copy.write(block)
            _sync(copy)
        os.replace(copy.name, self.path_of(digest.hexdigest()))
        return digest.hexdigest()

    def _refuse(self, operation: Operation, code: str, message: str) -> None:
        with open(self.folder / "refused.jsonl", "ab") as refused:
            refused.write(encode({"code": code, "message": message, **operation}) + b"\n")
            _sync(refused)

    def _bytes(self) -> int:
        files = self._files.iterdir() if self._files.exists() else []
        queue = [] if self.is_empty() else [self._queue]
        return sum(path.stat().st_size for path in [*files, *queue])

    def _write(self, path: Path, text: str) -> None:
        """Either the old content or the new one, whatever happens."""
        temporary = path.with_name(f"{path.name}.{os.getpid()}")
        with open(temporary, "w") as file:
            file.write(text)
            _sync(file)
        os.replace(temporary, path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(self.folder / "lock", "a") as file:
            lock(file)
            yield  # closing the file ends the lock


def _sync(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


try:
    import fcntl

    def lock(file: IO[str], wait: bool = True) -> None:
        """Until the file is closed, or its process ends. Raises ``OSError`` when it would have to wait and shall not."""
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))

except ImportError:  # Windows
    import msvcrt

    def lock(file: IO[str], wait: bool = True) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
