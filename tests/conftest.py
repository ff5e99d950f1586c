"""What several test files share: the demonstration fleet, built once."""

import pytest

from tools.contract import Context
from tools.fleet import open_fleet
from tools.fleet.demo import build_demo


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Context:
    """The demonstration fleet of seed 0, read as an operator who sees every tenant. Read only."""
    home = tmp_path_factory.mktemp("demo")
    build_demo(home)
    return Context(home)


@pytest.fixture(scope="session")
def fleet(demo):
    return open_fleet(demo)
