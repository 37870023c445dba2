"""The names of JSON types."""

from __future__ import annotations

import pytest

from callhistory._records.json_types import type_at
from tests.records.samples import SECRET


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"there": None}, "null"),
        ({"there": SECRET}, "a string"),
        ({"elsewhere": SECRET}, "nothing"),
        ([SECRET], "an array"),
        (None, "null"),
    ],
)
def test_the_type_at_a_name_is_named(document: object, found: str) -> None:
    """The name of the type at a key is returned, or that of a document that is not an object."""
    assert type_at(document, "there") == found
