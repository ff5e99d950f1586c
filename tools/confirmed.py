"""Confirming what documents state, and the catalogue that the confirmed facts make for one home and tenant.

A document alone never changes a limit. A confirmed fact stays in force when its document is added anew or removed,
until a person withdraws it: neither a file nor its replacement speaks for the person.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from tools.cells import Cell, find_cell, load_catalogue, using
from tools.errors import BadArgument, CannotAnswer
from tools.facts import FIELDS, DocumentFacts, Fact, same_value, told
from tools.ledgers import Confirmed, Ledger, alone, forget, keep, ledger_of, ledgers, path_of, same_fact, write
from tools.own_cells import CAPACITIES, NEEDED, cell_id, laid_over, new_cell
from tools.plausible import judged

__all__ = ["catalogue_of", "confirm", "forget", "keep", "ledger_of", "ledgers", "overview", "withdraw"]


def confirm(home: Path, tenant: str | None, document: str, wanted: Sequence[str] = (), cell: str = "",
            chemistry: str = "", widen: bool = False) -> dict[str, Any]:
    """Confirm facts of a document: those named ("charge_current_max_a" or "mass_g=68"), or all that raise no question.

    `cell` says which cell the document is about (a catalogue name, or a new one). A value that cannot be right is
    never confirmed; a doubted one only by name; one that widens a limit of the catalogue only by name and with
    `widen`. Returns {document, cell, confirmed, left, note}; raises CannotAnswer and BadArgument.
    """
    with alone(home):
        return _confirmed(home, tenant, document, wanted, cell, chemistry, widen)


def _confirmed(home: Path, tenant: str | None, document: str, wanted: Sequence[str], cell: str, chemistry: str,
               widen: bool) -> dict[str, Any]:
    ledger = ledger_of(home, tenant, document)
    stated = _about(home, tenant, ledger.stated, cell, chemistry)
    base = _base(home, tenant, stated, document)
    stated = stated.model_copy(update={"facts": _judged_as(stated, base)})
    chosen, left = _chosen(stated, wanted)
    done, kept = [], [c for c in ledger.confirmed if not any(c.fact.field == f.field for f in chosen)]
    for fact in chosen:
        effect, why = _effect(base, fact, document, widen and bool(wanted))
        if effect == "widens" and not (widen and wanted):
            left.append(_row(fact, f"{why}: to allow that, confirm it by name and with --widen"))
            kept += [c for c in ledger.confirmed if c.fact.field == fact.field]
            continue
        done.append(_row(fact, why) | {"effect": effect})
        kept.append(Confirmed(fact=fact, digest=stated.digest, widen=effect == "widens",
                              at=datetime.now(UTC).isoformat(timespec="seconds")))
    write(home, Ledger(stated=stated, confirmed=tuple(kept), removed=ledger.removed))
    return {"document": document, "cell": _name(home, tenant, stated, base), "confirmed": done, "left": left,
            "note": _missing(home, tenant, stated, base)}


def withdraw(home: Path, tenant: str | None, document: str, fields: Sequence[str] = ()) -> dict[str, Any]:
    """Take back confirmations: those of the named fields, or all of the document."""
    with alone(home):
        return _withdrawn(home, tenant, document, fields)


def _withdrawn(home: Path, tenant: str | None, document: str, fields: Sequence[str]) -> dict[str, Any]:
    ledger = ledger_of(home, tenant, document)
    gone = [c for c in ledger.confirmed if not fields or c.fact.field in fields]
    unknown = [name for name in fields if name not in {c.fact.field for c in ledger.confirmed}]
    if unknown:
        raise CannotAnswer(f"{unknown[0]} of {document} is not confirmed.")
    kept = tuple(c for c in ledger.confirmed if c not in gone)
    if ledger.removed and not kept:
        path_of(home, tenant, document).unlink()
    else:
        write(home, ledger.model_copy(update={"confirmed": kept}))
    return {"document": document, "withdrawn": [c.fact.field for c in gone]}


def overview(home: Path, tenant: str | None, document: str = "") -> list[dict[str, Any]]:
    """What documents state, one object a document: its cell, and each fact with place, quote, state and doubts."""
    found = ledgers(home, tenant) if not document else [ledger_of(home, tenant, document)]
    return [_shown(home, tenant, ledger) for ledger in found]


def catalogue_of(home: Path | None, tenant: str | None) -> tuple[Cell, ...]:
    """The built-in cells with a tenant's confirmed facts laid over them, then the tenant's own cells.

    Tenant None, the operator, has its own confirmed facts and every tenant's new cells and tightened limits; a
    limit that a tenant widened is widened for that tenant alone.
    """
    folder = Path(home) / "facts" if home else None
    if folder is None or not folder.is_dir():
        return load_catalogue()
    stamp = tuple(sorted((p.name, p.stat().st_mtime_ns, p.stat().st_size) for p in folder.glob("*.json")))
    return _catalogue(Path(home), tenant, stamp) if stamp else load_catalogue()


@lru_cache(maxsize=64)
def _catalogue(home: Path, tenant: str | None, stamp: tuple) -> tuple[Cell, ...]:
    return tuple(_made_of(ledgers(home, tenant), tenant).values())


def _made_of(found: Sequence[Ledger], tenant: str | None) -> dict[str, Cell]:
    """The cells by id that these documents' confirmed facts make; the operator's own documents come first."""
    cells = {cell.id: cell for cell in load_catalogue()}
    for ledger in sorted(found, key=lambda entry: entry.stated.tenant is not None):
        stated, facts = ledger.stated, tuple(c.fact for c in ledger.confirmed)
        at = stated.cell or cell_id(stated)
        if at not in cells:
            own = None if stated.cell else new_cell(stated, facts)
            if own is not None:
                cells[at] = own
            continue
        for confirmed in ledger.confirmed:
            may_widen = confirmed.widen and stated.tenant == tenant
            cells[at], _, _ = laid_over(cells[at], confirmed.fact, stated.document, may_widen)
    return cells


def _about(home: Path, tenant: str | None, stated: DocumentFacts, cell: str, chemistry: str) -> DocumentFacts:
    """The document's facts about the cell that a person says they are about."""
    if chemistry:
        known = DocumentFacts.model_fields["chemistry"].annotation.__args__
        if chemistry not in known:
            raise BadArgument("chemistry", f"{chemistry!r} is no chemistry here; these are: {', '.join(known)}.")
        stated = stated.model_copy(update={"chemistry": chemistry})
    if not cell:
        return stated
    try:
        return stated.model_copy(update={"cell": find_cell(cell).id})
    except CannotAnswer as reason:
        if "say which one" in str(reason):
            raise
        return stated.model_copy(update={"cell": "", "manufacturer": "", "model": " ".join(cell.split())[:40]})


