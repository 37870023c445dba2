"""The pytest fixtures: they work, and cost nothing in tests that do not use them."""

from __future__ import annotations

import inspect
import os
import shutil
import textwrap
from pathlib import Path

import pytest

import callhistory.testing
from callhistory import CallHistoryClient
from callhistory.sandbox import Sandbox

pytest_plugins = ["pytester"]

EXAMPLE = Path(__file__).parent.parent / "examples" / "test_my_receiver.py"


# Plugins of this project that another need not have; hypothesis alone takes a second to import.
OTHERS = ("hypothesispytest", "randomly", "xdist", "timeout", "pytest_cov", "cacheprovider")


def run(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    """Run pytest in a project of its own, without other plugins."""
    without = [option for name in OTHERS for option in ("-p", f"no:{name}")]
    return pytester.runpytest_subprocess("-W", "error", *without, *options, timeout=50)


@pytest.mark.parametrize("autoload", [True, False])
def test_the_example_passes_in_a_project_of_its_own(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, autoload: bool
) -> None:
    """The complete example needs only the installed library, and causes no warning.

    Where pytest loads no plugins by itself, -p callhistory.testing is needed.
    """
    shutil.copy(EXAMPLE, pytester.path)
    if not autoload:
        monkeypatch.setitem(os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        run(pytester).assert_outcomes(errors=3)

    run(pytester, *([] if autoload else ["-p", "callhistory.testing"])).assert_outcomes(passed=3)


def test_the_example_notices_a_receiver_that_is_wrong(pytester: pytest.Pytester) -> None:
    """The example's tests fail when its receiver posts what it should not."""
    source = EXAMPLE.read_text("utf-8")
    right = "session.disposition == Disposition.MISSED"
    assert right in source
    pytester.makepyfile(source.replace(right, "True"))

    run(pytester).assert_outcomes(passed=2, failed=1)


def test_the_example_in_the_docstring_passes(pytester: pytest.Pytester) -> None:
    """The example in the docstring of callhistory.testing runs unchanged."""
    text = inspect.getdoc(callhistory.testing)
    assert text is not None
    (block,) = (part for part in text.split("::\n") if "def test_" in part)
    code = textwrap.dedent(block[: block.index("\n\nIf pytest ")])
    shutil.copy(EXAMPLE, pytester.path / "my_receiver.py")
    pytester.makepyfile(f"from my_receiver import tell_of_missed_calls\n{code}")

    run(pytester).assert_outcomes(passed=1)


def test_the_client_is_one_of_the_sandbox(
    webex_sandbox: Sandbox, call_history_client: CallHistoryClient
) -> None:
    """The client reads the history of the sandbox."""
    placed = webex_sandbox.place_call(name="Ada")

    assert placed.session_id in {s.session_id for s in call_history_client.get_call_history_data()}


def test_code_that_makes_its_own_client_reaches_the_sandbox(webex_sandbox: Sandbox) -> None:
    """A client that is made from the environment uses the sandbox during the test."""
    placed = webex_sandbox.place_call(name="Ada")

    with CallHistoryClient() as client:
        assert client.get_call_history_data()[0].session_id == placed.session_id


def test_each_test_has_a_sandbox_of_its_own(pytester: pytest.Pytester) -> None:
    """Every test has a new sandbox; the previous one is closed, and so is its client."""
    pytester.makeconftest(
        """
        import os, pytest
        os.environ["WEBEX_ACCESS_TOKEN"] = "real"
        os.environ.pop("U2C_SERVICE_URL", None)
        seen = []

        @pytest.fixture(autouse=True)
        def look_after(request):
            assert os.environ["WEBEX_ACCESS_TOKEN"] == "real"
            assert "U2C_SERVICE_URL" not in os.environ
            for cloud, client in seen:
                assert repr(cloud) == "<Sandbox not running>"
                with pytest.raises(RuntimeError):
                    client.get_call_history_data()
        """
    )
    pytester.makepyfile(
        """
        import os, pytest
        from conftest import seen

        @pytest.mark.parametrize("number", [1, 2])
        def test_something(number, look_after, webex_sandbox, call_history_client):
            assert webex_sandbox not in [cloud for cloud, _ in seen]
            assert os.environ["WEBEX_ACCESS_TOKEN"] == webex_sandbox.access_token
            assert os.environ["U2C_SERVICE_URL"] == webex_sandbox.u2c_url
            call_history_client.listen()
            seen.append((webex_sandbox, call_history_client))

        def test_nothing(look_after):
            pass
        """
    )

    run(pytester).assert_outcomes(passed=3)


def test_a_project_without_use_for_them_imports_nothing_heavy(pytester: pytest.Pytester) -> None:
    """Without tests that use the fixtures, pytest imports neither the sandbox nor websockets."""
    pytester.makepyfile(
        """
        import sys

        def test_nothing_is_imported():
            heavy = {"callhistory.sandbox", "flask", "werkzeug", "websockets", "pandas"}
            assert "callhistory.testing" in sys.modules
            assert not heavy & set(sys.modules)
        """
    )

    run(pytester).assert_outcomes(passed=1)


def test_without_the_extra_the_message_says_what_to_install(pytester: pytest.Pytester) -> None:
    """Without the extra, a test that uses the fixtures says what to install, and no traceback."""
    pytester.makeconftest("import sys; sys.modules['flask'] = None")
    pytester.makepyfile("def test_something(call_history_client): pass")

    done = run(pytester)

    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["*pip install callhistory[[]sandbox[]]*"])
    done.stdout.no_fnmatch_line("*Traceback*")
    done.stdout.no_fnmatch_line("*import flask*")
