"""The examples and the README do what they say."""

from __future__ import annotations

import json
import re
import signal
import stat
import sys
from pathlib import Path

import pytest

from callhistory.sandbox import Sandbox
from tests.support.programs import ROOT, account_of, run, run_until

SANDBOX_NOTE = "No WEBEX_ACCESS_TOKEN: a Webex on this machine, with sample calls.\n"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_quickstart_needs_no_account() -> None:
    """The quickstart prints a table, what it marked and deleted, and that both were done."""
    done = run("examples/quickstart.py")
    assert (done.returncode, done.stderr) == (0, SANDBOX_NOTE)
    assert len(re.findall(r"^20\d\d-\d\d-\d\d \d\d:\d\d ", done.stdout, re.MULTILINE)) == 50
    marked = re.search(r"^Marked read: (\d+) missed calls\.$", done.stdout, re.MULTILINE)
    assert marked is not None
    assert int(marked[1]) > 0
    assert f"unread missed calls: {marked[1]} before, 0 now" in done.stdout
    assert "Deleted: the call of " in done.stdout
    assert "there before, gone now" in done.stdout


def test_the_quickstart_only_reads_where_there_is_an_account() -> None:
    """With a token in its environment the quickstart changes nothing."""
    with Sandbox() as cloud:
        done = run("examples/quickstart.py", **account_of(cloud))
        history = cloud.requests_to("/history/")
    assert (done.returncode, done.stderr) == (0, "")
    assert [request.method for request in history] == ["GET"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
@pytest.mark.parametrize(
    ("example", "words"),
    [
        ("live_events.py", ("\ncall: ", "\nread: ", "\ndeleted: ")),
        ("missed_call_alert.py", (SANDBOX_NOTE, "\nreceived: Missed call from ")),
        ("long_running_service.py", ("Listening",)),
    ],
)
def test_listening_example(example: str, words: tuple[str, ...]) -> None:
    """It prints what it hears within seconds; Ctrl-C ends it with exit code 0, without a word."""
    code, printed, rest = run_until(words, signal.SIGINT, f"examples/{example}")
    assert (code, "Traceback" in printed + rest) == (0, False), rest


def test_live_events_ends_when_its_time_is_up() -> None:
    """With --seconds a listening example ends by itself."""
    done = run("examples/live_events.py", "--seconds=0.1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Listening. Ctrl-C ends it.\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to handle")
def test_a_service_goes_on_with_the_token_that_it_stored(tmp_path: Path) -> None:
    """SIGTERM ends the service with exit code 0; its next run uses the rotated refresh token."""
    file = tmp_path / "tokens.json"
    with Sandbox(rotate_refresh_tokens=True) as cloud:
        environment = {
            "U2C_SERVICE_URL": cloud.u2c_url,
            "WEBEX_TOKEN_URL": cloud.token_url,
            "WEBEX_CLIENT_ID": cloud.client_id,
            "WEBEX_CLIENT_SECRET": cloud.client_secret,
            "WEBEX_REFRESH_TOKEN": cloud.refresh_token,
        }
        for _ in range(2):
            before = cloud.refresh_token
            code, said, rest = run_until(
                ("Listening",),
                signal.SIGTERM,
                "examples/long_running_service.py",
                f"--tokens={file}",
                **environment,
            )
            assert (code, "Traceback" in rest) == (0, False), rest
            assert cloud.refresh_token != before
            assert json.loads(file.read_text()) == {"refresh_token": cloud.refresh_token}
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert cloud.refresh_token not in said
            assert cloud.devices == ()
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.name)
def test_first_line_of_an_example(example: Path) -> None:
    """The first line of each example is a sentence about it."""
    first = example.read_text(encoding="utf-8").splitlines()[0]
    assert re.fullmatch(r'"""[A-Z].*\.', first)


@pytest.mark.parametrize(
    "block", re.findall(r"```python\n(.*?)```", README, re.DOTALL), ids=lambda block: block[:40]
)
def test_what_the_readme_shows_is_python(block: str) -> None:
    """Each block of Python in the README compiles."""
    compile(block, "README.md", "exec")


@pytest.mark.parametrize("heading", ["In ten lines", "The sandbox"])
def test_what_the_readme_shows_runs(heading: str) -> None:
    """The README's first example and the one of the sandbox run as they stand there."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    block = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert block is not None
    with Sandbox() as cloud:
        done = run("-c", block[1], **account_of(cloud))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_links_of_the_readme() -> None:
    """Each link of the README to one of its parts or to a file leads somewhere."""
    headings = re.findall(r"^#+ (.*)$", README, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    for target in re.findall(r"\]\(([^)]+)\)", README):
        if target.startswith("#"):
            assert target[1:] in anchors
        else:
            assert (ROOT / target).exists()
