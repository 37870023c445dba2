"""JSON as Webex sends it: what is read, what is refused, how types are named."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callhistory import (
    DecodeError,
)
from callhistory._records.strict_json import read_json, type_at
from tests.records.samples import SECRET, attempt, holds_nothing_of_the_value, json_values, thorough


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


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (
            b'{"a": [1, -0, 1.5, 1e3, true, null, "\xc3\xa9"]}',
            {"a": [1, 0, 1.5, 1e3, True, None, "é"]},
        ),
        (b" \r\n\t[] ", []),
        (b"1" * 4000, int("1" * 4000)),
        (b"[" * 50 + b"]" * 50, json.loads("[" * 50 + "]" * 50)),
    ],
)
def test_a_json_text_is_read(body: bytes, value: Any) -> None:
    """The value of a JSON text in UTF-8 is returned, big integers included."""
    assert read_json(body) == value


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", "nothing"),
        (b"NaN", "something else"),
        (b"[-Infinity]", "something else"),
        (b"[1e400]", "something else"),
        (b"1" * 5000, "something else"),
        (b"\xef\xbb\xbf{}", "something else"),
        (b'{"a": 1,}', "something else"),
        (b'"8b2f6c1e-private-0102\x01"', "something else"),
        (b'{"name": "8b2f6c1e-private-0102 \xff"}', "bytes that are not UTF-8"),
        (b'"\xed\xa0\x80"', "bytes that are not UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "bytes that are not UTF-8"),
        (b"[" * 200_000, "values nested too deep"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_what_is_no_json_is_refused(body: bytes, found: str) -> None:
    """What is not strict JSON is a DecodeError that has nothing of the text, nor has its cause."""
    with pytest.raises(DecodeError, match=rf"^\$: expected JSON, found {re.escape(found)}$") as no:
        read_json(body)

    holds_nothing_of_the_value(no.value)


@thorough
@given(st.binary(max_size=40) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_json_or_refused(body: bytes) -> None:
    """Any bytes are read as json.loads reads them, or are a DecodeError."""
    value = attempt(lambda: read_json(body))

    if isinstance(value, DecodeError):
        assert value.__context__ is None
    else:
        assert json.dumps(value) == json.dumps(json.loads(body))
