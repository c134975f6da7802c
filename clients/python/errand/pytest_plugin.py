"""For pytest, without being asked: the fixture `errand_server`, a real errandd.

    def test_it(errand_server):
        with errand_server.client() as client:
            assert client.stats().jobs == {}

It is started for each test that wants it; `errand_server_scope = session` in pytest's configuration
starts one for all. Override the fixture `errand_server_flags` to give it flags."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .testing import Server, find_errandd


def pytest_addoption(parser: pytest.Parser) -> None:
    """--errandd, and errand_server_scope."""
    group = parser.getgroup("errand")
    group.addoption("--errandd", metavar="PROGRAM", help="errandd for errand_server (or: ERRANDD)")
    parser.addini(
        "errand_server_scope",
        "scope of errand_server: function, module, session",
        default="function",
    )


def _scope(fixture_name: str, config: pytest.Config) -> Any:
    return config.getini("errand_server_scope")


@pytest.fixture(scope=_scope)
def errand_server_flags() -> list[str]:
    """Flags of the errandd of this test; to be overridden."""
    return []


@pytest.fixture(scope=_scope)
def errand_server(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    errand_server_flags: list[str],
) -> Iterator[Server]:
    """A real errandd on free ports, with an empty store. See errand.testing.Server."""
    try:
        program = find_errandd(request.config.getoption("--errandd"))
    except FileNotFoundError as error:
        pytest.fail(str(error), pytrace=False)
    with Server(tmp_path_factory.mktemp("errand"), errand_server_flags, program) as server:
        yield server
