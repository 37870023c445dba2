"""What is taken over from a session of the caller's, and what is not."""

from __future__ import annotations

from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from .deadline import DeadlineAdapter


class RequestsSession(requests.Session):
    """A session of ours with the settings of a caller's.

    Taken over are ``proxies``, ``verify``, ``cert``, ``trust_env``, ``hooks``, ``headers`` and
    ``params``; ``cookies`` as a copy; and the adapters, each behind one of ours that retries. Never
    taken over is ``auth``: each request brings the token itself. Where the caller's session is of
    a class of their own, ours is of that class as well, and what its methods look for in ``self``
    beyond a session's attributes is the caller's session's.
    """

    _callers: requests.Session

    def __getattr__(self, name: str) -> Any:
        if name == "_callers":
            raise AttributeError(name)
        return getattr(self._callers, name)

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return ``None``: a redirect is not followed by requests' rules, nor is its body read."""
        return None


_TAKEN_OVER = ("proxies", "verify", "cert", "trust_env", "hooks", "headers", "params")


def session_like(callers: requests.Session) -> requests.Session:
    """Return a session of ours with a caller's settings, and no adapters yet."""
    base = type(callers)
    kind: type[RequestsSession] = RequestsSession
    if base is not requests.Session:
        kind = type(f"CallHistory{base.__name__}", (RequestsSession, base), {})
    session = kind.__new__(kind)
    session._callers = callers
    requests.Session.__init__(session)  # one of the caller's may want arguments
    for name in _TAKEN_OVER:
        setattr(session, name, getattr(callers, name))
    session.cookies.update(callers.cookies)
    session.adapters.clear()
    return session


def adapters_of(callers: requests.Session, read_timeouts: float) -> dict[str, BaseAdapter]:
    """Return what sends, for each prefix of an address: the caller's adapter, if it is their own.

    One with nothing of the caller's in it has no deadline either: ours takes its place.

    Args:
        callers: the caller's session.
        read_timeouts: how many read timeouts an answer may take in all.
    """
    return {
        prefix: DeadlineAdapter(adapter, read_timeouts) if type(adapter) is HTTPAdapter else adapter
        for prefix, adapter in callers.adapters.items()
    }
