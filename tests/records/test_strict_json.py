"""JSON as Webex sends it: what is read and what is refused, with msgspec and without."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callhistory import DecodeError
from callhistory._records import strict_json
from callhistory._records.strict_json import read_json, read_json_with
from tests.records.samples import SECRET, attempt, holds_nothing_of_the_value, json_values, thorough

DEEP = 100_000
# Texts that libraries read in different ways.
ODD = [
    *(b"-0", b"-0.0", b"00", b"01", b"-", b"1.", b".5", b"+1", b"1e5", b"1.0E+2", b"1e", b"0x1"),
    *(b"1E400", b"-1e400", b"1e-400", b"0e99999999999999999999", b"1e-99999999999999999999"),
    *(b"18446744073709551615", b"18446744073709551616", b"-9223372036854775809", b"1" * 400),
    *(b"1" * 4300, b"1" * 4301, b"-" + b"1" * 4301, b"1" * 5000 + b".0", b"1" * 400 + b"e-100"),
    *(b"0.1", b"5e-324", b"2e-324", b"1.7976931348623159e308", b"9007199254740993.0"),
    *(b"NaN", b"Infinity", b"-Infinity", b"[NaN]", b"nul", b"nullx", b"null null", b"True"),
    *(
        b'"\\ud83d"',
        b'"\\ude00\\ud83d"',
        b'"\\ud83d\\ude00"',
        b'"\\ud83d\\u0041"',
        b'{"\\ud83d":1}',
    ),
    *(b'"\\ud83d\\u"', b'"\\u12"', b'"\\x"', b'"\\/"', b'"\\u0000"', b"'a'", b'"abc', b'["abc\\'),
    *(b'"\x00"', b'"\x01"', b'"\x7f"', b'"\n"', b'"\t"', b"\x00", b"1\x00", b"\x0c1", b"\xc2\xa01"),
    *(b"\xef\xbb\xbf1", b'"\xff"', b"\xff", b"1\xff", b'{"\xff":1}', b'"\xed\xa0\x80"'),
    *(
        b'"\xc0\x80"',
        b'"\xf4\x90\x80\x80"',
        b'"\xe2\x80\xa8"',
        b'"\xe2\x80',
        '"a"'.encode("utf-16"),
    ),
    *(
        b'{"a":1,"b":3,"a":2}',
        b"{1:2}",
        b'{"a":1,}',
        b'{"a" 1}',
        b"[1,]",
        b"[,1]",
        b"[1 2]",
        b"// 1",
    ),
    *(b"", b" ", b"\r\n\t 1 \r\n", b"[", b"]", b"{", b'{"a"', b'{"a":', b"[1", b"[1,"),
    *(b"[" * DEEP, b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP),
    b"[" * 50 + b"]" * 50,
]


def exactly(value: Any) -> Any:
    """Return a value so that what Python takes for equal differs: 1, 1.0 and True, 0.0 and -0.0."""
    return str(value) if isinstance(value, DecodeError) else repr(value)


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
        (b'"\\ud83d"', "\ud83d"),
    ],
)
@pytest.mark.usefixtures("each_way")
def test_a_json_text_is_read(body: bytes, value: Any) -> None:
    """The value of a JSON text in UTF-8 is returned, big integers and lone surrogates included."""
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
@pytest.mark.usefixtures("each_way")
def test_what_is_no_json_is_refused(body: bytes, found: str) -> None:
    """What is not strict JSON is a DecodeError that has nothing of the text, nor has its cause."""
    with pytest.raises(DecodeError, match=rf"^\$: expected JSON, found {re.escape(found)}$") as no:
        read_json(body)

    holds_nothing_of_the_value(no.value)


def shown(item: Any, _document: Any) -> str:
    return repr(item)


def exactly_item(item: Any, _document: Any) -> Any:
    return exactly(item)


@pytest.mark.usefixtures("each_way")
@pytest.mark.parametrize("size", [0, 200_000])
def test_an_item_is_read_with_what_stands_before_it(size: int) -> None:
    """The fields before the array are known when its items are read."""
    body = b'{"a":1,"items":[1,2],"pad":"' + b"x" * size + b'"}'
    seen: list[Any] = []

    read_json_with(body, "items", lambda _, document: seen.append(document["a"]))

    assert seen == [1, 1]


@pytest.mark.parametrize("text", ODD, ids=lambda text: repr(text[:20]))
def test_odd_texts_are_read_alike_with_msgspec_and_without(
    text: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text gives the same value, or the same error, whatever reads it and wherever it stands.

    It is tried alone, as an item, in an item, as the value of another field, and cut.
    """
    pytest.importorskip("msgspec")
    texts = [text, b"[" + text + b"]"]
    for part in (text, b'{"b":' + text + b"}"):
        texts += [b'{"items":[' + part + b",2]}", b'{"items":[],"a":' + part + b"}"]
        texts += [b'{"a":' + part + b',"items":[1]}', b'{"items":[' + part]
        texts += [b'{"items":' + part + b"}", b'{"items":[1],"items":[' + part + b"]}"]

    def outcomes() -> list[Any]:
        read = [attempt(partial(read_json, one)) for one in texts]
        read += [attempt(partial(read_json_with, one, "items", shown)) for one in texts]
        return [*map(exactly, read)]

    with_msgspec = outcomes()
    monkeypatch.setattr(strict_json, "_msgspec", lambda: None)
    as_short_ones = outcomes()
    monkeypatch.setattr(strict_json, "_SMALL", 0)

    assert with_msgspec == as_short_ones == outcomes()


