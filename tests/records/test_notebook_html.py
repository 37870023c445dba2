"""How records look: the table of a history, the card of a session, and strangers' texts in them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import attrs
import pytest

from callhistory import HistoryData, JanusResponseEvent, UserSession, from_wire
from callhistory._records.notebook_html import ROWS
from tests.records.samples import history, session
from tests.support.wire_samples import a_bare_session

VOID = {"br", "img", "input", "hr", "meta", "link"}
STRANGERS = [
    "</td></tr></table><h1>hello",
    "</style><style>*{display:none}</style>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)' x='",
    "<!-- ",
    "]]><![CDATA[<b>",
    "&lt;b&gt; &amp; &#60;u&#62; &#x3c;s&#x3e;",
    "<svg/onload=alert(1)>\x00<a\thref=x\n>",
    "&" * 2_000,
    "\u202egnp.exe",
    "\u2066\u2067\u2068\u202a\u202b\u202dabc",
    "\ud800\udfff <b>",
    "\u2028<b>\u2029<i>\x85",
]
UNSEEN = ["", " ", "\t\n", "\u200b", "\u202e\u202c", "\x00\x1b\x7f", "\u00a0\u2003"]


def start(text: object) -> str:
    return ascii(text)[:20]


@attrs.define
class Element:
    """An element of a page, with all that is within it."""

    tag: str
    attributes: dict[str, str | None]
    children: list[Element | str] = attrs.Factory(list)

    def all(self, tag: str = "", /, cls: str = "") -> Iterator[Element]:
        """Yield the elements within it, by tag and by class."""
        for child in self.children:
            if isinstance(child, Element):
                if tag in ("", child.tag) and (not cls or cls in child.classes):
                    yield child
                yield from child.all(tag, cls)

    @property
    def classes(self) -> list[str]:
        return (self.attributes.get("class") or "").split()

    @property
    def text(self) -> str:
        if self.tag == "style":
            return ""
        parts = (child if isinstance(child, str) else child.text for child in self.children)
        return "".join(parts).strip()


class Page(HTMLParser):
    """Parses a page into elements, and fails where a browser would have to guess."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.root = Element("", {})
        self._open = [self.root]
        self.feed(html)
        self.close()
        assert self._open == [self.root], "an element is left open"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), "an attribute stands twice"
        element = Element(tag, dict(attrs))
        self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag, "elements overlap"

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)

    def handle_comment(self, data: str) -> None:
        pytest.fail("there is a comment in the page")

    def unknown_decl(self, data: str) -> None:
        pytest.fail("there is a declaration in the page")


def page(shown: Any) -> Element:
    return Page(shown._repr_html_()).root


def cells(shown: UserSession) -> dict[str, str]:
    """Return the one row of a table, by heading."""
    root = page(history(shown))
    heads = [head.text for head in next(root.all("thead")).all("th")]
    (row,) = next(root.all("tbody")).all("tr")
    return dict(zip(heads, (cell.text for cell in _cells(row)), strict=True))


def _cells(row: Element) -> list[Element]:
    return [child for child in row.children if isinstance(child, Element)]


def facts(shown: UserSession) -> dict[str, str]:
    """Return what a card says, by its labels."""
    root = page(shown)
    return dict(
        zip((e.text for e in root.all("dt")), (e.text for e in root.all("dd")), strict=True)
    )


