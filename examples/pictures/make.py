"""Run the notebook, and take the README's pictures of what it shows.

The notebook is run from a clean kernel and kept with its outputs. Then Chromium, without a window,
takes a picture of the table in light and in dark, of a session's card and of two charts, each from
the notebook as it is rendered.

    pip install -e ".[notebook]"
    python examples/pictures/make.py [--chromium /usr/bin/chromium]
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from PIL import Image, ImageChops

HERE = Path(__file__).parent
NOTEBOOK = HERE.parent / "call_history.ipynb"
# The name of a picture: the notebook's cell, the theme, and how wide the page is.
PICTURES = {
    "table-light": ("latest", "light", 1150),
    "table-dark": ("latest", "dark", 1150),
    "card": ("card", "light", 800),
    "days": ("days", "light", 1000),
    "missed": ("heat", "light", 1000),
}
OPTIONS = [
    "--headless",
    "--no-sandbox",  # root has none, and what it shows is the notebook's
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--force-device-scale-factor=2",
]
MARGIN = 24


def run_notebook() -> nbformat.NotebookNode:
    notebook: nbformat.NotebookNode = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=120, record_timing=False).execute()
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "stream" and output.name == "stderr":
                raise RuntimeError(f"{cell.id}: {output.text}")
    notebook.metadata.language_info = {"name": "python"}  # whichever version made it
    nbformat.write(notebook, NOTEBOOK)
    return notebook


def render(notebook: nbformat.NotebookNode, cell: str, theme: str) -> str:
    (chosen,) = (each for each in notebook.cells if each.id == cell)
    page = nbformat.v4.new_notebook(cells=[chosen], metadata=notebook.metadata)
    exporter = HTMLExporter(theme=theme, exclude_input=True, exclude_output_prompt=True)
    html, _ = exporter.from_notebook_node(page)
    return str(html)


def trim(picture: Path) -> None:
    """Cut off what is empty, but for a margin."""
    whole = Image.open(picture).convert("RGB")
    ground = Image.new("RGB", whole.size, whole.getpixel((0, 0)))
    box = ImageChops.difference(whole, ground).getbbox()
    if box is None:
        raise RuntimeError(f"{picture.name} shows nothing")
    left, top, right, bottom = box
    left, top = max(0, left - MARGIN), max(0, top - MARGIN)
    right, bottom = min(whole.width, right + MARGIN), min(whole.height, bottom + MARGIN)
    cut = whole.crop((left, top, right, bottom))
    cut.quantize(256, dither=Image.Dither.NONE).save(picture, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chromium", default=shutil.which("chromium"), help="default: in PATH")
    chromium = parser.parse_args().chromium
    if chromium is None:
        sys.exit("There is no chromium in PATH: --chromium says where it is.")
    os.environ["TZ"] = "UTC"
    notebook = run_notebook()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for name, (cell, theme, width) in PICTURES.items():
            page = Path(folder, f"{name}.html")
            page.write_text(render(notebook, cell, theme), encoding="utf-8")
            picture = HERE / f"{name}.png"
            window = [f"--window-size={width},900", f"--user-data-dir={folder}/{name}"]
            command = [chromium, *OPTIONS, *window, f"--screenshot={picture}", page.as_uri()]
            subprocess.run(command, check=True, capture_output=True, timeout=120)
            trim(picture)
            print(
                picture.relative_to(Path.cwd()) if picture.is_relative_to(Path.cwd()) else picture
            )


if __name__ == "__main__":
    main()
