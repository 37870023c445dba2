"""TODO."""

from __future__ import annotations

import gzip
import json
import re
import zlib

import pytest

from callhistory import CallHistoryClient
from callhistory.sandbox import Sandbox

HISTORY = "/history/userSessions"
TRACKING_ID = re.compile(r"(callhistory_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_([0-9]+)")
TOKEN = "sEcReT"


@pytest.mark.parametrize("name", ["gzip", "GZIP", "x-gzip", "deflate"])
def test_compressed_answer_is_read(cloud: Sandbox, client: CallHistoryClient, name: str) -> None:
    """An answer may be compressed."""
    plain = json.dumps({"statusCode": 200, "userSessions": []}).encode()
    squeezed = zlib.compress(plain) if name == "deflate" else gzip.compress(plain)
    cloud.fail_next(HISTORY, body=squeezed, headers={"Content-Encoding": name})

    assert len(client.get_call_history_data()) == 0