def _base(home: Path, tenant: str | None, stated: DocumentFacts, document: str) -> Cell | None:
    """The cell a document is about, as it is without this document's facts; None for one that it alone knows."""
    known = _known(home, tenant, stated)
    if known is not None:
        return known
    if not stated.model:
        raise CannotAnswer(f"{document} does not say which cell it is about: name it with --cell.")
    with using(load_catalogue()):
        try:
            taken = find_cell(stated.model)
        except CannotAnswer as reason:
            if "say which one" in str(reason):  # a name that several known cells answer to is no new cell's
                raise
            return None
    raise CannotAnswer(f"{stated.model} is {taken.name} of the catalogue: confirm with --cell {taken.name!r}, or name "
                       "the new cell with --cell.")


def _known(home: Path, tenant: str | None, stated: DocumentFacts) -> Cell | None:
    others = [ledger for ledger in ledgers(home, tenant)
              if (ledger.stated.tenant, ledger.stated.document) != (stated.tenant, stated.document)]
    return _made_of(others, tenant).get(stated.cell or cell_id(stated))


def _judged_as(stated: DocumentFacts, base: Cell | None) -> tuple[Fact, ...]:
    """The facts held against what is known of the cell: its own chemistry and size count, not the document's."""
    if base is None:
        return judged(stated)
    chemistry = stated.chemistry if base.chemistry == "not stated" else base.chemistry
    known = stated.model_copy(update={"chemistry": chemistry, "format": str(base.facts.get("format", ""))})
    return judged(known, base.facts)


