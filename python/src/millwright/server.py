"""One call of the server: bytes out, JSON in, or one of two errors."""

from __future__ import annotations

import http.client
import json
import random
import time
import urllib.error
import urllib.request
from typing import Any, BinaryIO, Mapping, Optional, Union
from urllib.parse import quote, urlencode

from .errors import Unreachable, refusal
from .settings import Settings

#: The server cannot now: its own word (429, 503) or a proxy's.
_NOT_NOW = frozenset({429, 502, 503, 504})
MLFLOW = "/api/2.0/mlflow"
_ATTEMPTS = 3
_LONGEST_WAIT = 10.0

Body = Union[bytes, BinaryIO, None]


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A key is sent to the host it was meant for, and to no other."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects())


class Server:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def get(self, path: str, query: Optional[Mapping[str, str]] = None) -> Any:
        return self.call("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, body: Any, retry: bool = True) -> Any:
        return self.call("POST", path, encode(body), retry=retry)

    def is_up(self) -> bool:
        try:
            self.call("GET", "/health", retry=False)
        except Unreachable:
            return False
        return True

    def call(
        self,
        method: str,
        path: str,
        body: Body = None,
        content_type: str = "application/json",
        retry: bool = True,
    ) -> Any:
        """The answer's JSON. ``retry``: sending it twice does no more than sending it once.

        Raises ``Unreachable`` or ``Refused``.
        """
        attempts = _ATTEMPTS if retry else 1
        for attempt in range(1, attempts + 1):
            if attempt > 1 and body is not None and not isinstance(body, bytes):
                body.seek(0)
            try:
                return self._once(method, path, body, content_type)
            except Unreachable as error:
                if attempt == attempts:
                    raise
                time.sleep(_wait(attempt, error))
        raise AssertionError("unreachable")

    def _once(self, method: str, path: str, body: Body, content_type: str) -> Any:
        request = urllib.request.Request(self.settings.url + path, data=body, method=method)
        request.add_header("accept", "application/json")
        request.add_header("user-agent", "millwright-python/0.1.0")
        request.add_header("x-millwright-user", quote(self.settings.user))
        if body is not None:
            request.add_header("content-type", content_type)
        if self.settings.api_key:
            request.add_header("authorization", f"Bearer {self.settings.api_key}")
        try:
            with _OPENER.open(request, timeout=self.settings.timeout) as response:
                return _json(response.read())
        except urllib.error.HTTPError as error:
            with error:
                answer = _json(error.read())
            problem = answer if isinstance(answer, dict) else {}
            if error.code in _NOT_NOW:
                raise _not_now(self.settings.url, error, problem) from None
            raise refusal(error.code, problem) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise Unreachable(
                f"{self.settings.url} does not answer ({reason}); is the server up, and MILLWRIGHT_URL right?"
            ) from error


def encode(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), default=_plain, allow_nan=False).encode()


def _plain(value: Any) -> Any:
    """numpy's scalars and arrays, times and dates."""
    for convert in ("item", "tolist", "isoformat"):
        if hasattr(value, convert):
            try:
                return getattr(value, convert)()
            except ValueError:  # item() of an array of several
                continue
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")


def _json(content: bytes) -> Any:
    try:
        return json.loads(content) if content else {}
    except ValueError:
        return {"detail": content[:500].decode("utf-8", "replace")}


def _not_now(url: str, error: urllib.error.HTTPError, problem: Mapping[str, Any]) -> Unreachable:
    detail = problem.get("detail") or problem.get("message") or error.reason
    after = error.headers.get("retry-after") if error.headers else None
    return Unreachable(f"{url} answers {error.code}: {detail}", float(after) if after and after.isdigit() else None)


def _wait(attempt: int, error: Unreachable) -> float:
    """Seconds before the next attempt."""
    own = 0.2 * 2**attempt * random.uniform(0.5, 1.0)
    return min(_LONGEST_WAIT, own if error.retry_after is None else error.retry_after)
