"""The house: rooms import one way, no chain of imports is long, and no module is."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import callhistory

PACKAGE = Path(callhistory.__file__).parent
ROOT = "callhistory"

# From the bottom up: a room imports from those above it in this table, and from no others.
# Beside it is what its modules may import that is neither Python's nor ours.
ROOMS: dict[str, set[str]] = {
    "_version": set(),
    "_public": set(),
    "_clock": set(),
    "_fork": set(),
    "_limits": {"attrs"},
    "_logging": set(),
    "_redefined_functions": set(),
    "_errors": set(),
    "_redaction": set(),
    "_concurrency": set(),
    "_records": {"attrs", "cattrs", "msgspec", "pandas"},
    "_http": {"attrs", "requests", "urllib3"},
    "_arguments": set(),
    "_webex": {"attrs", "requests"},
    "signals": {"attrs", "blinker"},
    "_live": {"attrs", "blinker", "websockets"},
    "_client": {"attrs"},
    "__init__": set(),
    "sandbox": {"attrs", "flask", "werkzeug", "requests", "websockets"},
    "testing": {"pytest"},
}
# The sandbox is a Webex, not a client: beside what everybody may use it knows records and `Webex`.
FOR_THE_SANDBOX = {"_records", "_webex.webex"}
LONGEST_CHAIN = 12
MOST_LINES = 350


def imports_of(source: str, package: str = ROOT) -> list[tuple[str, bool]]:
    """Read every import of a module, wherever it stands, and whether only types need it."""
    return list(_walk(ast.parse(source), package, for_types=False))


def _walk(node: ast.AST, package: str, *, for_types: bool) -> Iterator[tuple[str, bool]]:
    if isinstance(node, ast.Import):
        yield from ((alias.name, for_types) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = package.split(".")
        base = above[: len(above) - node.level + 1] if node.level else []
        module = ".".join([*base, *filter(None, [node.module])])
        yield from ((f"{module}.{alias.name}", for_types) for alias in node.names)
    elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        for statement in node.body:
            yield from _walk(statement, package, for_types=True)
        for statement in node.orelse:
            yield from _walk(statement, package, for_types=for_types)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _walk(child, package, for_types=for_types)


def _name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


MODULES = {_name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def module_of(imported: str) -> str:
    """Name the module of the library that an imported name stands in."""
    parts = imported.split(".")[1:]
    while parts and ".".join(parts) not in MODULES:
        parts.pop()
    return ".".join(parts) or "__init__"


def room_of(module: str) -> str:
    return module.split(".")[0]


def _read(module: str) -> list[tuple[str, bool]]:
    path = MODULES[module]
    package = ".".join([ROOT, *path.relative_to(PACKAGE).parent.parts])
    return imports_of(path.read_text("utf-8"), package)


IMPORTS = {
    module: {
        module_of(name)
        for name, for_types in _read(module)
        if name.split(".")[0] == ROOT and not for_types
    }
    for module in MODULES
}


def chain_from(module: str, chain: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Follow imports to the longest chain of modules that begins with one.

    Raises:
        ValueError: the chain comes back to a module that it has passed.
    """
    if module in chain:
        raise ValueError(f"a circle: {' -> '.join([*chain, module])}")
    below = [chain_from(other, (*chain, module)) for other in sorted(IMPORTS[module])]
    return (module, *max(below, key=len, default=()))


def test_every_module_stands_in_a_room() -> None:
    """The table lists every room that there is, and no other."""
    assert {room_of(module) for module in MODULES} == set(ROOMS), "a new room needs its place"


@pytest.mark.parametrize("module", MODULES)
def test_rooms_import_one_way(module: str) -> None:
    """A module imports from its own room and from those above it in the table."""
    order = list(ROOMS)
    above = {*order[: order.index(room_of(module)) + 1]}

    assert {room_of(taken) for taken in IMPORTS[module]} <= above