def _chosen(stated: DocumentFacts, wanted: Sequence[str]) -> tuple[list[Fact], list[dict[str, Any]]]:
    """The facts to confirm and those left, each with the reason."""
    if wanted:
        return [_named(stated, name) for name in wanted], []
    sure = [f for f in stated.facts if not f.impossible and not f.doubt]
    left = [_row(f, f.impossible or f"{f.doubt}: confirm it by name") for f in stated.facts if f not in sure]
    return sure, left


def _named(stated: DocumentFacts, name: str) -> Fact:
    """The fact that "mass_g" or "mass_g=68" means."""
    field, _, number = name.partition("=")
    field = field.strip()
    found = [f for f in stated.facts if f.field == field]
    if not found:
        known = ", ".join(dict.fromkeys(f.field for f in stated.facts)) or "nothing"
        kind = "states no" if field in FIELDS else "has no field"
        raise BadArgument("field", f"{stated.document} {kind} {field}; it states {known}.")
    if number:
        try:
            found = [f for f in found if same_value(f.value, float(number))]
        except ValueError:
            raise BadArgument("field", f"{number!r} is not a number: write it as {field}=VALUE.") from None
        if not found:
            raise BadArgument("field", f"{stated.document} does not state {field} = {number}; only what a document "
                                       "states can be confirmed.")
    if len(found) > 1:
        values = " or ".join(f"{field}={f.value:g} ({f.where})" for f in found if isinstance(f.value, float))
        raise BadArgument("field", f"{stated.document} states {field} more than once: say {values}.")
    if found[0].impossible:
        raise CannotAnswer(f"{field} = {found[0].told} of {stated.document} cannot be right and is not confirmed: "
                           f"{found[0].impossible}.")
    return found[0]


def _effect(base: Cell | None, fact: Fact, document: str, widen: bool) -> tuple[str, str]:
    if base is None:
        return "adds", "a fact of a new cell"
    _, effect, why = laid_over(base, fact, document, widen)
    return effect, why


def _name(home: Path, tenant: str | None, stated: DocumentFacts, base: Cell | None) -> str:
    if base is not None:
        return base.name
    at = cell_id(stated)
    return next((cell.name for cell in catalogue_of(home, tenant) if cell.id == at), stated.model)


def _missing(home: Path, tenant: str | None, stated: DocumentFacts, base: Cell | None) -> str | None:
    """What a new cell still lacks to be in the catalogue."""
    if base is not None or any(cell.id == cell_id(stated) for cell in catalogue_of(home, tenant)):
        return None
    return (f"{stated.model} is not in the catalogue yet: that takes a confirmed {' and '.join(NEEDED)} and one of "
            f"{', '.join(CAPACITIES)}.")


def _row(fact: Fact, why: str) -> dict[str, Any]:
    return {"field": fact.field, "value": told(fact.field, fact.value), "page": fact.page, "why": why}


def _shown(home: Path, tenant: str | None, ledger: Ledger) -> dict[str, Any]:
    stated = ledger.stated
    base = _known(home, tenant, stated)
    rows = [_fact_row(fact, ledger, base) for fact in _judged_as(stated, base)]
    rows += [_fact_row(c.fact, ledger, base) for c in ledger.confirmed
             if not any(same_fact(f, c.fact) for f in stated.facts)]
    return {"document": stated.document, "tenant": stated.tenant, "cell": base.name if base else stated.model,
            "known_cell": bool(stated.cell), "manufacturer": stated.manufacturer, "chemistry": stated.chemistry,
            "removed": ledger.removed, "remarks": list(stated.remarks), "facts": rows}


def _fact_row(fact: Fact, ledger: Ledger, base: Cell | None) -> dict[str, Any]:
    confirmed = next((c for c in ledger.confirmed if same_fact(c.fact, fact)), None)
    effect, why = ("", "") if fact.impossible else _effect(base, fact, ledger.stated.document, False)
    state = ("confirmed" if confirmed else "impossible" if fact.impossible else "doubtful" if fact.doubt
             else "unconfirmed")
    return {"field": fact.field, "value": fact.told, "page": fact.page, "at": fact.at, "quote": fact.quote,
            "qualifier": fact.qualifier, "state": state, "effect": effect,
            "why": fact.impossible or "; ".join(filter(None, (fact.doubt, why if effect != "adds" else ""))),
            "widened": bool(confirmed and confirmed.widen)}
