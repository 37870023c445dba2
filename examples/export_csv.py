"""Export the whole call history as CSV for a spreadsheet, or as JSON lines that lose nothing.

It needs no account: it brings a Webex of its own, on this machine. With WEBEX_ACCESS_TOKEN set it
asks the real one. Either way it only reads.

    python examples/export_csv.py --days 30 --output calls.csv
    python examples/export_csv.py --days 30 --output calls.jsonl

A line of JSON is a session as Webex sent it, and from_wire makes the same record of it again:

    [from_wire(UserSession, json.loads(line)) for line in open("calls.jsonl", encoding="utf-8")]
"""

import contextlib
import csv
import io
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from account import connect, new_parser, run, whole_history, whole_number

from callhistory import UserSession, to_wire

COLUMNS: dict[str, Callable[[UserSession], Any]] = {
    "session_id": lambda s: s.session_id,
    "start_time": lambda s: s.start_time.isoformat(timespec="milliseconds"),
    "end_time": lambda s: s.end_time.isoformat(timespec="milliseconds"),
    "direction": lambda s: s.direction,
    "disposition": lambda s: s.disposition,
    "session_type": lambda s: s.session_type,
    "duration_seconds": lambda s: s.duration_seconds,
    "is_read": lambda s: s.is_read,
    "other_name": lambda s: s.other.name,
    "other_phone_number": lambda s: s.other.phone_number,
    "other_email": lambda s: s.other.email,
    "other_is_private": lambda s: s.other.is_private,
    "self_name": lambda s: s.self_.name,
    "self_phone_number": lambda s: s.self_.phone_number,
}
FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")  # the wide ones, too
NUMBER = re.compile(r"\+?\d+")


def cell(value: Any) -> Any:
    """Escape text that a spreadsheet would run as a formula, such as =HYPERLINK("…")."""
    if isinstance(value, str) and value.lstrip()[:1] in FORMULA and not NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def csv_rows(sessions: Iterable[UserSession]) -> Iterator[bytes]:
    line = io.StringIO(newline="")
    writer = csv.writer(line)
    writer.writerow(COLUMNS)
    for session in sessions:
        writer.writerow([cell(read(session)) for read in COLUMNS.values()])
        yield line.getvalue().encode("utf-8", "replace")
        line.seek(0)
        line.truncate()
    yield line.getvalue().encode("utf-8", "replace")  # the heading, where there is no session


def json_lines(sessions: Iterable[UserSession]) -> Iterator[bytes]:
    for session in sessions:
        wire = to_wire(session)
        try:
            yield json.dumps(wire, ensure_ascii=False).encode() + b"\n"
        except UnicodeEncodeError:  # half of a pair of surrogates, which JSON has and UTF-8 has not
            yield json.dumps(wire).encode() + b"\n"


FORMATS = {"csv": csv_rows, "jsonl": json_lines}


@contextlib.contextmanager
def open_output(file: Path | None) -> Iterator[BinaryIO]:
    """Open a file that appears only when it is complete, or standard output."""
    if file is None:
        yield sys.stdout.buffer
        return
    if file.exists() and not file.is_file():  # a pipe, or a device
        with file.open("wb") as pipe:
            yield pipe
        return
    file = file.resolve()  # what a link leads to, and not the link
    if not file.parent.is_dir():
        raise ValueError(f"there is no folder {file.parent}")
    # Nobody else may read it: it says who called whom.
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".export-")
    try:
        with os.fdopen(descriptor, "wb") as new:
            yield new
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink()
        raise


def main() -> None:
    parser = new_parser(__doc__)
    parser.add_argument("--days", type=whole_number, default=30, help="how far back (default: 30)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="where to (default: printed)")
    parser.add_argument("--format", choices=FORMATS, help="default: as the file is called, or csv")
    options = parser.parse_args()
    suffix = options.output.suffix[1:].lower() if options.output else "csv"
    write = FORMATS.get(options.format or suffix, csv_rows)

    with connect() as client, open_output(options.output) as output:
        pages = whole_history(client, options.days)
        output.writelines(write(session for page in pages for session in page))
    if options.output:
        print(f"Written: {options.output}", file=sys.stderr)


if __name__ == "__main__":
    run(main)
