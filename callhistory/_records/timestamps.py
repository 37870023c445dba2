"""Times as Webex writes them: ISO 8601, and milliseconds since 1970."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_ONE_DAY = timedelta(days=1)


def read_time(text: str) -> datetime:
    """Read an ISO 8601 time with an offset into UTC; it names the instant that JavaScript reads.

    Any number of fraction digits is accepted; those past the microsecond are cut off.

    Raises:
        ValueError: it is malformed, has no offset, or lies outside the years 1 to 9999.
            The text is not in the error.
    """
    moment: datetime | None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = _read_rarity(text)
    if moment is None or moment.tzinfo is None or text[10] not in "Tt ":
        raise ValueError("not an ISO 8601 time with an offset")
    return moment if moment.tzinfo is UTC else in_utc(moment)


def _read_rarity(text: str) -> datetime | None:
    """Read what JavaScript knows and Python does not: a small z, and 24:00, the end of a day."""
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
    """Give an aware time in UTC.

    Raises:
        ValueError: it has no offset, or in UTC it lies outside the years 1 to 9999.
    """
    if moment.utcoffset() is None:
        raise ValueError("a time without an offset")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time outside the years 1 to 9999") from None


def write_time(moment: datetime) -> str:
    """Write an aware time as Webex does: UTC, milliseconds (or microseconds, if any), ``Z``.

    Raises:
        ValueError: it has no offset, or in UTC it lies outside the years 1 to 9999.
    """
    moment = in_utc(moment)
    precision = "microseconds" if moment.microsecond % 1000 else "milliseconds"
    return moment.isoformat(timespec=precision).removesuffix("+00:00") + "Z"


def epoch_ms(moment: datetime) -> int:
    """Count the whole milliseconds from 1970 to an aware time, as JavaScript's ``getTime`` does."""
    return (moment - EPOCH) // _MILLISECOND


def from_epoch_ms(milliseconds: int) -> datetime:
    """Read milliseconds since 1970.

    Raises:
        OverflowError: it lies outside the years 1 to 9999.
    """
    return EPOCH + timedelta(milliseconds=milliseconds)


def whole_ms(moment: datetime) -> datetime:
    """Cut off what is less than a millisecond, as Webex's own times do."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
