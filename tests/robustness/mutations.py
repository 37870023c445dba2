"""Mutations of real answers and frames: changed bytes and changed values."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

# Begins a placeholder for text that json.dumps cannot write.
_RAW = "raw:"
_ODD_TEXTS = (
    *("", " ", "\r\n", "text", "\x00", "\ud800", "\u202e", "a" * 5000, "NaN", "null", "-1", "5"),
    *("MISSED", "Initiated", "missed", "SPARK", "INCOMING", "mercury.buffer_state", "pong", "ping"),
    *("2026-03-01T09:00:00.250Z", "2026-03-01T09:00:00", "2026-02-30T09:00:00Z", "yesterday"),
    *("9999-12-31T23:59:59.999Z", "9999-12-31T24:00Z", "0001-01-01T00:00:00+23:59", "true"),
    *("http://janus-a.wbx2.com", "https://[::1", "https://wbx2.com@evil.example/", "//wbx2.com"),
    *("https://\ud800.wbx2.com/", "https://w\u0431x2.com/", "https://wbx2.com:99999/", "https://"),
    *(f"https://{'a' * 300}.wbx2.com", "https://.wbx2.com", "https://xn--a.wbx2.com", "\r\nA:"),
    *(
        "https://a..wbx2.com/%zz?#",
        "mailto:ada",
        "https://wbx2.com/\ud800",
        "wss://wbx2.com/\u20ac",
    ),
    *("janus.user_recent_sessions", "janus.user_sessions", "janus.user_viewed_sessions", "."),
    *("data.userSessions.userSessions", "." * 600, "eventType", "userSessions", "__class__"),
)
_ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 1.5, -0.0, 1e308, 2**31, 2**63, 10**13, 10**30, 10**400),
    *([], {}, [[]], [None], {"": ""}, {"id": {}}, [1, "a", None], {"extra": {}, "_absent": []}),
)
_RAW_VALUES = (
    *("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1E-999", "-", "01", "'a'", "1" * 4300),
    *("1" * 5000, '"\\ud83d"', '"\\u0000"', '"\t"', "{,}", "[,]", '{"a":1,"a":2}', "// a", "tru"),
)
_DEPTHS = (2, 20, 100, 300, 500, 900, 990, 1000, 1100, 3000, 10_000, 100_000)
_ODD_BYTES = (
    *(b"\xef\xbb\xbf", b"\xff", b"\x00", b"\xed\xa0\x80", b"\xc0\xaf", b"\x1f\x8b", b"\r\n\r\n"),
    *(b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"-", b"e9", b"0", b"null", b'"":', b"\\u"),
)

Place = tuple[Any, Any]


def mutate(document: Any, rng: random.Random) -> bytes:
    """Return a JSON document with a few values changed, a few bytes, or both."""
    kind = rng.random()
    document = copy.deepcopy(document)
    if kind < 0.6:
        for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
            document = _mutate_values(document, rng)
    body = _write(document, rng)
    if kind > 0.5:
        for _ in range(rng.choice((1, 1, 2, 4, 16))):
            body = _mutate_bytes(body, rng)
    return body


def _write(document: Any, rng: random.Random) -> bytes:
    text = json.dumps(document, ensure_ascii=rng.random() < 0.5)
    while (start := text.find(f'"{_RAW}')) >= 0:
        end = text.index('"', start + 1)
        text = text[:start] + _raw(text[start + 1 : end].removeprefix(_RAW)) + text[end + 1 :]
    return text.encode("utf-8", "surrogatepass")


def _raw(name: str) -> str:
    kind, _, number = name.partition(" ")
    if kind == "array":
        return "[" * int(number) + "]" * int(number)
    if kind == "object":
        return '{"a":' * int(number) + "1" + "}" * int(number)
    return _RAW_VALUES[int(number)]


def _odd_value(rng: random.Random) -> Any:
    kind = rng.random()
    if kind < 0.3:
        return rng.choice(_ODD_TEXTS)
    if kind < 0.8:
        return copy.deepcopy(rng.choice(_ODD_VALUES))
    if kind < 0.9:
        return f"{_RAW}value {rng.randrange(len(_RAW_VALUES))}"
    return f"{_RAW}{rng.choice(('array', 'object'))} {rng.choice(_DEPTHS)}"


def _places(value: Any) -> list[Place]:
    """List the places of a document: each container, with a name or index in it."""
    items: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    found: list[Place] = []
    for name, item in items:
        found += [(value, name), *_places(item)]
    return found


def _mutate_values(document: Any, rng: random.Random) -> Any:
    places = _places(document)
    if not places or rng.random() < 0.02:
        return rng.choice((_odd_value(rng), [document], {"data": document}))
    holder, name = rng.choice(places)
    kind = rng.choice(("replace", "replace", "remove", "rename", "nest", "copy", "swap", "add"))
    other, other_name = rng.choice(places)
    if kind == "replace":
        holder[name] = _odd_value(rng)
    elif kind == "remove":
        del holder[name]
    elif kind == "rename" and isinstance(holder, dict):
        renamed = _other_name(other[other_name], rng)
        holder[renamed] = holder.pop(name)
    elif kind == "nest":
        holder[name] = rng.choice(([holder[name]], {name: holder[name]}, {"extra": holder[name]}))
    elif kind == "copy":
        holder[name] = copy.deepcopy(other[other_name])
    elif kind == "swap":
        # By copies: one may stand within the other.
        here, there = copy.deepcopy(holder[name]), copy.deepcopy(other[other_name])
        holder[name], other[other_name] = there, here
    elif isinstance(holder, list):
        holder.insert(name, _odd_value(rng))
    else:
        holder[_other_name(other[other_name], rng)] = _odd_value(rng)
    return document


def _other_name(value: Any, rng: random.Random) -> str:
    """Return another name for a field; it may be a value, such as a person's name."""
    if isinstance(value, str) and rng.random() < 0.5:
        return value
    return rng.choice(_ODD_TEXTS)


def _mutate_bytes(body: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(body) + 1)
    end = min(len(body), start + rng.choice((1, 1, 2, 8, 64, 1024)))
    kind = rng.choice(("flip", "flip", "cut", "truncate", "insert", "duplicate", "move"))
    if kind == "flip" and start < len(body):
        return body[:start] + bytes([body[start] ^ 1 << rng.randrange(8)]) + body[start + 1 :]
    if kind == "cut":
        return body[:start] + body[end:]
    if kind == "truncate":
        return body[:start]
    if kind == "duplicate":
        return body[:end] + body[start:end] + body[end:]
    if kind == "move":
        rest = body[:start] + body[end:]
        place = rng.randrange(len(rest) + 1)
        return rest[:place] + body[start:end] + rest[place:]
    inserted = rng.choice((*_ODD_BYTES, rng.randbytes(rng.choice((1, 4, 32)))))
    return body[:start] + inserted + body[start:]
