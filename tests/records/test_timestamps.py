"""Times: ISO 8601 texts and milliseconds since 1970."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from callhistory._records.timestamps import (
    EPOCH,
    epoch_ms,
    from_epoch_ms,
    in_utc,
    read_time,
    whole_ms,
    write_time,
)

# What new Date(text).getTime() gives for each text in JavaScript.
JAVASCRIPT: list[tuple[str, int]] = [
    (text, milliseconds)
    for text, milliseconds in json.loads(
        (Path(__file__).parents[1] / "support" / "data" / "javascript_dates.json").read_text(
            "utf-8"
        )
    )["dates"]
]
FIRST_MS, LAST_MS = -62_135_596_800_000, 253_402_300_799_999
OUTSIDE = ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59.999-14:00"]

quick = settings(max_examples=200)
offsets = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def in_ms(moment: datetime) -> int:
    """Count the milliseconds in integers, in another way than the library does."""
    offset = moment.utcoffset()
    assert offset is not None
    seconds = (moment.toordinal() - EPOCH.toordinal()) * 86400
    seconds += moment.hour * 3600 + moment.minute * 60 + moment.second
    seconds -= offset.days * 86400 + offset.seconds
    return seconds * 1000 + moment.microsecond // 1000


@pytest.mark.parametrize(
    ("text", "milliseconds"), [pair for pair in JAVASCRIPT if pair[0] not in OUTSIDE]
)
def test_a_text_gives_the_milliseconds_of_javascript(text: str, milliseconds: int) -> None:
    """A text names the instant that JavaScript's ``new Date(text)`` names, in UTC."""
    moment = read_time(text)

    assert epoch_ms(moment) == milliseconds
    assert moment.tzinfo is UTC


@pytest.mark.parametrize(
    "text", [*OUTSIDE, "9999-12-31T24:00:00Z", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z"]
)
def test_a_time_that_no_datetime_can_hold_is_refused(text: str) -> None:
    """A time before the year 1 or after 9999 raises ValueError, whose text does not show it."""
    with pytest.raises(ValueError, match=r"^(a time outside the years|not an ISO 8601 time)") as no:
        read_time(text)

    assert text not in str(no.value)


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-06T07:08:09",
        "2024-05-06T24:00:00",
        "2024-05-06",
        "20240506T070809Z",
        "2024-05-06T24:00:01Z",
        "2024-05-06T24:01:00Z",
        "2024-05-06T24:00:00.001Z",
        "2024-05-06z07:08:09Z",
        "2024-05-06T07:08:09UTC",
        "2024-05-06T07:08:09Z ",
        "2023-02-29T00:00:00Z",
        "1715000000000",
        "",
        "\ud800" * 24,
        "٢٠٢٤-05-06T07:08:09Z",
    ],
)
def test_a_text_that_is_no_time_with_an_offset_is_refused(text: str) -> None:
    """A malformed text, or one without an offset, raises a ValueError that does not show it."""
    with pytest.raises(ValueError, match=r"^not an ISO 8601 time with an offset$") as refused:
        read_time(text)

    assert refused.value.__context__ is None


@quick
@given(st.datetimes(timezones=offsets))
def test_what_is_written_reads_the_same(moment: datetime) -> None:
    """An aware time survives being written and read, to the microsecond, in UTC."""
    assume(FIRST_MS <= in_ms(moment) <= LAST_MS)

    text = write_time(moment)

    assert read_time(text) == moment
    assert text.endswith("Z")
    assert len(text) == (27 if moment.microsecond % 1000 else 24)


@quick
@given(st.datetimes(timezones=offsets))
def test_milliseconds_are_counted_in_integers(moment: datetime) -> None:
    """The milliseconds of an aware time are exact and rounded down, before 1970 too."""
    assert epoch_ms(moment) == in_ms(moment)


@quick
@given(st.integers(FIRST_MS, LAST_MS))
def test_milliseconds_read_back_the_same(milliseconds: int) -> None:
    """Milliseconds within the years 1 to 9999 survive being read as a time and counted again."""
    assert epoch_ms(from_epoch_ms(milliseconds)) == milliseconds


@quick
@given(
    moment=st.datetimes().map(lambda moment: moment.replace(microsecond=0)),
    digits=st.text("0123456789", max_size=30),
    zone=offsets,
    separator=st.sampled_from("Tt "),
    colon=st.sampled_from([":", ""]),
)
def test_any_offset_and_any_number_of_fraction_digits_is_read(
    moment: datetime, digits: str, zone: timezone, separator: str, colon: str
) -> None:
    """A text with any offset and any number of fraction digits gives its exact millisecond."""
    aware = moment.replace(tzinfo=zone)
    assume(FIRST_MS <= in_ms(aware) <= LAST_MS - 999)
    offset = aware.strftime("%z")
    text = f"{moment.isoformat(separator)}{'.' if digits else ''}{digits}"

    read = read_time(f"{text}{offset[:3]}{colon}{offset[3:]}")

    assert epoch_ms(read) == in_ms(aware) + int(f"{digits}000"[:3])
    assert read.microsecond == int(f"{digits}000000"[:6])


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 3, 1, 9, tzinfo=UTC), "2026-03-01T09:00:00.000Z"),
        (datetime(2026, 3, 1, 9, 0, 0, 250000, tzinfo=UTC), "2026-03-01T09:00:00.250Z"),
        (datetime(2026, 3, 1, 9, 0, 0, 250001, tzinfo=UTC), "2026-03-01T09:00:00.250001Z"),
        (
            datetime(2026, 3, 1, 0, 30, tzinfo=timezone(timedelta(hours=1))),
            "2026-02-28T23:30:00.000Z",
        ),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000Z"),
    ],
)
def test_a_time_is_written_as_webex_writes_it(moment: datetime, text: str) -> None:
    """A time is written in UTC with milliseconds and a Z, microseconds only where it has some."""
    assert write_time(moment) == text


@quick
@given(st.datetimes(timezones=offsets))
def test_what_is_less_than_a_millisecond_is_cut_off(moment: datetime) -> None:
    """A time is rounded down to whole milliseconds, and keeps its zone."""
    cut = whole_ms(moment)

    assert timedelta() <= moment - cut < timedelta(milliseconds=1)
    assert cut.microsecond % 1000 == 0
    assert cut.tzinfo is moment.tzinfo


@pytest.mark.parametrize("use", [in_utc, write_time])
def test_a_naive_time_is_never_taken_for_this_machines_own(
    use: Callable[[datetime], object],
) -> None:
    """A time without an offset is refused instead of being read in this machine's time zone."""
    with pytest.raises(ValueError, match=r"^a time without an offset$"):
        use(datetime(2026, 3, 1))


@pytest.mark.parametrize("use", [in_utc, write_time])
@pytest.mark.parametrize(
    "moment",
    [
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_a_time_that_utc_has_no_year_for_is_refused(
    use: Callable[[datetime], object], moment: datetime
) -> None:
    """An aware time that lies outside the years 1 to 9999 in UTC raises ValueError."""
    with pytest.raises(ValueError, match=r"^a time outside the years 1 to 9999$"):
        use(moment)