@pytest.mark.usefixtures("each_way")
@pytest.mark.parametrize(
    ("body", "document", "items"),
    [
        (b'{"a": 1, "items": [1, "2"], "b": [2]}', {"a": 1, "b": [2]}, ["1", "'2'"]),
        (b'{"items":[]}', {}, []),
        (b'{"items":[1],"items":[2,3]}', {}, ["2", "3"]),
        (b'{"items":5,"items":[2]}', {}, ["2"]),
        (b'{"items":[2],"items":5}', {"items": 5}, None),
        (b'{"items":null}', {"items": None}, None),
        (b'{"other":{"items":[1]}}', {"other": {"items": [1]}}, None),
        (b'["items",[1]]', ["items", [1]], None),
        (b"5", 5, None),
    ],
)
def test_the_items_of_one_array_are_read_apart(
    body: bytes, document: Any, items: list[str] | None
) -> None:
    """Each item of the array is passed to the function; of several arrays, the last one counts."""
    assert read_json_with(body, "items", shown) == (document, items)


@pytest.mark.usefixtures("each_way")
@pytest.mark.parametrize("end", [b"", b"]", b"] }x", b',{"a":1e400}]}', b'],"a":"\xff"}', b"],}"])
def test_a_text_that_ends_badly_is_refused_after_its_items(end: bytes) -> None:
    """A text is refused whole, although its first items were fine; the error is read_json's."""
    body = b'{"items":["' + SECRET.encode() + b'"' + end
    with pytest.raises(DecodeError) as whole:
        read_json(body)

    with pytest.raises(DecodeError) as apart:
        read_json_with(body, "items", shown)

    assert str(apart.value) == str(whole.value)
    holds_nothing_of_the_value(apart.value)


@pytest.mark.parametrize("package", ["msgspec", None])
def test_an_item_is_freed_before_the_next_is_parsed(
    package: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The items of a long text are never all in memory."""
    if package is None:
        monkeypatch.setattr(strict_json, "_msgspec", lambda: None)
    else:
        pytest.importorskip(package)
    alive: list[int] = []
    counts: list[int] = []

    class Part:
        def __init__(self) -> None:
            alive.append(1)

        def __del__(self) -> None:
            alive.pop()

    def read(item: dict[str, Any], _document: Any) -> None:
        counts.append(len(alive))
        item["part"] = Part()

    read_json_with(b'{"items":[' + b",".join([b"{}"] * 100_000) + b"]}", "items", read)

    assert max(counts) <= 1


@thorough
@given(st.binary(max_size=40) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_json_or_refused(body: bytes) -> None:
    """Any bytes are read as json.loads reads them, or are a DecodeError."""
    value = attempt(lambda: read_json(body))

    if isinstance(value, DecodeError):
        assert value.__context__ is None
    else:
        assert json.dumps(value) == json.dumps(json.loads(body))


@thorough
@given(
    before=st.dictionaries(st.sampled_from(["a", "b"]), json_values),
    items=st.lists(json_values, max_size=4) | json_values,
    after=st.dictionaries(st.sampled_from(["c", "d"]), json_values),
    compact=st.booleans(),
)
def test_any_array_is_read_apart(
    before: dict[str, Any], items: Any, after: dict[str, Any], compact: bool
) -> None:
    """Whatever stands around an array and in it, the same is read as from the whole text."""
    whole = {**before, "items": items, **after}
    body = json.dumps(whole, separators=(",", ":") if compact else None).encode()

    found = [read_json_with(body, "items", exactly_item)]
    with patch.object(strict_json, "_msgspec", lambda: None):
        found.append(read_json_with(body, "items", exactly_item))
        with patch.object(strict_json, "_SMALL", 0):
            found.append(read_json_with(body, "items", exactly_item))

    expected = whole if not isinstance(items, list) else {**before, **after}
    for document, read in found:
        assert exactly(document) == exactly(json.loads(json.dumps(expected)))
        assert read == ([exactly(item) for item in items] if isinstance(items, list) else None)
