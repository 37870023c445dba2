"""The house: imports point one way, and each module takes what it needs from outside, no more."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

import callhistory

PACKAGE = Path(callhistory.__file__).parent

# From the bottom up: a module imports from those above it in this table, and from no others.
# Beside it is what it may import that is neither Python's nor ours.
LAYERS: dict[str, set[str]] = {
    "_version": set(),
    "logs": set(),
    "enums": set(),
    "errors": set(),
    "times": set(),
    "pairs": {"attrs"},
    "records": {"attrs"},
    "notebook": set(),
    "models": {"attrs"},
    "dataframes": {"pandas"},
    "leaves": set(),
    "shapes": {"attrs", "cattrs"},
    "results": {"attrs", "pandas"},
    "wire": {"attrs", "cattrs"},
    "once": set(),
    "redaction": set(),
    "tokens": {"attrs"},
    "hosts": {"requests", "urllib3"},
    "patience": {"requests", "urllib3"},
    "retries": {"attrs", "requests", "urllib3"},
    "answers": {"attrs", "requests", "urllib3"},
    "grants": {"attrs"},
    "credentials": set(),
    "transport": {"attrs", "requests", "urllib3"},
    "catalog": {"attrs"},
    "device": {"attrs"},
    "turnstile": set(),
    "registration": set(),
    "arguments": set(),
    "settings": set(),
    "webex": {"attrs", "requests"},
    "lines": set(),
    "janus": set(),
    "signals": {"attrs", "blinker"},
    "handlers": set(),
    "dispatcher": {"blinker"},
    "seen": set(),
    "reconnection": {"attrs"},
    "events": set(),
    "inbox": set(),
    "clock": set(),
    "presence": set(),
    "errands": set(),
    "mercury": {"attrs"},
    "websocket": {"requests", "websockets"},
    "reader": {"attrs"},
    "listener": {"attrs"},
    "live": set(),
    "client": {"attrs"},
    "calling": set(),
    "testing": {"pytest"},
}
# What the sandbox may import of the library, and from outside.
FOR_THE_SANDBOX = {"models", "wire", "webex", "times", "enums"}
SANDBOX_THIRD_PARTY = {"attrs", "flask", "werkzeug", "requests", "websockets"}

MODULES = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")
SANDBOX = sorted((PACKAGE / "sandbox").rglob("*.py"))


@attrs.frozen
class Import:
    """An import: the dotted name, and whether only a type checker sees it."""

    name: str
    for_types: bool = False

    @property
    def top(self) -> str:
        return self.name.split(".")[0]

    @property
    def module(self) -> str | None:
        """The module of the library that it comes from; the package itself is ``__init__``."""
        if self.top != "callhistory":
            return None
        name = [*self.name.split("."), "__init__"][1]
        return name if name in (*MODULES, "sandbox") else "__init__"

    @property
    def is_third_party(self) -> bool:
        return self.top != "callhistory" and self.top not in sys.stdlib_module_names


def imports_of(source: str, package: str = "callhistory") -> list[Import]:
    """Read every import of a module, also those within functions and conditions."""
    return list(_walk(ast.parse(source), package, for_types=False))


def _walk(node: ast.AST, package: str, *, for_types: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        yield from (Import(alias.name, for_types) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = package.split(".")
        base = above[: len(above) - node.level + 1] if node.level else []
        module = ".".join([*base, *filter(None, [node.module])])
        yield from (Import(f"{module}.{alias.name}", for_types) for alias in node.names)
    elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        for statement in node.body:
            yield from _walk(statement, package, for_types=True)
        for statement in node.orelse:
            yield from _walk(statement, package, for_types=for_types)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _walk(child, package, for_types=for_types)


def read_imports(module: str) -> list[Import]:
    return imports_of((PACKAGE / f"{module}.py").read_text("utf-8"))


def test_every_module_has_its_place() -> None:
    """The table lists every module that there is, and no other."""
    assert set(MODULES) == set(LAYERS), "a new module needs a place in the table"
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} == {"sandbox"}


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_up_the_table_only(module: str) -> None:
    """A module imports only from those listed before it; one may name any in its annotations."""
    order = list(LAYERS)
    allowed = set(order[: order.index(module)])
    if module == "testing":
        allowed |= {"sandbox"}

    found = {taken.module for taken in read_imports(module) if not taken.for_types} - {None}

    assert found <= allowed


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_it_is_for(module: str) -> None:
    """A module imports no other third-party packages than the table allows it."""
    found = {taken.top for taken in read_imports(module) if taken.is_third_party}

    assert found <= LAYERS[module]


@pytest.mark.parametrize("module", MODULES)
def test_what_is_imported_for_types_is_there(module: str) -> None:
    """What a module imports for its annotations only is a module of the library, not the whole."""
    for taken in read_imports(module):
        if taken.for_types and taken.top == "callhistory":
            assert taken.module in {*LAYERS, *(["sandbox"] if module == "testing" else [])}


@pytest.mark.parametrize("path", SANDBOX, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_sandbox_knows_records_and_times_only(path: Path) -> None:
    """The sandbox imports models, wire, times, enums and Webex, and never the client."""
    package = ".".join(["callhistory", *path.relative_to(PACKAGE).parent.parts])
    taken = imports_of(path.read_text("utf-8"), package)

    assert {one.module for one in taken} - {None, "sandbox"} <= FOR_THE_SANDBOX
    third_party = {one.top for one in taken if one.is_third_party and not one.for_types}
    assert third_party <= SANDBOX_THIRD_PARTY


def test_the_sandbox_is_found() -> None:
    """The sandbox's modules are among those that are read here."""
    assert PACKAGE / "sandbox" / "cloud.py" in SANDBOX


