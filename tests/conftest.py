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


@pytest.fixture(scope="session")
def indexed_home(tmp_path_factory):
    """A home with the catalogue indexed and no fleet; copy its folder `index` to add documents to it."""
    from retrieval.library import build_index

    home = tmp_path_factory.mktemp("indexed")
    build_index(Context(home))
    return home


@pytest.fixture(scope="session")
def served_settings():
    """The settings of the environment, with a merged model under ORACLE_HOME; skipped where there is none."""
    from oracle.settings import Settings

    settings = Settings()
    if not (settings.home / "model" / "config.json").exists() and not settings.vllm_url:
        pytest.skip(f"no merged model at {settings.home / 'model'}: make build")
    return settings


@pytest.fixture(scope="session")
def served_agent(served_settings):
    """The real agent on the real model, served by vLLM for as long as the tests need it."""
    from oracle.agent import Agent
    from oracle.server import language_model

    with language_model(served_settings):
        yield Agent(served_settings)


@pytest.fixture(scope="session")
def api_url(served_agent):
    """Base URL (http://.../v1) of the running API."""
    import socket

    from oracle.up import start_api

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    stop = start_api(served_agent, "127.0.0.1", port)
    yield f"http://127.0.0.1:{port}/v1"
    stop()
