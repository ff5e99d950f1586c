"""`oracle up`: build what is missing, start language model, API and chat, stop them all together.

Every build step looks first and writes atomically, so running again after an interruption repairs.
"""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from oracle.errors import CannotStart
from oracle.server import language_model, require_free_port
from oracle.settings import Settings, child_environment

Tell = Callable[[str], None]
FREE_GIB = 2.0  # merged model 0.75 GB, written beside its predecessor, fleet and index
TELL_EVERY_S = 2.0


def check_ports(settings: Settings, api: bool = True, chat: bool = True) -> None:
    """Raises CannotStart for a port that another program holds, before anything is built."""
    if api:
        require_free_port(settings.port, "ORACLE_PORT", settings.host)
    if chat:
        require_free_port(settings.chat_port, "ORACLE_CHAT_PORT", settings.host)


def build_missing(settings: Settings, tell: Tell) -> None:
    """Merged model, demonstration fleet and index; what is there and up to date is left alone."""
    _check_home(settings)
    build_model(settings, tell)
    build_fleet(settings, tell)
    build_index(settings, tell)


def build_model(settings: Settings, tell: Tell) -> None:
    """Merge base model and adapter into HOME/model, in a process of its own: training code is not ours to import."""
    if settings.model or settings.vllm_url:
        tell(f"Model: {settings.model or settings.vllm_url}, as set.")
        return
    command = [sys.executable, "-m", "finetune.merge", "--home", str(settings.home)]
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    done = subprocess.run(command, env=child_environment(offline), stdout=sys.stderr)
    if done.returncode:
        raise CannotStart(f"The model could not be built (exit code {done.returncode}, see above); run it again with "
                          f"`python -m finetune.merge --home {settings.home}`.")


def build_fleet(settings: Settings, tell: Tell, seed: int = 0) -> dict[str, Any]:
    """The demonstration fleet, once."""
    from tools.fleet.demo import build_demo

    tell("Demonstration fleet ...")
    return build_demo(settings.home, settings.fleet_url, seed=seed, progress=progress(tell, "packs"))


def build_index(settings: Settings, tell: Tell) -> dict[str, Any]:
    """The index of datasheets and fleet summaries, when they changed."""
    from retrieval.library import build_index
    from tools.contract import Context

    tell("Document index ...")
    everything = Context(home=settings.home, tenant=None, envelope=settings.envelope, fleet_url=settings.fleet_url,
                         embedding_model=settings.embedding_model)
    return build_index(everything, progress(tell, "passages"))


def progress(tell: Tell, what: str) -> Callable[..., None]:
    """A callback (done, total, note) that tells now and then how far a step is."""
    last = [0.0]

    def report(done: int, total: int, note: str = "") -> None:
        if time.monotonic() - last[0] >= TELL_EVERY_S or done == total:
            last[0] = time.monotonic()
            tell(f"  {done} of {total} {note or what}")

    return report


def run_services(settings: Settings, tell: Tell, api: bool = True, chat: bool = True) -> None:
    """Start the language model, then API and chat, print where they are, and run until interrupted."""
    from tools.charging import warm_up

    check_ports(settings, api, chat)
    threading.Thread(target=warm_up, daemon=True).start()  # while the language model loads
    with ExitStack() as running:
        running.enter_context(language_model(settings, tell))
        from oracle.agent import Agent

        agent, urls = Agent(settings), []
        if api:
            running.callback(start_api(agent, settings.host, settings.port))
            urls.append(f"API   http://{_shown(settings.host)}:{settings.port}/v1")
        if chat:
            from oracle.chat import launch

            blocks = launch(agent, host=settings.host, port=settings.chat_port, context=agent.context, block=False)
            running.callback(blocks.close)
            urls.append(f"Chat  http://{_shown(settings.host)}:{settings.chat_port}")
        tell("\n".join(["", "Battery Oracle is up (Ctrl-C stops everything):", *urls]))
        _wait()


def start_api(agent, host: str, port: int) -> Callable[[], None]:
    """Serve the API in a thread; returns what stops it. Raises CannotStart when it does not come up."""
    import uvicorn

    from oracle.api import build_api

    server = uvicorn.Server(uvicorn.Config(build_api(agent), host=host, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise CannotStart(f"The API could not start on {host}:{port}: set ORACLE_PORT to a free port.")
        time.sleep(0.05)

    def stop() -> None:
        server.should_exit = True
        thread.join(10)

    return stop


def _wait() -> None:
    while True:
        time.sleep(3600)


def _check_home(settings: Settings) -> None:
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        free_gib = shutil.disk_usage(settings.home).free / 2**30
    except OSError as error:
        raise CannotStart(f"ORACLE_HOME {settings.home} cannot be used: {error.strerror}.") from None
    if free_gib < FREE_GIB and not Path(settings.model_path, "config.json").exists():
        raise CannotStart(f"Only {free_gib:.1f} GiB are free where {settings.home} lies; {FREE_GIB:.0f} are needed: "
                          "free some or set ORACLE_HOME to another disk.")


def _shown(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "") else host
