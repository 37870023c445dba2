"""What the tests of live events share."""

from __future__ import annotations

import random

import pytest

from tests.support.limits import Jitter


@pytest.fixture
def jitter(monkeypatch: pytest.MonkeyPatch) -> Jitter:
    """Draw no pause with jitter; return the bounds that reconnections would have drawn from."""
    noted = Jitter()
    monkeypatch.setattr(random, "uniform", noted.uniform)
    return noted
