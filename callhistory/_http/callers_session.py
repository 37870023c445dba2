"""What our session copies from the caller's session, and what it does not."""

from __future__ import annotations

from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from .deadline import DeadlineAdapter


class RequestsSession(requests.Session):
    """A session of ours with the settings of the caller's.

    It uses the caller's ``proxies``, ``verify``, ``cert``, ``trust_env``, ``hooks``, ``headers``
    and ``params``, a copy of the ``cookies``, and the adapters, each behind one that retries.
    It never uses ``auth``: each request carries the token itself. If the caller's session is of a
    subclass, ours is of that class as well, and any further attributes that its methods look up in
    ``self`` are those of the caller's session; what they assign to ``self``, ours keeps.

    The settings are taken as they are when the client is made.
    """

    _callers_session: requests.Session

    def __init_subclass__(cls) -> None:
        """Run no hook of the caller's class, which is for classes that its author writes."""

    def __getattr__(self, name: str) -> Any:
        if name == "_callers_session":
            raise AttributeError(name)
        return getattr(self._callers_session, name)

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return ``None``, so that requests neither follows a redirect nor reads its body."""
        return None


_TAKEN_OVER = ("proxies", "verify", "cert", "trust_env", "hooks", "headers", "params")


def session_like(callers_session: requests.Session) -> requests.Session:
    """Return a session of ours with the caller's settings, and no adapters yet."""
    base: type = type(callers_session)
    kind = RequestsSession if base is requests.Session else _class_like(base)
    session = kind.__new__(kind)
    session._callers_session = callers_session
    requests.Session.__init__(session)  # the caller's class may require arguments
    for name in _TAKEN_OVER:
        setattr(session, name, getattr(callers_session, name))
    session.cookies.update(callers_session.cookies)
    session.adapters.clear()
    return session


def _class_like(base: type) -> type[RequestsSession]:
    for kind in RequestsSession.__subclasses__():
        if kind.__bases__ == (RequestsSession, base):
            return kind
    return type(f"CallHistory{base.__name__}", (RequestsSession, base), {})


def adapters_of(callers_session: requests.Session, read_timeouts: float) -> dict[str, BaseAdapter]:
    """Return the adapter that sends for each prefix of an address.

    Plain adapters of requests, which have no deadline, are replaced by ours; others are kept.

    Args:
        callers_session: the caller's session.
        read_timeouts: how many read timeouts a response may take in all.
    """
    return {
        prefix: DeadlineAdapter(adapter, read_timeouts) if type(adapter) is HTTPAdapter else adapter
        for prefix, adapter in callers_session.adapters.items()
    }