def both(shown: UserSession, label: str) -> str:
    """Return what a table and a card both show for a session."""
    said = cells(shown)[label]
    assert facts(shown).get(label, "") == said
    return said


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Return a function that sets this machine's zone, which is put back."""
    if not hasattr(time, "tzset"):
        pytest.skip("the zone of this system cannot be set")

    def set_zone(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield set_zone
    monkeypatch.undo()
    time.tzset()


def everywhere(text: str) -> UserSession:
    """Return a session in which every text that a stranger, or Webex, may choose is this one."""
    words = {"name": text, "phoneNumber": text, "email": text, "primaryDisplayString": text}
    return session(
        sessionId=f"1{text}",
        disposition=text,
        direction=text,
        sessionType=text,
        self=words | {"cucmDN": text},
        other=words,
        callingSpecifics={"redirectionDetails": words | {"reason": text}},
    )


@pytest.mark.parametrize("text", [*STRANGERS, *UNSEEN], ids=start)
def test_no_element_and_no_attribute_comes_from_a_stranger(text: str) -> None:
    """With any text in every field, table and card have the elements of a harmless one."""
    shown, harmless = everywhere(text), everywhere("Ada" if text in STRANGERS else text)
    for picture, model in ((shown, harmless), (history(shown), history(harmless))):
        assert skeleton(page(picture)) == skeleton(page(model))


def skeleton(root: Element) -> list[tuple[str, list[str]]]:
    return [(element.tag, sorted(element.attributes)) for element in root.all()]


@pytest.mark.parametrize("text", STRANGERS, ids=start)
def test_what_webex_says_of_a_failure_is_text(text: str) -> None:
    """Neither the words nor the tracking id of a failure can be elements."""
    failed = JanusResponseEvent(
        status_code=500, data=HistoryData(error=text), message=text, tracking_id=text
    )

    assert {element.tag for element in page(failed).all()} == {"div", "style", "p", "strong"}


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("<b>Ada</b> & 'co' \"x\"", "<b>Ada</b> & 'co' \"x\""),
        ("&lt;b&gt;", "&lt;b&gt;"),
        ("\u202egnp.exe\u202c", "gnp.exe"),
        ("a\u2066b\u2069c", "abc"),
        ("Ada\r\n\tLove\x00lace ", "Ada Love lace"),
        ("a\ud800b", "a\ufffdb"),
        ("\u0645\u062d\u0645\u062f", "\u0645\u062d\u0645\u062f"),
        ("\U0001f469\u200d\U0001f4bb", "\U0001f469\u200d\U0001f4bb"),
    ],
    ids=start,
)
def test_a_name_is_seen_as_it_is(name: str, seen: str) -> None:
    """A name is shown exactly, also as the tooltip, but for what reverses or breaks a line."""
    root = page(history(session(other={"name": name})))
    (bdi,) = next(e for e in root.all("td") if "ch-who" in e.classes).all("bdi")

    assert (bdi.text, bdi.attributes) == (seen, {"title": seen})


def test_a_page_stays_small_whatever_the_names() -> None:
    """Names of a megabyte each are cut, so that a full table stays below one megabyte."""
    long = "<&\"'" * 250_000
    html = history(*[session(other={"name": long, "phoneNumber": long})] * ROWS)._repr_html_()

    assert len(html) < 2_000_000
    assert "…" in html


@pytest.mark.parametrize("nobody", UNSEEN, ids=start)
@pytest.mark.parametrize(("private", "seen"), [(True, "Private"), (False, "Unknown")])
def test_who_cannot_be_seen_is_private_or_unknown(nobody: str, private: bool, seen: str) -> None:
    """A name that nobody can see is shown as private or unknown, in a style that no name has."""
    other = {"name": nobody, "phoneNumber": nobody, "isPrivate": private}
    root = page(history(session(other=other)))
    who = next(element for element in root.all("td") if "ch-who" in element.classes)

    assert who.text == seen
    assert [element.tag for element in who.all()] == ["i"]
    assert next(page(session(other=other)).all("p")).text == seen


@pytest.mark.parametrize(
    ("other", "who", "number"),
    [
        ({"name": "Ada", "phoneNumber": "+12065550102"}, "Ada", "+12065550102"),
        ({"primaryDisplayString": "Ada O.", "email": "a@b.example"}, "Ada O.", "a@b.example"),
        ({"email": "a@b.example"}, "a@b.example", "a@b.example"),
        ({"phoneNumber": "+12065550102"}, "Unknown", "+12065550102"),
        ({"name": "Ada", "isPrivate": True}, "Ada", ""),
        ({}, "Unknown", ""),
    ],
)
def test_the_other_side_is_shown_by_what_there_is(
    other: dict[str, Any], who: str, number: str
) -> None:
    """The other side is shown by a name, and by its number or else its e-mail address."""
    row = cells(session(other=other))

    assert (row["Who"], row["Number or e-mail"]) == (who, number)


@pytest.mark.parametrize(
    ("disposition", "is_read", "seen"),
    [
        ("MISSED", None, "● Missed, unread"),
        ("MISSED", True, "Missed"),
        ("Answered", False, "Answered"),
        ("INITIATED", None, "Initiated"),
        ("Voicemail <1>", None, "Voicemail <1>"),
        (None, None, ""),
    ],
)
def test_unread_missed_calls_stand_out_in_words(
    disposition: str | None, is_read: bool | None, seen: str
) -> None:
    """An unread missed call stands out by words and strong type, not by colour alone."""
    shown = session(disposition=disposition, isRead=is_read)
    root = page(history(shown))

    assert both(shown, "Result") == seen
    unread = seen.startswith("●")
    assert any("ch-unread" in row.classes for row in root.all("tr")) is unread
    assert any(strong.text == seen for strong in root.all("strong")) is unread


