"""Answers bounded in size, compressed or not; the limit itself is tested with the failures."""

from __future__ import annotations

import gzip
import json
import zlib

import attrs
import pytest

from callhistory import CallHistoryClient, DecodeError
from callhistory.sandbox import Sandbox
from tests.support.limits import BRISK

HISTORY = "/history/userSessions"
PLAIN = json.dumps({"statusCode": 200, "userSessions": []}).encode()
ENCODED = {
    "identity": PLAIN,
    "gzip": gzip.compress(PLAIN),
    "x-gzip": gzip.compress(PLAIN),
    "deflate": zlib.compress(PLAIN),
}


@pytest.mark.parametrize("name", ENCODED)
def test_compressed_answer_is_read(cloud: Sandbox, client: CallHistoryClient, name: str) -> None:
    """An answer may be compressed."""
    cloud.fail_next(HISTORY, body=ENCODED[name], headers={"Content-Encoding": name})

    assert len(client.get_call_history_data()) == 0


@pytest.mark.parametrize("name", ENCODED)
def test_size_of_an_answer_counts_after_decompression(cloud: Sandbox, name: str) -> None:
    """An answer of as many bytes as are allowed is read, and one byte more is too much."""
    for largest, problem in ((len(PLAIN), "serviceLinks"), (len(PLAIN) - 1, "more than 0 MiB")):
        cloud.fail_next("/catalog", body=ENCODED[name], headers={"Content-Encoding": name})
        webex = cloud.webex(_limits=attrs.evolve(BRISK, largest_response=largest))
        with webex, pytest.raises(DecodeError, match=problem):
            CallHistoryClient(webex).get_call_history_data()
