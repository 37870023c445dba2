"""What the tests of records share."""

from __future__ import annotations

import pytest

from callhistory._records.undocumented_fields import surprises


@pytest.fixture(autouse=True)
def _every_surprise_is_new() -> None:
    """A test sees the warnings that are logged once, whatever ran before it."""
    surprises.forget()
