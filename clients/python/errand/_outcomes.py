"""How an attempt ended, as the JSON that Report takes."""

from __future__ import annotations

import json
import traceback
from typing import Any

from ._attempt import Attempt
from ._encoding import bytes_text, check_json, clean_text, duration_text
from .errors import Code, Permanent, RetryLater
from .models import Data

MAX_RESULT_BYTES = 16 << 20
MAX_MESSAGE = 2000  # characters
MAX_RETRY_AFTER = 366 * 86400.0  # seconds


def _outcome(attempt: Attempt, member: str) -> str:
    # Ids and tokens have no character that JSON would escape.
    return f'{{"jobId":"{attempt.job_id}","token":"{attempt.token}",{member}}}'


def released(attempt: Attempt) -> str:
    """The job goes back as if it had not been leased."""
    return _outcome(attempt, '"released":{}')


def success(attempt: Attempt, value: Any) -> str:
    """The job produced this value: JSON, bytes or Data. A failure if it is none of them."""
    try:
        return _outcome(attempt, f'"success":{{{_result(value)}}}')
    except (TypeError, ValueError) as error:
        return failure(attempt, Code.INVALID_ARGUMENT, str(error), retryable=False)


def _result(value: Any) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        value = Data(bytes(value))
    if isinstance(value, Data):
        if len(value.body) > MAX_RESULT_BYTES:
            raise ValueError(f"the result has {len(value.body)} bytes; 16 MiB are the most")
        body = {"contentType": value.content_type, "body": bytes_text(value.body)}
        return f'"data":{json.dumps(body)}'
    check_json(value, "the result")
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    if len(text) > MAX_RESULT_BYTES:
        raise ValueError(f"the result has {len(text)} characters; 16 Mi are the most")
    return f'"value":{text}'


def failure(
    attempt: Attempt,
    code: Code,
    message: str,
    *,
    retryable: bool,
    retry_after: float | None = None,
) -> str:
    """The attempt failed. `retry_after`: seconds before which none is to follow."""
    text = clean_text(message[:MAX_MESSAGE])
    body: dict[str, Any] = {"status": {"code": code.value, "message": text}}
    if retryable:
        body["retryable"] = True
    if retry_after is not None:
        body["retryAfter"] = duration_text(min(max(0.0, retry_after), MAX_RETRY_AFTER))
    return _outcome(attempt, f'"failure":{json.dumps(body, ensure_ascii=False)}')


def of_exception(attempt: Attempt, error: BaseException) -> str:
    """What a task that raised reports: Permanent and RetryLater as they say, others retryable.
    Raises nothing itself, whatever the exception is like: the attempt has ended either way."""
    try:
        return _told(attempt, error)
    except Exception:
        message = f"{type(error).__name__}, which can not be told"
        return failure(attempt, Code.UNKNOWN, message, retryable=not isinstance(error, Permanent))


def _told(attempt: Attempt, error: BaseException) -> str:
    if isinstance(error, Permanent):
        return failure(attempt, Code.FAILED_PRECONDITION, str(error), retryable=False)
    if isinstance(error, RetryLater):
        message = str(error)
        return failure(attempt, Code.UNAVAILABLE, message, retryable=True, retry_after=error.after)
    return failure(attempt, Code.UNKNOWN, last_line(error), retryable=True)


def last_line(error: BaseException) -> str:
    """The last line of a traceback, and where: `ValueError: no (shop.py:12 in buy)`."""
    line = "".join(traceback.format_exception_only(type(error), error)).strip()
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return line
    last = frames[-1]
    return f"{line} ({last.filename.rpartition('/')[2]}:{last.lineno} in {last.name})"
