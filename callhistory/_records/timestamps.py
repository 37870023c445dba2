"""Times as Webex writes them: ISO 8601, and milliseconds since 1970."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_ONE_DAY = timedelta(days=1)
_from_iso_format = datetime.fromisoformat  # without two lookups for each time of a page


def read_time(text: str) -> datetime:
    """Return, in UTC, the time of an ISO 8601 string with an offset, as JavaScript reads it.

    It may have any number of fraction digits; those beyond the microsecond are dropped.

    Raises:
        ValueError: the string is malformed, has no offset, or is a time outside the years 1 to
            9999. The error does not show it.
    """
    moment: datetime | None
    try:
        moment = _from_iso_format(text)
    except ValueError:
        moment = _read_as_javascript(text)
    if moment is None or moment.tzinfo is None or text[10] not in "Tt ":
        raise ValueError("not an ISO 8601 time with an offset")
    return moment if moment.tzinfo is UTC else in_utc(moment)


def _read_as_javascript(text: str) -> datetime | None:
    """Read the forms that Python does not: a lower-case z, and 24:00 as the end of a day."""
    text = text.replace("z", "Z")
    day_ends = text[11:16] == "24:00"
    try:
        moment = datetime.fromisoformat(f"{text[:11]}00{text[13:]}" if day_ends else text)
        if not day_ends:
            return moment
        if moment.second or moment.microsecond:
            return None
        return moment + _ONE_DAY
    except (ValueError, OverflowError):
        return None


def in_utc(moment: datetime) -> datetime:
    """Return an aware time in UTC.

    Raises:
        ValueError: the time has no offset, or is outside the years 1 to 9999 in UTC.
    """
    if moment.utcoffset() is None:
        raise ValueError("a time without an offset")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time outside the years 1 to 9999") from None


def write_time(moment: datetime) -> str:
    """Return an aware time as Webex writes it, such as ``2026-01-31T09:30:00.000Z``.

    It has milliseconds, or microseconds if the time has any.

    Raises:
        ValueError: the time has no offset, or is outside the years 1 to 9999 in UTC.
    """
    moment = in_utc(moment)
    precision = "microseconds" if moment.microsecond % 1000 else "milliseconds"
    return moment.isoformat(timespec=precision).removesuffix("+00:00") + "Z"


def epoch_ms(moment: datetime) -> int:
    """Return the whole milliseconds from 1970 to an aware time, as JavaScript's ``getTime``."""
    return (moment - EPOCH) // _MILLISECOND


def from_epoch_ms(milliseconds: int) -> datetime:
    """Return, in UTC, the time that is ``milliseconds`` after the beginning of 1970.

    Raises:
        OverflowError: the time is outside the years 1 to 9999.
    """
    return EPOCH + timedelta(milliseconds=milliseconds)


def whole_ms(moment: datetime) -> datetime:
    """Return a time cut to whole milliseconds, like Webex's own times."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
