"""A forked child has copies of its parent's clients, and must not use them."""

from __future__ import annotations

import os

import pytest

from callhistory._fork import UsingProcess


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
@pytest.mark.parametrize("used", [True, False])
def test_a_child_may_use_only_what_its_parent_has_not(used: bool) -> None:
    """What the parent has used is refused in a forked child, and nothing else is."""
    process = UsingProcess()
    if used:
        process.note()
    child = os.fork()
    if child == 0:
        try:
            process.check()
        except RuntimeError:
            os._exit(1)
        os._exit(0)

    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == used
    assert not process.forked, "the parent goes on"
    process.check()