@pytest.mark.parametrize(
    "module", [name for name in MODULES if room_of(name) not in {"sandbox", "testing"}]
)
def test_no_chain_of_imports_is_long(module: str) -> None:
    """Whoever follows the imports of a module passes twelve modules at most, and never a circle."""
    chain = chain_from(module)

    assert len(chain) <= LONGEST_CHAIN, " -> ".join(chain)


def test_the_sandbox_imports_in_no_circle() -> None:
    """The sandbox and the fixtures may be deeper, but have no circle either."""
    for module in MODULES:
        chain_from(module)


@pytest.mark.parametrize("module", MODULES)
def test_no_module_is_long(module: str) -> None:
    """A module is no longer than one can hold in the head."""
    assert len(MODULES[module].read_text("utf-8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize("module", MODULES)
def test_a_room_imports_only_what_it_is_for(module: str) -> None:
    """A module imports no other third-party packages than its room is allowed."""
    packages = {name.split(".")[0] for name, for_types in _read(module) if not for_types}

    assert packages - {ROOT, *sys.stdlib_module_names} <= ROOMS[room_of(module)]


@pytest.mark.parametrize("module", [name for name in MODULES if room_of(name) == "sandbox"])
def test_the_sandbox_knows_records_only(module: str) -> None:
    """The sandbox imports records and Webex, and never the client."""
    others = {taken for taken in IMPORTS[module] if room_of(taken) != "sandbox"}

    assert {taken for taken in others if not taken.startswith("_records.")} <= FOR_THE_SANDBOX


@pytest.mark.parametrize(
    "module", [name for name in MODULES if name.startswith("sandbox.") and "__" not in name]
)
def test_no_module_of_the_sandbox_has_a_name_of_the_library(module: str) -> None:
    """Whoever reads the name of a module or room knows whether it is the library's."""
    library = {
        part.strip("_")
        for name in MODULES
        if room_of(name) != "sandbox"
        for part in name.split(".")
    }

    assert library.isdisjoint(part.strip("_") for part in module.split(".")[1:])


@pytest.mark.parametrize(
    ("source", "package", "found"),
    [
        ("import requests.auth", "callhistory", [("requests.auth", False)]),
        ("from . import signals", "callhistory", [("callhistory.signals", False)]),
        ("from .base import x", "callhistory._records", [("callhistory._records.base.x", False)]),
        ("from .._client import x", "callhistory.sandbox", [("callhistory._client.x", False)]),
        (
            "def f():\n    if x:\n        from ._a import y",
            "callhistory",
            [("callhistory._a.y", False)],
        ),
        (
            "if TYPE_CHECKING:\n    from ._a import y\nelse:\n    import flask",
            "callhistory",
            [("callhistory._a.y", True), ("flask", False)],
        ),
    ],
)
def test_imports_are_found_wherever_they_stand(
    source: str, package: str, found: list[tuple[str, bool]]
) -> None:
    """The reader of these tests sees imports in functions and branches, relative and absolute."""
    assert imports_of(source, package) == found


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("callhistory", "__init__"),
        ("callhistory.UserSession", "__init__"),
        ("callhistory.signals", "signals"),
        ("callhistory._records.base.Record", "_records.base"),
        ("callhistory._records.base", "_records.base"),
    ],
)
def test_a_name_is_led_back_to_its_module(name: str, module: str) -> None:
    """An imported name counts as an import of the module that it stands in."""
    assert module_of(name) == module


@pytest.mark.parametrize(
    "module", ["callhistory", "callhistory._client", "callhistory._webex.webex"]
)
def test_the_library_imports_nothing_heavy(module: str) -> None:
    """Importing the library imports neither its extras nor what only some programs use."""
    heavy = ["flask", "werkzeug", "pandas", "numpy", "IPython", "websockets", "pytest"]
    heavy += ["msgspec", "cattrs", "html", "callhistory.sandbox"]
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


@pytest.mark.parametrize("module", MODULES)
def test_what_is_imported_for_types_is_a_module(module: str) -> None:
    """An import for annotations names a module of the library, not the whole of it."""
    for name, for_types in _read(module):
        if for_types and name.split(".")[0] == ROOT:
            assert module_of(name) != "__init__"
