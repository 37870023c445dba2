"""A set of bounded size: what was met lately is known, what was not is forgotten."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Hashable

import pytest

from callhistory._live.seen import Seen


def test_it_knows_what_it_met() -> None:
    """A thing is new once, and known from then on."""
    seen = Seen(10)

    assert [seen.meet(thing) for thing in ("a", "b", "a", "a", "b", "c")] == [
        *(False, False, True, True, True, False)
    ]


def test_a_text_is_not_a_number() -> None:
    """The ids 1 and "1" are two."""
    seen = Seen(10)

    assert not seen.meet(1)
    assert not seen.meet("1")
    assert seen.meet(1)


@pytest.mark.parametrize("size", [1, 2, 100])
def test_it_forgets_the_oldest(size: int) -> None:
    """Of more things than its size it knows the latest, and no others."""
    seen = Seen(size)
    for number in range(size + 1):
        seen.meet(number)

    assert [seen.meet(number) for number in range(size, 0, -1)] == [True] * size
    assert not seen.meet(0)


def test_what_is_met_again_is_not_old() -> None:
    """A thing that is met now and then is not forgotten, however many others come."""
    seen = Seen(3)
    seen.meet("kept")

    for number in range(100):
        assert not seen.meet(number)
        assert seen.meet("kept")


def test_several_threads() -> None:
    """Each thing is new to exactly one of the threads that meet it."""
    things: list[Hashable] = list(range(2000))
    seen = Seen(len(things))
    begin = threading.Barrier(4)
    new: list[list[Hashable]] = []

    def meet_all() -> None:
        begin.wait(5)
        new.append([thing for thing in things if not seen.meet(thing)])

    threads = [threading.Thread(target=meet_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert len(new) == 4
    assert sorted(itertools.chain(*new), key=str) == sorted(things, key=str)
