"""What ``_http`` needs of the inside of requests, in its own words.

These tests fail first when requests changes what it never promised.
"""

from __future__ import annotations

from io import BytesIO

import pytest
import requests
from requests.adapters import HTTPAdapter

from callhistory._http.deadline import DeadlineAdapter


def test_requests_keeps_a_body_that_was_read_elsewhere() -> None:
    """requests: ``_content`` is the body of an answer, and ``_content_consumed`` says so."""
    response = requests.Response()
    response.raw = BytesIO(b"not read any more")
    assert {"_content", "_content_consumed"} <= vars(response).keys()

    response._content = b'{"a": 1}'
    response._content_consumed = True  # type: ignore[attr-defined] # missing in the stubs

    assert response.content == b'{"a": 1}'
    assert response.json() == {"a": 1}
    assert b"".join(response.iter_content(4)) == b'{"a": 1}'
    assert response.raw.tell() == 0


def test_requests_adapter_pickles_the_size_of_its_pools() -> None:
    """requests: ``__attrs__`` names the sizes of the pools of an adapter."""
    adapter = HTTPAdapter(pool_connections=3, pool_maxsize=5, pool_block=True)
    sizes = {name: getattr(adapter, name) for name in HTTPAdapter.__attrs__}

    assert sizes["_pool_connections"] == 3
    assert sizes["_pool_maxsize"] == 5
    assert sizes["_pool_block"] is True


@pytest.mark.parametrize(
    ("callers", "connections", "size", "block"),
    [
        (None, 10, 32, False),
        (HTTPAdapter(pool_connections=3, pool_maxsize=1, pool_block=True), 3, 1, True),
        (HTTPAdapter(pool_maxsize=1), 10, 32, False),
        (HTTPAdapter(pool_maxsize=50), 10, 50, False),
    ],
)
def test_adapter_has_the_bounds_of_requests_adapter(
    callers: HTTPAdapter | None, connections: int, size: int, block: bool
) -> None:
    """requests: an adapter that takes another's place has its bounds, or room for 32 threads."""
    manager = DeadlineAdapter(callers).poolmanager
    pool = manager.connection_from_url("http://127.0.0.1:9")

    assert manager.pools._maxsize == connections
    assert pool.pool is not None
    assert (pool.pool.maxsize, pool.block) == (size, block)
