"""Responses bounded in size: a body is read chunk by chunk, up to the largest size allowed."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator

import requests
import urllib3

from .._errors import DecodeError

_PART = 64 * 1024


def read_body(response: requests.Response, *, largest: int, deadline: float) -> None:
    """Read a response's body, and store it where requests would.

    Args:
        response: a response of which only the headers have been read.
        largest: the most bytes that the body may have after decompression.
        deadline: the time by which it must be complete, by ``time.monotonic()``.

    Raises:
        DecodeError: the body is too large, or not compressed as its headers say.
        requests.ReadTimeout: the body is not complete by the deadline.
    """
    body, problem = io.BytesIO(), ""
    try:
        for part in _parts(response):
            body.write(part)
            if body.tell() > largest:
                problem = f"more than {largest // 1024**2} MiB"
                break
            if time.monotonic() > deadline:
                response.close()
                raise requests.ReadTimeout("the response took too long")
    except (requests.exceptions.ContentDecodingError, urllib3.exceptions.DecodeError):
        problem = "something else"
    if problem:
        response.close()
        expected = f"a response of at most {largest // 1024**2} MiB, compressed as its headers say"
        raise DecodeError("$", expected, problem)
    # requests has no public place for a body that other code has read, and its own readers, such
    # as `content`, have no limit.
    response._content = body.getvalue()  # shares the buffer: the body exists only once
    response._content_consumed = True  # type: ignore[attr-defined] # missing in the stubs


def _parts(response: requests.Response) -> Iterator[bytes]:
    """Yield a body as it arrives: requests would wait for a full chunk, however long it took."""
    raw = response.raw
    if isinstance(raw, urllib3.HTTPResponse):
        while part := raw.read1(_PART, decode_content=True):
            yield part
    else:  # from an adapter that does not use urllib3
        yield from response.iter_content(_PART)
