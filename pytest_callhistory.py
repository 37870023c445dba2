"""The pytest fixtures of callhistory; :mod:`callhistory.testing` says how to use them.

pytest loads this file in every project of an environment that callhistory is installed in, also
where nobody asks for the fixtures. So it stands outside the package, and imports it in them only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from callhistory import CallHistoryClient
    from callhistory.sandbox import Sandbox


@pytest.fixture
def webex_sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Give a running callhistory.sandbox.Sandbox: a Webex on this machine, new for each test.

    While the test runs, WEBEX_ACCESS_TOKEN and U2C_SERVICE_URL lead to it: a CallHistoryClient()
    that the tested code makes for itself talks to it too, and never to a real account.
    """
    try:
        from callhistory.sandbox import Sandbox
    except ImportError as error:
        pytest.fail(str(error), pytrace=False)
    with Sandbox() as cloud:
        monkeypatch.setenv("WEBEX_ACCESS_TOKEN", cloud.access_token)
        monkeypatch.setenv("U2C_SERVICE_URL", cloud.u2c_url)
        yield cloud


@pytest.fixture
def call_history_client(webex_sandbox: Sandbox) -> Iterator[CallHistoryClient]:
    """Give a callhistory.CallHistoryClient of the sandbox, which is closed after the test."""
    from callhistory import CallHistoryClient

    with webex_sandbox.webex() as webex, CallHistoryClient(webex) as client:
        yield client
