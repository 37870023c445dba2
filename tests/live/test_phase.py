"""The phases of a listener, as a table: they go forward only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from callhistory import ListenError
from callhistory._live.phase import ListenerPhase, Phase

FAILURE = ListenError(4000, "replaced")
CONNECTING, LISTENING, CLOSING, OVER = Phase
# Where accepted(), refused(), closing() and over() lead to from each phase.
TABLE = {
    CONNECTING: (LISTENING, OVER, CLOSING, OVER),
    LISTENING: (LISTENING, OVER, CLOSING, OVER),
    CLOSING: (CLOSING, OVER, CLOSING, OVER),
    OVER: (OVER, OVER, OVER, OVER),
}


def in_phase(phase: Phase) -> ListenerPhase:
    made = ListenerPhase()
    if phase is not CONNECTING:
        {LISTENING: made.accepted, CLOSING: made.closing, OVER: made.over}[phase]()
    return made


@pytest.mark.parametrize("before", Phase)
def test_step_from_each_phase(before: Phase) -> None:
    """A phase that has passed never comes back; the failure is that of the first refusal."""
    for step, after in enumerate(TABLE[before]):
        phase = in_phase(before)
        (phase.accepted, lambda p=phase: p.refused(FAILURE), phase.closing, phase.over)[step]()

        assert phase.now is after
        is_failure = step == 1 and before is not OVER
        assert phase.failure is (FAILURE if is_failure else None)
        phase.over()
        phase.refused(ListenError(None, "another"))
        assert phase.failure is (FAILURE if is_failure else None)


@pytest.mark.parametrize("before", Phase)
def test_wait_that_has_nothing_to_wait_for_returns_at_once(before: Phase) -> None:
    """A wait without time says which phase it is, or whether it is over."""
    phase = in_phase(before)

    for timeout in (0.0, -1.0):
        assert phase.wait_while_connecting(timeout) is before
        assert phase.wait_until_over(timeout) is (before is OVER)


def test_end_of_connecting_wakes_who_waits_for_it() -> None:
    """Who waits for the end of the first phase returns with the next one."""
    phase = ListenerPhase()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(phase.wait_while_connecting, 30.0)
        phase.closing()

        assert waiting.result(10) is CLOSING