@pytest.mark.parametrize(
    ("direction", "seen"),
    [
        ("INCOMING", "\u2199\ufe0e Incoming"),
        ("OUTGOING", "\u2197\ufe0e Outgoing"),
        ("SIDEWAYS", "SIDEWAYS"),
        (None, ""),
    ],
)
def test_a_direction_is_an_arrow_and_a_word(direction: str | None, seen: str) -> None:
    """A direction has a word beside its arrow; a screen reader reads only the word."""
    shown = session(direction=direction)

    assert both(shown, "Direction") == seen
    for arrow in page(shown).all("span"):
        if arrow.text in ("\u2199\ufe0e", "\u2197\ufe0e"):
            assert arrow.attributes["aria-hidden"] == "true"


@pytest.mark.parametrize(
    ("seconds", "older", "seen"),
    [
        (42, 41, "0:42"),
        (None, 41, "0:41"),
        (725, None, "12:05"),
        (3_723, None, "1:02:03"),
        (0, 41, ""),
        (-5, None, ""),
    ],
)
def test_a_duration_is_minutes_and_seconds(
    seconds: int | None, older: int | None, seen: str
) -> None:
    """A duration has minutes and seconds, and hours if there are any; without one it is empty."""
    assert both(session(durationSeconds=seconds, durationSecs=older), "Duration") == seen


@pytest.mark.parametrize(
    ("user", "session_type", "seen"),
    [
        ({"ucmLineNumber": 2, "cucmDN": "5001", "phoneNumber": "+1"}, "WEBEXCALLING", "2 · 5001"),
        ({"phoneNumber": "+12065550101"}, "WEBEXCALLING", "+12065550101"),
        ({"phoneNumber": "+12065550101"}, "WEBEXCALLING_SHARED", "+12065550101 · shared"),
        ({"ucmLineNumber": 2}, "SPARK", "2"),
        ({}, "SPARK", ""),
    ],
)
def test_a_line_is_its_number(user: dict[str, Any], session_type: str, seen: str) -> None:
    """A line is shown by its place and number on Unified CM, or by the user's number."""
    assert both(session(self=user, sessionType=session_type), "Line") == seen


def test_a_time_is_in_the_viewers_zone(zone: Callable[[str], None]) -> None:
    """A time is shown in this machine's zone, which the caption names, and is machine-readable."""
    zone("CET-1")
    shown = session(startTime="2026-03-01T23:30:05.125Z", endTime="2026-03-01T23:59:00Z")
    root = page(history(shown))
    (moment,) = root.all("time")

    assert moment.text == "Mon 2026-03-02 00:30"
    assert moment.attributes == {
        "datetime": "2026-03-01T23:30:05.125Z",
        "title": "2026-03-02 00:30:05+01:00",
    }
    assert next(root.all("caption")).text.endswith("· times in CET (UTC+01:00)")
    assert facts(shown)["Began"] == "Mon 2026-03-02 00:30 CET (UTC+01:00)"
    assert facts(shown)["Ended"] == "Mon 2026-03-02 00:59 CET (UTC+01:00)"


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("CET-1CEST,M3.5.0,M10.5.0/3", "CEST (UTC+02:00) and CET (UTC+01:00)"),
        ("UTC0", "UTC"),
    ],
)
def test_a_caption_names_each_zone(name: str, seen: str, zone: Callable[[str], None]) -> None:
    """The caption names both zones of a change of clocks, and universal time without an offset."""
    zone(name)
    sessions = [session(startTime=f"2026-{month}-01T12:00:00Z") for month in ("07", "01", "06")]

    caption = next(page(history(*sessions)).all("caption")).text

    assert caption.endswith(f"· times in {seen}")


@pytest.mark.parametrize(
    ("name", "moment", "seen"),
    [
        ("EST5", datetime.min, "0001-01-01 00:00"),
        ("CET-1", datetime.min, "0001-01-01 01:00"),
        ("CET-1", datetime.max, "9999-12-31 23:59"),
        ("EST5", datetime.max, "9999-12-31 18:59"),
    ],
)
def test_the_ends_of_the_calendar_can_be_shown(
    name: str, moment: datetime, seen: str, zone: Callable[[str], None]
) -> None:
    """A time that has no place in the viewer's zone is shown in UTC."""
    zone(name)
    moment = moment.replace(tzinfo=UTC)
    shown = attrs.evolve(session(), start_time=moment, end_time=moment)

    for picture in (shown, history(shown)):
        assert seen in page(picture).text


def test_a_table_can_be_read_aloud() -> None:
    """The table has a caption, headings for columns and rows, and can be scrolled by keyboard."""
    root = page(history(session(), session()))
    (frame,) = (element for element in root.children if isinstance(element, Element))

    assert {head.attributes["scope"] for head in next(root.all("thead")).all("th")} == {"col"}
    for row in next(root.all("tbody")).all("tr"):
        assert [cell.tag for cell in _cells(row)] == ["th", *["td"] * 6]
        assert _cells(row)[0].attributes["scope"] == "row"
    assert frame.attributes == {
        "class": "callhistory",
        "lang": "en",
        "dir": "ltr",
        "role": "region",
        "aria-label": "Call history",
        "tabindex": "0",
    }


