"""What the tests of records share."""

from __future__ import annotations

import pytest

from callhistory._records import strict_json
from callhistory._records.undocumented_fields import surprises


@pytest.fixture(autouse=True)
def _every_surprise_is_new() -> None:
    """A test sees the warnings that are logged once, whatever ran before it."""
    surprises.forget()


@pytest.fixture(params=["msgspec", "pieces", "whole"])
def each_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test with msgspec, and without: as for a long text, and as for a short one."""
    if request.param == "msgspec":
        pytest.importorskip("msgspec")
    else:
        monkeypatch.setattr(strict_json, "_msgspec", lambda: None)
    if request.param == "pieces":
        monkeypatch.setattr(strict_json, "_SMALL", 0)
