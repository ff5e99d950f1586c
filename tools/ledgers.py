"""What documents state and what a person confirmed of it, on disk.

    HOME/facts/<key>.json   one document of one tenant
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tools.errors import CannotAnswer
from tools.facts import DocumentFacts, Fact, same_value


class Confirmed(BaseModel):
    """A fact that a person confirmed, of which version of the document, when, and whether a limit may widen by it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fact: Fact
    digest: str
    at: str
    widen: bool = False


class Ledger(BaseModel):
    """One document's facts; `removed` once the document itself is no longer indexed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stated: DocumentFacts
    confirmed: tuple[Confirmed, ...] = ()
    removed: bool = False


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Nobody else changes a ledger meanwhile: what two people confirm at once is kept of both."""
    from filelock import FileLock

    folder = Path(home) / "facts"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(str(folder / ".lock")):
        yield


def keep(home: Path, stated: DocumentFacts) -> Ledger:
    """Store what a document states; what was confirmed of an earlier version stays as it was."""
    with alone(home):
        return _kept(home, stated)


def _kept(home: Path, stated: DocumentFacts) -> Ledger:
    old = _read(path_of(home, stated.tenant, stated.document))
    if old is not None and old.confirmed:  # the cell that a person chose is the person's word, not the file's
        about = {name: getattr(old.stated, name) for name in ("cell", "manufacturer", "model", "chemistry", "format")}
        stated = stated.model_copy(update=about)
        if gone := [c.fact for c in old.confirmed if not any(same_fact(c.fact, fact) for fact in stated.facts)]:
            lost = "; ".join(f"{fact.field} = {fact.told}" for fact in gone)
            remark = f"Confirmed of an earlier version, still in force and not stated by this one: {lost}."
            stated = stated.model_copy(update={"remarks": (*stated.remarks, remark)})
    ledger = Ledger(stated=stated, confirmed=old.confirmed if old else ())
    write(home, ledger)
    return ledger


def same_fact(a: Fact, b: Fact) -> bool:
    """The same field with the same value."""
    return a.field == b.field and same_value(a.value, b.value)


def forget(home: Path, tenant: str | None, document: str) -> int:
    """The document is gone: its unconfirmed facts go too; returns how many confirmed ones stay."""
    with alone(home):
        return _forgotten(home, tenant, document)


def _forgotten(home: Path, tenant: str | None, document: str) -> int:
    path = path_of(home, tenant, document)
    ledger = _read(path)
    if ledger is None:
        return 0
    if not ledger.confirmed:
        path.unlink()
        return 0
    write(home, ledger.model_copy(update={"removed": True, "stated": ledger.stated.model_copy(update={"facts": ()})}))
    return len(ledger.confirmed)


def ledgers(home: Path, tenant: str | None) -> list[Ledger]:
    """Every document's facts that a tenant may see, by name; tenant None sees all."""
    found = [_read(path) for path in sorted((Path(home) / "facts").glob("*.json"))]
    mine = [ledger for ledger in found if ledger and (tenant is None or ledger.stated.tenant == tenant)]
    return sorted(mine, key=lambda ledger: (ledger.stated.tenant or "", ledger.stated.document))


def ledger_of(home: Path, tenant: str | None, document: str) -> Ledger:
    """One document's facts; raises CannotAnswer for a name that the tenant has not added."""
    ledger = _read(path_of(home, tenant, document))
    if ledger is None:
        mine = sorted(entry.stated.document for entry in ledgers(home, tenant) if entry.stated.tenant == tenant)
        known = f"facts were read from {', '.join(mine)}" if mine else "no document has been added"
        raise CannotAnswer(f"There is no added document {document!r}; {known}.")
    return ledger


def path_of(home: Path, tenant: str | None, document: str) -> Path:
    """Where a document's facts are kept; its name itself never becomes a path."""
    key = hashlib.sha256(json.dumps([tenant, document]).encode()).hexdigest()[:24]
    return Path(home) / "facts" / f"{key}.json"


def _read(path: Path) -> Ledger | None:
    try:
        return Ledger.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValidationError, ValueError):
        raise CannotAnswer(f"The facts in {path} are damaged: delete that file and add its document again.") from None


def write(home: Path, ledger: Ledger) -> None:
    """Replace a document's ledger as a whole."""
    path = path_of(home, ledger.stated.tenant, ledger.stated.document)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(ledger.model_dump_json(), encoding="utf-8")
    os.replace(part, path)
