"""What a sandbox was asked, and what is to go wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from callhistory.sandbox._faults.http_faults import Fault, Faults
from callhistory.sandbox._journal import Journal, RecordedRequest


class Rehearsal:
    """The part of a sandbox that tests look at and write the script of."""

    def __init__(self) -> None:
        self._journal = Journal()
        self._faults = Faults()

    @property
    def requests(self) -> tuple[RecordedRequest, ...]:
        """The requests so far, the oldest first; after 10,000 the oldest are forgotten."""
        return self._journal.requests_to()

    def requests_to(
        self, path_fragment: str, method: str | None = None
    ) -> tuple[RecordedRequest, ...]:
        """Give the requests whose path contains a text.

        Args:
            path_fragment: such as ``/devices``.
            method: such as ``POST``; ``None`` is any.
        """
        return self._journal.requests_to(path_fragment, method)

    def wait_for_requests(
        self,
        path_fragment: str,
        method: str | None = None,
        *,
        count: int = 1,
        timeout: float = 5.0,
    ) -> tuple[RecordedRequest, ...]:
        """Wait until there are requests whose path contains a text, and give them.

        Args:
            path_fragment: such as ``/devices``.
            method: such as ``POST``; ``None`` is any.
            count: how many there must be, those before this call included.
            timeout: how long to wait, in seconds.

        Raises:
            TimeoutError: there were fewer.
        """
        return self._journal.wait_for(path_fragment, method, count, timeout)

    def forget_requests(self) -> None:
        """Begin `requests` anew."""
        self._journal.clear()

    def fail_next(
        self,
        path: str,
        *,
        method: str | None = None,
        status: int | None = None,
        times: int = 1,
        retry_after: float | str | None = None,
        headers: Mapping[str, str] | None = None,
        body: object = None,
        delay: float | None = None,
        reset: bool = False,
        lose: bool = False,
        raw: bytes | None = None,
        truncate: bool = False,
        drip: float | None = None,
        endless: bool = False,
    ) -> None:
        """Let something go wrong with the next requests to a path.

        With a `status` or a `body`, the request is answered with that and nothing else happens;
        without, the request is carried out, and the rest is done to its real answer. Faults for
        the same requests happen one after the other, in the order of these calls.

        Args:
            path: a text that the path contains; that of a websocket's upgrade counts as well, see
                `Sandbox.fail_upgrades`.
            method: such as ``POST``; ``None`` is any.
            status: the status of the answer; without a `body` it has a JSON message.
            times: how many requests.
            retry_after: the ``Retry-After`` header, in seconds or as it is to be written; alone
                it means status 429.
            headers: headers that are set on the answer.
            body: the body of the answer: bytes, text, or what becomes JSON; alone it means
                status 200.
            delay: seconds before anything happens.
            reset: end the connection with a TCP reset; the request is not carried out.
            lose: carry the request out, and end the connection without an answer, with `reset`
                by a TCP reset.
            raw: send these bytes instead of an answer, and end the connection; the request is
                not carried out.
            truncate: send half of the body, announce all of it, and end the connection.
            drip: send the body byte by byte, with so many seconds in between, and then blanks
                without end.
            endless: send blanks without end after the body, as fast as they are taken.

        Raises:
            ValueError: an argument is out of its range, or contradicts another.
        """
        headers = dict(headers or {})
        for name, value in headers.items():
            if re.search(r"[\r\n]", name + value):
                raise ValueError(f"headers: {name!r} must be one line")
        if retry_after is not None:
            if re.search(r"[\r\n]", str(retry_after)):
                raise ValueError("retry_after must be one line")
            headers["Retry-After"] = str(retry_after)
            if status is None and body is None:
                status = 429
        self._faults.script(
            Fault(
                path=path,
                method=method,
                status=status,
                times=times,
                headers=headers,
                body=_body(body),
                delay=delay,
                reset=reset,
                lose=lose,
                raw=raw,
                truncate=truncate,
                drip=drip,
                endless=endless,
            )
        )

    def clear_faults(self) -> None:
        """Forget the faults that have not happened yet."""
        self._faults.clear()


def _body(body: object) -> bytes | None:
    if body is None or isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(body)).encode()
