"""The sequence numbers of a connection's frames."""

from __future__ import annotations

import pytest

from callhistory._live.sequence_numbers import SequenceNumbers


@pytest.mark.parametrize(
    ("numbers", "jumps"),
    [
        ([7, 8], []),
        ([1, 2, 9, 10, 12], [9, 12]),
        ([5, 5, 6], []),
        ([5, 1, 2], []),
        ([-3, -2, 0], [0]),
    ],
)
def test_a_jump_is_noticed_where_it_is(numbers: list[int], jumps: list[int]) -> None:
    """A number that is higher by more than one does not follow; any other one does."""
    sequence = SequenceNumbers()

    assert [number for number in numbers if not sequence.follows(number)] == jumps
