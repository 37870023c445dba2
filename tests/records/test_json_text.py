"""A JSON text that is parsed piece by piece: wherever a piece ends, the same is read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from callhistory._records import json_text
from callhistory._records.json_text import JsonText

DOCUMENT: dict[str, Any] = {
    "number": 1234567890,
    "texts": ["a\u00e9\u4e2d\U0001f600", '\\"', "", "x" * 100],
    "nested": {"true": True, "none": None, "deep": [[[{}]]], "real": -1.5e-7},
    "items": [{"id": str(number), "n": number} for number in range(10)],
    "last": 7,
}
TEXTS = [
    json.dumps(DOCUMENT, ensure_ascii=False, **form).encode()
    for form in ({}, {"separators": (",", ":")}, {"indent": 1})
]


def scan(text: str, start: int) -> tuple[Any, int]:
    return json.JSONDecoder().raw_decode(text, start)


def read(body: bytes) -> dict[str, Any]:
    text = JsonText(body, scan)
    found = {name: [*text.items()] if name == "items" else text.value() for name in text.fields()}
    text.end()
    return found


@pytest.mark.parametrize("body", TEXTS)
@pytest.mark.parametrize("margin", [0, 9, 1000])
def test_a_piece_may_end_anywhere(
    body: bytes, margin: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pieces of any length, which end in numbers, escapes and characters, give the same values."""
    monkeypatch.setattr(json_text, "_MARGIN", margin)
    for length in range(1, 80):
        monkeypatch.setattr(json_text, "_PIECE", length)

        assert read(b" " + body + b"\n" * 90) == DOCUMENT


@pytest.mark.parametrize("body", TEXTS)
def test_a_text_that_is_cut_is_refused(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that ends early is a ValueError, wherever it ends and wherever its pieces do."""
    monkeypatch.setattr(json_text, "_MARGIN", 5)
    for length in (1, 7, 64, 10_000):
        monkeypatch.setattr(json_text, "_PIECE", length)
        for end in range(len(body)):
            with pytest.raises(ValueError):  # noqa: PT011 - whatever it says, nobody sees it
                read(body[:end])


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"5", b'{"a":1}5', b'{"a":1,}', b'{"a":1 "b":2}', b'{"a" 1}', b"{5:1}"),
        *(
            b'{"items":5}',
            b'{"items":[1,]}',
            b'{"items":[1 2]}',
            b'{"items":[,1]}',
            b'{"items":[1}',
        ),
    ],
)
def test_what_is_no_object_with_such_an_array_is_refused(body: bytes) -> None:
    """Whatever is not an object, or not JSON, is a ValueError."""
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says, nobody sees it
        read(body)


def test_only_a_piece_is_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is passed to the scanner is never much more of the text than a piece."""
    monkeypatch.setattr(json_text, "_PIECE", 1000)
    monkeypatch.setattr(json_text, "_MARGIN", 100)
    lengths = []

    def noting(text: str, start: int) -> tuple[Any, int]:
        lengths.append(len(text))
        return scan(text, start)

    text = JsonText(b'{"items":[' + b",".join([b"123456789"] * 1000) + b"]}", noting)
    for _ in text.fields():
        assert [*text.items()] == [123456789] * 1000

    assert max(lengths) <= 1200
