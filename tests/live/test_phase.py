"""The phases of a listener, as a table: they go forward only."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from callhistory import ListenError
from callhistory._live.phase import ListenerPhase, Phase

FAILURE = ListenError(4000, "replaced")

Step = Callable[[ListenerPhase], None]


def accepted(phase: ListenerPhase) -> None:
    phase.accepted()


def refused(phase: ListenerPhase) -> None:
    phase.refused(FAILURE)


def closing(phase: ListenerPhase) -> None:
    phase.closing()


def over(phase: ListenerPhase) -> None:
    phase.over()


# How to get to a phase, and which phase each step leads to from there.
WAY_TO: dict[Phase, list[Step]] = {
    Phase.CONNECTING: [],
    Phase.LISTENING: [accepted],
    Phase.CLOSING: [closing],
    Phase.OVER: [over],
}
TABLE: list[tuple[Phase, Step, Phase]] = [
    (Phase.CONNECTING, accepted, Phase.LISTENING),
    (Phase.CONNECTING, refused, Phase.OVER),
    (Phase.CONNECTING, closing, Phase.CLOSING),
    (Phase.CONNECTING, over, Phase.OVER),
    (Phase.LISTENING, accepted, Phase.LISTENING),
    (Phase.LISTENING, refused, Phase.OVER),
    (Phase.LISTENING, closing, Phase.CLOSING),
    (Phase.LISTENING, over, Phase.OVER),
    (Phase.CLOSING, accepted, Phase.CLOSING),
    (Phase.CLOSING, refused, Phase.CLOSING),
    (Phase.CLOSING, closing, Phase.CLOSING),
    (Phase.CLOSING, over, Phase.OVER),
    (Phase.OVER, accepted, Phase.OVER),
    (Phase.OVER, refused, Phase.OVER),
    (Phase.OVER, closing, Phase.OVER),
    (Phase.OVER, over, Phase.OVER),
]


def in_phase(phase: Phase) -> ListenerPhase:
    made = ListenerPhase()
    for step in WAY_TO[phase]:
        step(made)
    assert made.now is phase
    return made


@pytest.mark.parametrize(("before", "step", "after"), TABLE)
def test_step_from_each_phase(before: Phase, step: Step, after: Phase) -> None:
    """Each step leads on, or changes nothing: a phase that has passed never comes back."""
    phase = in_phase(before)
    step(phase)

    assert phase.now is after


@pytest.mark.parametrize(("before", "step", "after"), TABLE)
def test_failure_is_that_of_a_refusal(before: Phase, step: Step, after: Phase) -> None:
    """Only a refusal while it connects or listens is a failure; a later one is no news."""
    phase = in_phase(before)
    step(phase)

    is_failure = step is refused and before in (Phase.CONNECTING, Phase.LISTENING)
    assert phase.failure is (FAILURE if is_failure else None)


def test_first_refusal_is_the_failure() -> None:
    """A second refusal does not replace the first."""
    phase = in_phase(Phase.LISTENING)
    refused(phase)
    phase.refused(ListenError(None, "another"))

    assert phase.failure is FAILURE


@pytest.mark.parametrize("before", Phase)
def test_wait_that_has_nothing_to_wait_for_returns_at_once(before: Phase) -> None:
    """A wait without time says which phase it is, or whether it is over."""
    phase = in_phase(before)

    for timeout in (0.0, -1.0):
        assert phase.wait_while_connecting(timeout) is before
        assert phase.wait_until_over(timeout) is (before is Phase.OVER)


@pytest.mark.parametrize(("before", "step", "after"), TABLE[:4])
def test_end_of_connecting_wakes_who_waits_for_it(before: Phase, step: Step, after: Phase) -> None:
    """Whatever ends the first phase, who waits for that returns with the next one."""
    phase = in_phase(before)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(phase.wait_while_connecting, 30.0)
        step(phase)

        assert waiting.result(10) is after


@pytest.mark.parametrize("before", [Phase.CONNECTING, Phase.LISTENING, Phase.CLOSING])
def test_end_wakes_everybody_who_waits_for_it(before: Phase) -> None:
    """All threads that wait until it is over return when it is."""
    phase = in_phase(before)
    together = threading.Barrier(5)

    def wait(_: int) -> bool:
        together.wait()
        return phase.wait_until_over(30.0)

    with ThreadPoolExecutor(4) as pool:
        waiting = pool.map(wait, range(4))
        together.wait()
        phase.over()

        assert all(waiting)
