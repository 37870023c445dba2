"""A Webex on this machine, for demos, notebooks and tests; it needs no account.

Needs the extra ``sandbox``: ``pip install callhistory[sandbox]``.
"""

from __future__ import annotations

try:
    import flask as _  # noqa: F401 - is the extra installed?
except ImportError as _error:
    raise ImportError(
        "The sandbox needs an extra: pip install callhistory[sandbox]", name=__name__
    ) from _error

from callhistory.sandbox._recordings import Connection, RecordedFrame, RecordedRequest
from callhistory.sandbox._sandbox import Sandbox
from callhistory.sandbox._world.accounts import Account
from callhistory.sandbox._world.devices import Device
from callhistory.sandbox._world.people import Person

__all__ = [
    "Account",
    "Connection",
    "Device",
    "Person",
    "RecordedFrame",
    "RecordedRequest",
    "Sandbox",
]

# Reprs, pickles and documentation then show the name that a user imports.
for _public in (Account, Connection, Device, Person, RecordedFrame, RecordedRequest, Sandbox):
    _public.__module__ = __name__