@pytest.mark.parametrize(
    ("source", "package", "found"),
    [
        ("import requests.auth", "callhistory", [("requests.auth", None, False)]),
        ("import json, attrs", "callhistory", [("json", None, False), ("attrs", None, False)]),
        ("from . import janus", "callhistory", [("callhistory.janus", "janus", False)]),
        (
            "from . import __version__",
            "callhistory",
            [("callhistory.__version__", "__init__", False)],
        ),
        ("from .wire import x", "callhistory", [("callhistory.wire.x", "wire", False)]),
        ("import callhistory", "callhistory", [("callhistory", "__init__", False)]),
        (
            "from callhistory import UserSession",
            "callhistory.sandbox",
            [("callhistory.UserSession", "__init__", False)],
        ),
        (
            "from ..client import x",
            "callhistory.sandbox",
            [("callhistory.client.x", "client", False)],
        ),
        (
            "def f():\n    if x:\n        from .client import y",
            "callhistory",
            [("callhistory.client.y", "client", False)],
        ),
        (
            "if TYPE_CHECKING:\n    from .client import y\nelse:\n    import flask",
            "callhistory",
            [("callhistory.client.y", "client", True), ("flask", None, False)],
        ),
        (
            "try:\n    import flask\nexcept ImportError:\n    import werkzeug",
            "callhistory",
            [("flask", None, False), ("werkzeug", None, False)],
        ),
    ],
)
def test_imports_are_found_wherever_they_stand(
    source: str, package: str, found: list[tuple[str, str | None, bool]]
) -> None:
    """The reader of these tests sees imports in functions and branches, relative and absolute."""
    taken = imports_of(source, package)

    assert [(one.name, one.module, one.for_types) for one in taken] == found


@pytest.mark.parametrize("module", ["callhistory", "callhistory.client", "callhistory.webex"])
def test_the_library_imports_nothing_heavy(module: str) -> None:
    """Importing the library imports neither its extras nor the websocket library."""
    heavy = ["flask", "werkzeug", "pandas", "numpy", "IPython", "websockets", "pytest"]
    code = (
        f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r}); import {module}; "
        f"print(*[name for name in {heavy!r} if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "")
