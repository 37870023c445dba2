"""Answers bounded in size: a body is read part by part, and no further than it may be long."""

from __future__ import annotations

import time
from collections.abc import Iterator

import requests
import urllib3

from .._errors import DecodeError

_PART = 64 * 1024


def read_body(response: requests.Response, *, largest: int, deadline: float) -> None:
    """Read a body to where requests would put it.

    Args:
        response: an answer of which only the headers were read.
        largest: how many bytes it may have after decompression.
        deadline: until when it has to be there, by ``time.monotonic()``.

    Raises:
        DecodeError: it is larger, or not compressed as it says.
        requests.ReadTimeout: it is not there in time.
    """
    parts, size, problem = [], 0, ""
    try:
        for part in _parts(response):
            parts.append(part)
            size += len(part)
            if size > largest:
                problem = f"more than {largest // 1024**2} MiB"
                break
            if time.monotonic() > deadline:
                response.close()
                raise requests.ReadTimeout("the answer took too long")
    except (requests.exceptions.ContentDecodingError, urllib3.exceptions.DecodeError):
        problem = "something else"
    if problem:
        response.close()
        expected = f"an answer of at most {largest // 1024**2} MiB, compressed as it says"
        raise DecodeError("$", expected, problem)
    # requests has no public place for a body that somebody else has read; its own readers, such as
    # `content`, read without a bound.
    response._content = b"".join(parts)
    response._content_consumed = True  # type: ignore[attr-defined] # missing in the stubs


def _parts(response: requests.Response) -> Iterator[bytes]:
    """Return a body as it comes: requests would wait until a part is full, however long."""
    raw = response.raw
    if isinstance(raw, urllib3.HTTPResponse):
        while part := raw.read1(_PART, decode_content=True):
            yield part
    else:  # of an adapter that speaks something else
        yield from response.iter_content(_PART)
