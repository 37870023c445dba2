"""What every test has: a clean environment, short waits, and no threads left behind."""

from __future__ import annotations

import gc
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import responses
from hypothesis import HealthCheck, settings

from callhistory import CallHistoryClient
from callhistory.sandbox import Sandbox
from tests.support import private_words
from tests.support.limits import BriskSandbox
from tests.support.listening_clients import listening
from tests.support.receivers import LiveClient
from tests.support.waiting import wait_until

_SETTINGS = ("WEBEX_", "U2C_")
_HTTP_SETTINGS = {
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "requests_ca_bundle",
    "curl_ca_bundle",
    "ssl_cert_file",
    "ssl_cert_dir",
    "netrc",
}

# A busy machine is no failure, nor is the first example of all, for which modules are read.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--search-private``."""
    private_words.add_option(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Begin the search for private words, if it is wanted, and add the fixtures of databases."""
    private_words.begin(config)
    config.pluginmanager.import_plugin("tests.support.postgresql_server")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Run one worker more than there are cores: the tests wait more than they compute."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_finish() -> None:
    """Exempt what exists before the first test from garbage collection, which is faster."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def _empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, _empty_home: Path) -> None:
    """Hide the accounts, proxies and .netrc of this machine from a test."""
    for name in list(os.environ):
        if name.startswith(_SETTINGS) or name.lower() in _HTTP_SETTINGS:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(_empty_home))
    monkeypatch.setenv("USERPROFILE", str(_empty_home))


@pytest.fixture(autouse=True)
def _level_as_it_was() -> Iterator[None]:
    """Restore the level of the library's logger, which a program in a test may set."""
    logger = logging.getLogger("callhistory")
    level = logger.level
    yield
    logger.setLevel(level)


@pytest.fixture(autouse=True)
def _no_thread_left_behind() -> Iterator[None]:
    """Assert that a test leaves no threads of the library behind, and none that are not daemons."""
    before = {thread.ident: thread.name for thread in threading.enumerate()}
    # A request to a sandbox of a wider scope may outlast the test.
    servers = tuple(name for name in before.values() if name.startswith("callhistory-sandbox"))
    yield

    def left() -> list[str]:
        return [
            thread.name
            for thread in threading.enumerate()
            if thread.ident not in before
            and (not thread.daemon or thread.name.startswith("callhistory"))
            and not (servers and thread.name.startswith(servers))
        ]

    assert wait_until(lambda: not left()), f"left behind: {left()}"


@pytest.fixture
def library_logger() -> Iterator[logging.Logger]:
    """Return the library's logger, and restore it after the test."""
    logger = logging.getLogger("callhistory")
    level, handlers = logger.level, logger.handlers[:]
    yield logger
    logger.setLevel(level)
    logger.handlers[:] = handlers


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    """Return a running sandbox whose clients retry after milliseconds."""
    with BriskSandbox() as running:
        yield running


@pytest.fixture
def client(cloud: Sandbox) -> Iterator[CallHistoryClient]:
    """Return a client of the sandbox that has sent nothing yet."""
    with cloud.webex() as webex, CallHistoryClient(webex) as made:
        yield made


@pytest.fixture(scope="module")
def _lasting_cloud() -> Iterator[Sandbox]:
    with BriskSandbox(device_limit=100_000) as running:
        yield running


@pytest.fixture
def used_cloud(_lasting_cloud: Sandbox) -> Iterator[Sandbox]:
    """Return a running sandbox that earlier tests may have used; its logs are empty."""
    _lasting_cloud.forget_requests()
    yield _lasting_cloud
    _lasting_cloud.clear_faults()


@pytest.fixture
def live(used_cloud: Sandbox) -> Iterator[LiveClient]:
    """Return a client that listens to a sandbox that other tests may have used."""
    with listening(used_cloud) as (client, heard):
        yield LiveClient(used_cloud, client, heard)


@pytest.fixture
def strict() -> Iterator[responses.RequestsMock]:
    """Return a mock of HTTP that must be sent all requests registered with it, and no others."""
    with responses.RequestsMock(assert_all_requests_are_fired=True) as mock:
        yield mock
