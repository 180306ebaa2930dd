"""What the tests share: the server under test, a relay before it that can be cut, and folders of their own."""

from __future__ import annotations

import os
import select
import socket
import socketserver
import tempfile
import threading
import unittest
import urllib.error
import urllib.request
from typing import Callable, Optional, TypeVar
from urllib.parse import urlsplit

_T = TypeVar("_T")

#: A running Millwright with the churn example.
SERVER = os.environ.get("MILLWRIGHT_TEST_URL", "")
#: A server that speaks MLflow's protocol; a real MLflow server shows that the protocol is spoken as it speaks it.
TRACKING = os.environ.get("MILLWRIGHT_TEST_TRACKING_URL") or SERVER

needs_server = unittest.skipUnless(SERVER, "MILLWRIGHT_TEST_URL names no server")


def _answers(path: str, *words: bytes) -> bool:
    """Whether the server knows an address: it answers with 200, or refuses in the protocol's own words."""
    try:
        urllib.request.urlopen(f"{TRACKING}/api/2.0/{path}").close()
    except urllib.error.HTTPError as error:
        with error:
            content = error.read()
            return any(word in content for word in words)
    except (OSError, ValueError):
        return False
    return True


def _needs(what: str, path: str, *words: bytes) -> Callable[[_T], _T]:
    return unittest.skipUnless(_answers(path, *words), f"{TRACKING or 'no server'} has no {what}")


needs_tracking = _needs("runs", "mlflow/experiments/get-by-name?experiment_name=none", b"RESOURCE_DOES_NOT_EXIST")
needs_artifacts = _needs("artifacts", "mlflow-artifacts/artifacts?path=")
needs_registry = _needs("registered models", "mlflow/registered-models/get?name=none", b"RESOURCE_DOES_NOT_EXIST")


class _Forward(socketserver.BaseRequestHandler):
    target: tuple[str, int]

    def handle(self) -> None:
        with socket.create_connection(self.target) as there:
            ends = [self.request, there]
            while True:
                for end in select.select(ends, [], [])[0]:
                    content = end.recv(1 << 16)
                    if not content:
                        return
                    ends[1 - ends.index(end)].sendall(content)


class _Relays(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class Relay:
    """Passes bytes on to a server, under one address that can be cut and joined again."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._forward = type("Forward", (_Forward,), {"target": (parts.hostname, parts.port)})
        self._relays: Optional[_Relays] = None
        self.port = 0
        self.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def join(self) -> None:
        self._relays = _Relays(("127.0.0.1", self.port), self._forward)
        self.port = self._relays.server_address[1]
        threading.Thread(target=self._relays.serve_forever, daemon=True).start()

    def cut(self) -> None:
        if self._relays:
            self._relays.shutdown()
            self._relays.server_close()
            self._relays = None


class Case(unittest.TestCase):
    """A test with a spool and an environment of its own."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        before = dict(os.environ)
        self.addCleanup(lambda: (os.environ.clear(), os.environ.update(before)))
        os.environ["MILLWRIGHT_SPOOL"] = os.path.join(self.folder, "spool")

    def behind_relay(self, url: str) -> Relay:
        relay = Relay(url)
        self.addCleanup(relay.cut)
        os.environ["MILLWRIGHT_URL"] = relay.url
        return relay
