"""Errors a caller can meet. All are ``MillwrightError``."""

from __future__ import annotations

from typing import Any, Mapping, Optional


class MillwrightError(Exception):
    """Base of all errors of this package."""


class NotConfigured(MillwrightError):
    """Something that only the user can say was not said; the message names the variable to set."""


class Unreachable(MillwrightError):
    """The server did not answer, or answered that it cannot now (429, 502, 503, 504). The same call may succeed later."""

    def __init__(self, message: str, retry_after: Optional[float] = None) -> None:
        super().__init__(message)
        #: Seconds that the server asked to wait.
        self.retry_after = retry_after


class SpoolFull(MillwrightError):
    """The spool has reached its limit of bytes."""


class Refused(MillwrightError):
    """The server answered, and its answer is no. ``problem`` is its whole document."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = dict(problem)
        #: ``PROMOTION_REFUSED``, ``VALIDATION_FAILED``, ``RESOURCE_DOES_NOT_EXIST`` …
        self.code: str = str(problem.get("code") or problem.get("error_code") or f"HTTP_{status}")
        self.request_id: Optional[str] = problem.get("request_id")
        super().__init__(_sentence(self.code, problem))

    @property
    def fields(self) -> list[dict[str, Any]]:
        """What is wrong where: ``pointer``, ``code`` and ``message`` of each."""
        errors = self.problem.get("errors")
        return errors if isinstance(errors, list) else []


class PromotionRefused(Refused):
    """A rule of the model does not hold for the version; ``fields`` has one entry for each, with what was seen and wanted."""


def refusal(status: int, problem: Mapping[str, Any]) -> Refused:
    kind = PromotionRefused if problem.get("code") == "PROMOTION_REFUSED" else Refused
    return kind(status, problem)


def _sentence(code: str, problem: Mapping[str, Any]) -> str:
    detail = str(problem.get("detail") or problem.get("message") or "the server gave no reason")
    errors = problem.get("errors")
    messages = [str(error.get("message")) for error in errors] if isinstance(errors, list) else []
    more = [message for message in messages if message not in detail]
    return ": ".join([code, "; ".join([detail, *more])])
