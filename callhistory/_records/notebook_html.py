"""How records look in a notebook: a history as a table, a session as a card.

Names and numbers come from strangers, so every text that is shown passes through one function,
``_safe``, which makes it harmless. The colours are mixed from the colour of the surrounding text,
which is dark in a light theme and light in a dark one. There is no script, and the page is
readable without styles.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING
from unicodedata import category

from .enums import Direction, Disposition, SessionType

if TYPE_CHECKING:
    from .sessions import UserSession

ROWS = 200

# No real name is longer, and a stranger must not be able to fill the page.
_LONGEST = 300
# Embeddings, overrides and isolates: they reverse the text that follows them.
_REVERSING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_ARROWS = {Direction.INCOMING: "\u2199\ufe0e", Direction.OUTGOING: "\u2197\ufe0e"}
_COLUMNS = ("When", "Direction", "Who", "Number or e-mail", "Result", "Duration", "Line")

# The class is doubled so that it outranks a notebook's own styles for tables.
_STYLE = """<style>
.callhistory.callhistory {
  --ch-quiet: GrayText; --ch-line: GrayText; --ch-alarm: inherit; --ch-tint: transparent;
  max-width: 100%; overflow-x: auto; color: inherit; font-size: 0.9rem; line-height: 1.45;
}
@supports (color: color-mix(in srgb, red, blue)) {
  .callhistory.callhistory {
    --ch-quiet: color-mix(in srgb, currentColor 68%, transparent);
    --ch-line: color-mix(in srgb, currentColor 16%, transparent);
    --ch-alarm: color-mix(in srgb, #e0245e 74%, currentColor);
    --ch-tint: color-mix(in srgb, #e0245e 9%, transparent);
  }
}
.callhistory.callhistory table {
  border-collapse: collapse; margin: 0; color: inherit; table-layout: auto;
  font-variant-numeric: tabular-nums;
}
.callhistory.callhistory caption {
  caption-side: top; text-align: start; padding: 0 0.6em 0.5em; color: inherit;
}
.callhistory.callhistory :is(th, td) {
  padding: 0.3em 0.6em; text-align: start; vertical-align: baseline; white-space: nowrap;
  font-weight: inherit; border: 0; border-bottom: 1px solid var(--ch-line); background: none;
}
.callhistory.callhistory thead th {
  color: var(--ch-quiet); font-size: 0.85em; padding-inline: calc(0.6em / 0.85);
}
.callhistory.callhistory tbody tr { background: none; }
.callhistory.callhistory tbody tr.ch-unread { background: var(--ch-tint); }
.callhistory.callhistory tr.ch-unread th { box-shadow: inset 3px 0 var(--ch-alarm); }
.callhistory.callhistory .ch-unread :is(.ch-who, .ch-result) { font-weight: 600; }
.callhistory.callhistory .ch-result strong { color: var(--ch-alarm); }
.callhistory.callhistory .ch-duration { text-align: end; }
.callhistory.callhistory .ch-quiet { color: var(--ch-quiet); }
.callhistory.callhistory bdi {
  display: inline-block; max-width: 17em; overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; vertical-align: bottom;
}
.callhistory.callhistory p { margin: 0; padding: 0.3em 0.6em; }
.callhistory.callhistory.ch-card {
  box-sizing: border-box; width: fit-content; min-width: min(22em, 100%);
  border: 1px solid var(--ch-line); border-radius: 6px; padding: 0.9em 1.1em;
}
.callhistory.callhistory.ch-card.ch-unread { border-left: 3px solid var(--ch-alarm); }
.callhistory.callhistory.ch-card p { padding: 0; }
.callhistory.callhistory.ch-card p.ch-who { font-size: 1.2em; font-weight: 600; }
.callhistory.callhistory.ch-card dl {
  display: grid; grid-template-columns: max-content 1fr; gap: 0.2em 1.2em; margin: 0.7em 0 0;
  font-variant-numeric: tabular-nums;
}
.callhistory.callhistory.ch-card :is(dt, dd) {
  display: block; float: none; width: auto; margin: 0; padding: 0; font-weight: inherit;
}
.callhistory.callhistory.ch-card dt { color: var(--ch-quiet); }
.callhistory.callhistory.ch-card bdi { max-width: 24em; }
</style>"""


def table(sessions: Sequence[UserSession]) -> str:
    """Return a history as an HTML table of its first sessions, at most :data:`ROWS`."""
    if not sessions:
        return _frame("<p>No calls in this history.</p>")
    shown = sessions[:ROWS]
    heads = "".join(
        f'<th scope="col" class="ch-{name.split()[0].lower()}">{name}</th>' for name in _COLUMNS
    )
    rows = "\n".join(map(_row, shown))
    left_out = len(sessions) - len(shown)
    foot = (
        f'<tfoot><tr><td colspan="{len(_COLUMNS)}">and {_count(left_out, "more call")}: '
        "data.user_sessions has them all</td></tr></tfoot>\n"
        if left_out
        else ""
    )
    return _frame(
        f"<table>\n<caption>{_summary(sessions, shown)}</caption>\n"
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n{foot}</table>",
        ' role="region" aria-label="Call history" tabindex="0"',
    )


def failure(status_code: int, error: str | None, tracking_id: str | None) -> str:
    """Return a failed history as HTML: its error, so that it can't be mistaken for an empty one."""
    words = _safe(error) or "no reason given"
    hint = f'<p class="ch-quiet">Tracking ID {_safe(tracking_id)}</p>' if tracking_id else ""
    return _frame(f"<p><strong>Failed: {status_code}</strong> {words}</p>{hint}")


def card(session: UserSession) -> str:
    """Return one session as an HTML card."""
    start, end = _local(session.start_time), _local(session.end_time)
    result = _result(session)
    facts = {
        "Result": result and f'<span class="ch-result">{result}</span>',
        "Direction": _direction(session),
        "Number": _bdi(session.other.phone_number),
        "E-mail": _bdi(session.other.email),
        "Began": f"{_time(start, session.start_time)} {_quiet(_zone(start))}",
        "Ended": f"{_time(end, session.end_time)} {_quiet(_zone(end))}",
        "Duration": _duration(session),
        "Line": _line(session),
        "Redirected": _redirected(session),
        "Session ID": _quiet(_bdi(session.session_id)),
    }
    rows = "\n".join(f"<dt>{name}</dt><dd>{fact}</dd>" for name, fact in facts.items() if fact)
    kind = "callhistory ch-card ch-unread" if _is_unread(session) else "callhistory ch-card"
    return _frame(f'<p class="ch-who">{_who(session)}</p>\n<dl>\n{rows}\n</dl>', kind=kind)


def _frame(content: str, attributes: str = "", kind: str = "callhistory") -> str:
    opening = f'<div class="{kind}" lang="en" dir="ltr"{attributes}>'
    return f"{opening}\n{_STYLE}\n{content}\n</div>"


def _summary(sessions: Sequence[UserSession], shown: Sequence[UserSession]) -> str:
    missed = sum(session.disposition == Disposition.MISSED for session in sessions)
    unread = sum(map(_is_unread, sessions))
    zones = list(dict.fromkeys(_zone(_local(session.start_time)) for session in shown))
    counts = f"{missed:,} missed, {unread:,} unread" if missed else "none missed"
    times = f"times in {' and '.join(zones)}" if len(zones) < 3 else "local times"
    calls = _count(len(sessions), "call")
    if len(sessions) > len(shown):
        calls = f"{calls}, the first {len(shown)} shown"
    return f"<strong>{calls}</strong> {_quiet(f'· {counts} · {times}')}"


def _row(session: UserSession) -> str:
    opening = '<tr class="ch-unread">' if _is_unread(session) else "<tr>"
    return (
        f'{opening}<th scope="row">{_time(_local(session.start_time), session.start_time)}</th>'
        f"<td>{_direction(session)}</td>"
        f'<td class="ch-who">{_who(session)}</td>'
        f"<td>{_bdi(session.other.phone_number) or _bdi(session.other.email)}</td>"
        f'<td class="ch-result">{_result(session)}</td>'
        f'<td class="ch-duration">{_duration(session)}</td>'
        f"<td>{_quiet(_line(session))}</td></tr>"
    )


def _is_unread(session: UserSession) -> bool:
    return session.disposition == Disposition.MISSED and not session.is_read


def _who(session: UserSession) -> str:
    other = session.other
    name = _bdi(other.name) or _bdi(other.primary_display_string) or _bdi(other.email)
    return name or f'<i class="ch-quiet">{"Private" if other.is_private else "Unknown"}</i>'


def _result(session: UserSession) -> str:
    if _is_unread(session):
        return "<strong>● Missed, unread</strong>"
    disposition = session.disposition
    if not isinstance(disposition, Disposition):
        return _bdi(disposition)
    return disposition.value.capitalize()


def _direction(session: UserSession) -> str:
    direction = session.direction
    if not isinstance(direction, Direction):
        return _bdi(direction)
    arrow = f'<span aria-hidden="true" class="ch-quiet">{_ARROWS[direction]}</span>'
    return f"{arrow} {direction.value.capitalize()}"


def _duration(session: UserSession) -> str:
    seconds = session.duration_seconds
    if seconds is None:
        seconds = session.duration_secs
    if not seconds or seconds < 0:
        return ""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _line(session: UserSession) -> str:
    user = session.self_
    number = _bdi(user.cucm_dn) or _bdi(user.phone_number)
    ordinal = "" if user.ucm_line_number is None else f"{user.ucm_line_number}"
    shared = "shared" if session.session_type == SessionType.WEBEX_CALLING_SHARED else ""
    return " · ".join(filter(None, [ordinal, number, shared]))


def _redirected(session: UserSession) -> str:
    specifics = session.calling_specifics
    details = specifics.redirection_details if specifics else None
    if details is None:
        return ""
    by = _bdi(details.name) or _bdi(details.phone_number)
    if not by and details.is_private:
        by = '<i class="ch-quiet">Private</i>'
    reason = _bdi(re.sub("(?<=[a-z])(?=[A-Z])", " ", details.reason or "").lower())
    return " · ".join(filter(None, [f"by {by}" if by else "", reason]))


def _local(moment: datetime) -> datetime:
    try:
        return moment.astimezone()
    except (OverflowError, ValueError, OSError):  # the far ends of the calendar
        return moment.astimezone(UTC)


def _zone(moment: datetime) -> str:
    offset = moment.replace(microsecond=0).isoformat()[len("2026-03-01T09:00:00") :]
    name = _safe(moment.tzname())
    return name if offset == "+00:00" else f"{name} (UTC{offset})"


def _time(local: datetime, moment: datetime) -> str:
    day = f"{_WEEKDAYS[local.weekday()]} {local.date().isoformat()}"
    exact = f"{local.isoformat(' ', 'seconds')}"
    machine = moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return (
        f'<time datetime="{machine}" title="{exact}">{_quiet(day)} '
        f"{local.time().isoformat('minutes')}</time>"
    )


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _quiet(html: str) -> str:
    return f'<span class="ch-quiet">{html}</span>'


def _bdi(text: str | None) -> str:
    """Return a stranger's text as HTML, isolated: its direction does not affect its neighbours."""
    safe = _safe(text)
    return safe and f'<bdi title="{safe}">{safe}</bdi>'


def _safe(text: str | None) -> str:
    """Return a text made harmless in HTML and its attributes; empty if it would be invisible."""
    if not text:
        return ""
    text = text[: _LONGEST + 1]
    text = _SURROGATE.sub("\ufffd", _REVERSING.sub("", text))
    text = "".join(" " if category(char) in ("Cc", "Zl", "Zp") else char for char in text)
    text = " ".join(text.split())
    if all(category(char)[0] in "CZ" for char in text):
        return ""
    return escape(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
