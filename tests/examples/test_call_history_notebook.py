"""The notebook of the examples: it runs from top to bottom, and is stored with its outputs."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageColor

from callhistory.sandbox import Sandbox
from tests.support.programs import ROOT

NOTEBOOK = ROOT / "examples" / "call_history.ipynb"
ANSWERED, PLACED, MISSED, MOST_MISSED = "#0072B2", "#56B4E9", "#D55E00", "#7F2704"
CHARTS = {
    "days": [ANSWERED, PLACED, MISSED],
    "heat": [MOST_MISSED],
    "callers": [ANSWERED, MISSED],
    "durations": [ANSWERED, PLACED],
    "live": [ANSWERED, PLACED, MISSED],
}
# In a process of its own: a kernel's client leaves sockets and threads behind.
EXECUTE = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=150, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[2])
"""
Notebook = dict[str, dict[str, Any]]


def read(file: Path) -> Notebook:
    """Return the cells of a notebook by their ids."""
    return {cell["id"]: cell for cell in json.loads(file.read_text("utf-8"))["cells"]}


def shown(cell: dict[str, Any], kind: str) -> Iterator[str]:
    """Yield the outputs of a cell in one MIME type, such as ``text/html``."""
    for output in cell["outputs"]:
        if kind in output.get("data", ()):
            yield "".join(output["data"][kind])


def execute(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Notebook:
    monkeypatch.setenv("IPYTHONDIR", str(folder))
    done = subprocess.run(
        [sys.executable, "-c", EXECUTE, str(NOTEBOOK), str(folder / "done.ipynb")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return read(folder / "done.ipynb")


def check(notebook: Notebook) -> None:
    """Assert that all cells were run in order without an error, and show what they should."""
    cells = [cell for cell in notebook.values() if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        for output in cell["outputs"]:
            assert output["output_type"] != "error", output
            # Matplotlib says so the first time that it is used on a slow machine.
            text = "".join(output.get("text", ""))
            assert output.get("name") != "stderr" or "building the font cache" in text, output

    (table,) = shown(notebook["latest"], "text/html")
    assert table.count("<tr") == 1 + 12
    (card,) = shown(notebook["card"], "text/html")
    assert "Redirected" in card
    (frame,) = shown(notebook["frame"], "text/html")
    assert frame.count("<tr") == 1 + 5
    for name, colours in CHARTS.items():
        (picture,) = shown(notebook[name], "image/png")
        check_picture(b64decode(picture), colours)
    (heard,) = (o["text"] for o in notebook["live"]["outputs"] if o.get("name") == "stdout")
    assert "".join(heard) == "12 calls heard\n"


def check_picture(png: bytes, colours: list[str]) -> None:
    """Assert that a picture is of a chart's size, and has marks in each of some colours."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    assert (1_500 < picture.width < 2_000, 600 < picture.height < 900) == (True, True)
    counts = {colour: count for count, colour in picture.getcolors(2**24) or ()}
    for colour in colours:
        assert counts.get(ImageColor.getrgb(colour), 0) > 200, colour


@pytest.mark.timeout(240)
def test_the_notebook_runs_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a clean kernel and without an account, each cell shows what it should."""
    notebook = execute(tmp_path, monkeypatch)

    check(notebook)
    (said,) = (o["text"] for o in notebook["frame"]["outputs"] if o.get("name") == "stdout")
    assert re.match(r"700 calls, \d+ hours in all", "".join(said))


def test_the_notebook_is_kept_as_it_was_run() -> None:
    """The notebook in the repository has all its outputs, and can be read without running it."""
    check(read(NOTEBOOK))


def test_nothing_of_a_real_account_is_kept() -> None:
    """The stored notebook shows the sandbox's people, and only numbers that nobody has."""
    text = NOTEBOOK.read_text("utf-8")
    with Sandbox() as cloud:
        names = {person.name for person in cloud.contacts}
    assert names & set(re.findall(r"<bdi[^>]*>([^<]+)</bdi>", text))
    for number in re.findall(r"\+1\d{10}", text):
        assert number[5:8] == "555"


@pytest.mark.parametrize(
    "picture", ["table-light", "table-dark", "card", "days", "missed"], ids=str
)
def test_the_readme_shows_pictures_of_it(picture: str) -> None:
    """Each picture that is made from the notebook exists and is in the README."""
    path = f"examples/pictures/{picture}.png"
    assert path in (ROOT / "README.md").read_text("utf-8")
    assert (ROOT / path).read_bytes().startswith(b"\x89PNG")
