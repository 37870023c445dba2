"""TODO."""

from __future__ import annotations

import re

import requests
from requests.adapters import HTTPAdapter

from callhistory._http.retry import Effort, RetryAdapter

HISTORY = "/history/userSessions"
TRACKING_ID = re.compile(r"(callhistory_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_([0-9]+)")
TOKEN = "sEcReT"


def test_plain_adapter_of_the_caller_keeps_its_bounds() -> None:
    """An adapter that is to have one connection at a time has one, and no fewer otherwise."""
    for bound, size in ((True, 1), (False, 32)):
        session = requests.Session()
        session.mount("http://", HTTPAdapter(pool_maxsize=1, pool_block=bound))
        retrying = RetryAdapter(session.get_adapter("http://x"), Effort(1, 1, 0))
        pool = retrying._inner.poolmanager.connection_from_url("http://127.0.0.1:9")  # type: ignore[attr-defined]
        assert (pool.pool.maxsize, pool.block) == (size, bound)