def test_a_caption_counts() -> None:
    """The caption counts calls, missed calls, and the unread ones among them."""
    missed = [session(isRead=is_read) for is_read in (True, False, None)]
    answered = session(disposition="Answered", isRead=False)

    assert next(page(history(*missed, answered)).all("caption")).text.startswith(
        "4 calls · 3 missed, 2 unread · times in"
    )
    assert next(page(history(answered)).all("caption")).text.startswith("1 call · none missed · ")


@pytest.mark.parametrize(
    ("more", "left_out"), [(0, None), (1, "1 more call"), (1_300, "1,300 more calls")]
)
def test_a_long_history_is_cut_and_says_so(more: int, left_out: str | None) -> None:
    """A table has two hundred rows at most, and says above and below that there are more calls."""
    root = page(history(*[session()] * (ROWS + more)))

    assert len(list(next(root.all("tbody")).all("tr"))) == ROWS == 200
    counted = f"{ROWS + more:,} calls{', the first 200 shown' if more else ' ·'}"
    assert next(root.all("caption")).text.startswith(counted)
    feet = [foot.text for foot in root.all("tfoot")]
    assert [left_out in foot for foot in feet if left_out] == ([True] if left_out else [])
    assert bool(feet) == bool(more)


@pytest.mark.parametrize("sessions", [(), None])
def test_an_empty_history_says_so(sessions: tuple[UserSession, ...] | None) -> None:
    """A history without calls shows a sentence, not a table without rows."""
    shown = JanusResponseEvent(status_code=200, data=HistoryData(user_sessions=sessions))

    assert page(shown).text == "No calls in this history."
    assert not list(page(shown).all("table"))


@pytest.mark.parametrize(
    ("error", "tracking_id"),
    [("User request is forbidden", "callhistory_7"), (None, None)],
)
def test_a_failed_history_shows_its_error(error: str | None, tracking_id: str | None) -> None:
    """A failure shows its status, its words and what Webex support asks for; it does not raise."""
    shown = JanusResponseEvent(
        status_code=403, data=HistoryData(error=error), message="FAILURE", tracking_id=tracking_id
    )

    for words in ("Failed: 403", error or "no reason given", tracking_id or ""):
        assert words in page(shown).text
    assert not list(page(shown).all("table"))


def test_a_card_says_all_there_is() -> None:
    """A card has the name as its title, and a label for each thing that is known about the call."""
    shown = session(isRead=None)

    assert next(page(shown).all("p")).text == "Ada"
    assert facts(shown).items() >= {
        ("Number", "+12065550102"),
        ("E-mail", "ada@example.com"),
        ("Redirected", "by Front desk · busy"),
        ("Session ID", "8b2f6c1e-0d4a-4c57-9a55-000000000002"),
    }
    assert "ch-unread" in next(page(shown).all("div")).classes


@pytest.mark.parametrize(
    ("details", "seen"),
    [
        ({"reason": "noAnswer", "phoneNumber": "+1"}, "by +1 · no answer"),
        ({"reason": "callForwardAll", "isPrivate": True}, "by Private · call forward all"),
        ({"name": "Desk"}, "by Desk"),
        ({}, None),
    ],
)
def test_a_card_says_who_redirected_and_why(details: dict[str, Any], seen: str | None) -> None:
    """A redirection is shown by name, or number, and by its reason in plain words."""
    shown = session(callingSpecifics={"redirectionDetails": details})

    assert facts(shown).get("Redirected") == seen


def test_a_bare_session_has_a_card_and_a_row() -> None:
    """The card and the row of a session that has only two times and an id show these."""
    bare = from_wire(UserSession, a_bare_session())

    assert set(facts(bare)) == {"Began", "Ended", "Session ID"}
    row = cells(bare)
    assert row.pop("When")
    assert row.pop("Who") == "Unknown"
    assert set(row.values()) == {""}


def test_styles_stay_within_what_they_are_for() -> None:
    """Every rule of the style sheet is for the class of this library, and it loads nothing."""
    for picture in (history(session()), session()):
        (style,) = page(picture).all("style")
        sheet = "".join(child for child in style.children if isinstance(child, str))
        selectors = [
            selector.strip()
            for rule in sheet.replace("@supports (color: color-mix(in srgb, red, blue)) {", "")
            .replace("\n}\n}", "\n}")
            .split("}")
            for selector in rule.split("{")[0].split(",\n")
            if "{" in rule
        ]
        assert selectors
        assert all(selector.startswith(".callhistory.callhistory") for selector in selectors)
        assert "url(" not in sheet
        assert "@import" not in sheet
