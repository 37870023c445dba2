"""The archive's program, paused in the middle of a transaction until it is killed.

    python -m tests.examples.archive_paused NUMBER [options of examples/archive.py]

It prints a line when the transaction of this number has written everything and not committed.
"""

from __future__ import annotations

import itertools
import runpy
import signal
import sys

from sqlalchemy import Connection, Engine, event

from tests.support.programs import ROOT

PAUSED = "in the middle"


def main() -> None:
    number = int(sys.argv.pop(1))
    commits = itertools.count(1)

    @event.listens_for(Engine, "commit")
    def stand_still(_connection: Connection) -> None:
        if next(commits) == number:
            sys.stdout.write(f"{PAUSED}\n")
            sys.stdout.flush()
            signal.pause()

    program = ROOT / "examples" / "archive.py"
    sys.path.insert(0, str(program.parent))
    runpy.run_path(str(program), run_name="__main__")


if __name__ == "__main__":
    main()
