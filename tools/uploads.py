"""Charge records that a person hands in: read from a cycler's file, stored with an id UP-..., used like an asset."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from tools.cells import Cell, find_cell
from tools.contract import Context
from tools.errors import BadArgument, CannotAnswer
from tools.fleet.records import ChargeRecord, to_blob
from tools.soh.judge import CellFacts, Judged, judge
from tools.soh.reading import Charge, Report, charges

LOCAL = "local"  # owner of what an operator without a tenant uploads
GIVEN = "given"  # marks a cell that was described with the upload and is in no catalogue
ID_DIGITS = 6
RESOLUTION_S = 0.1  # of stored times


@dataclass(frozen=True)
class Read:
    """One charge of a file and what it shows."""

    charge: Charge
    judged: Judged

    def shown(self) -> dict[str, Any]:
        """For people and programs; percent, Ah and V, rounded."""
        judged, t_s = self.judged, self.charge.t_s
        out = {"charge": self.charge.number, "duration_min": round(float(t_s[-1]) / 60, 1), "valid": judged.valid}
        if judged.reason:
            out["reason"] = judged.reason
        if judged.valid:
            out |= {"soh_percent": round(judged.soh_percent, 1), "soh_low_percent": round(judged.low_percent, 1),
                    "soh_high_percent": round(judged.high_percent, 1), "method": judged.method}
        if judged.features is not None:
            features = judged.features
            out["features"] = {k: None if v is None else float(f"{v:.5g}") for k, v in features.as_dict().items()}
        return out


def facts_of(cell: Cell) -> CellFacts:
    """What health needs to know of a catalogue cell; CannotAnswer if its capacity or charge limit is not stated."""
    if cell.capacity_nominal_ah is None or cell.voltage_charge_cutoff_v is None:
        raise CannotAnswer(f"The catalogue states no nominal capacity or no charge limit of {cell.name}: give "
                           "chemistry, nominal capacity and charge limit instead.")
    return CellFacts(cell.chemistry, cell.capacity_nominal_ah, cell.voltage_charge_cutoff_v,
                     cell.voltage_discharge_cutoff_v)


def described(cell_model: str | None, chemistry: str | None, nominal_ah: float | None, limit_v: float | None,
              cutoff_v: float | None) -> tuple[CellFacts, str]:
    """(facts, name to store) of a cell named from the catalogue or described by its numbers."""
    if cell_model is not None:
        cell = find_cell(cell_model)
        return facts_of(cell), cell.id
    if chemistry is None or nominal_ah is None:
        raise BadArgument("cell", "Say which cell it is: one of the catalogue (LG M50LT), or its chemistry and nominal "
                                  "capacity.")
    limit_v = limit_v or (3.6 if chemistry == "LFP" else 4.2)
    facts = CellFacts(chemistry, nominal_ah, limit_v, cutoff_v)
    return facts, f"{GIVEN};{facts.chemistry};{nominal_ah:g};{limit_v:g};{'' if cutoff_v is None else f'{cutoff_v:g}'}"


def cell_named(stored: str) -> Cell:
    """The cell of an upload: of the catalogue, or as it was described."""
    if not stored.startswith(f"{GIVEN};"):
        return find_cell(stored)
    _, chemistry, nominal_ah, limit_v, cutoff_v = stored.split(";")
    facts = {"capacity_nominal_ah": float(nominal_ah), "voltage_charge_cutoff_v": float(limit_v)}
    facts |= {"voltage_discharge_cutoff_v": float(cutoff_v)} if cutoff_v else {}
    name, known = f"{chemistry} cell of {nominal_ah} Ah", {"NMC", "NCA", "Ni-rich", "LFP", "LTO", "Na-ion"}
    return Cell(id=stored, manufacturer="not stated", model=name, name=name, aliases=(), chemistry_stated=chemistry,
                chemistry=chemistry if chemistry in known else "not stated", facts=facts,
                source=({"ref": "given with the upload"},), source_reliability="D")


def read_charges(path: Path, facts: CellFacts, report: Report | None = None,
                 progress: Callable[[int], None] | None = None, reverse_sign: bool = False):
    """Yield each charge of the file with its health, one at a time."""
    for charge in charges(Path(path), facts.nominal_ah, report, progress, reverse_sign):
        yield Read(charge, judge(charge.t_s, charge.current_a, charge.voltage_v, facts))


def newest(reads) -> Read:
    """The newest charge that shows health; if none does, the newest. CannotAnswer without any charge."""
    best = None
    for read in reads:
        best = read if best is None or read.judged.valid or not best.judged.valid else best
    if best is None:
        raise CannotAnswer("The file holds no charge: no stretch with a current above C/100 into the cell. Charging "
                           "current must be positive.")
    return best


def store(read: Read, cell_model: str, name: str, context: Context) -> str:
    """Keep one charge for the context's tenant; returns its id. The same charge gets the same id."""
    from sqlalchemy import select
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.orm import Session

    from tools.fleet.store import fleet_url, open_engine
    from tools.fleet.tables import Upload

    now, blob = datetime.now(UTC), to_blob(_record(read.charge))
    digest, tenant = hashlib.sha256(blob + cell_model.encode()).hexdigest(), context.tenant or LOCAL
    try:
        with Session(open_engine(fleet_url(context.home, context.fleet_url))) as session, session.begin():
            for digits in range(ID_DIGITS, 13):
                upload_id = f"UP-{digest[:digits]}"
                taken = session.scalars(select(Upload).where(Upload.upload_id == upload_id)).all()
                if all(u.tenant == tenant and u.data == blob for u in taken):
                    break
            session.merge(Upload(tenant=tenant, upload_id=upload_id, name=name[:200], cell_model=cell_model,
                                 uploaded=now, started=read.charge.started or now, data=blob))
    except SQLAlchemyError as error:
        raise CannotAnswer(f"The fleet database cannot be written: {str(error.__cause__ or error).splitlines()[0]}."
                           ) from None
    return upload_id


def _record(charge: Charge) -> ChargeRecord:
    """As stored: times rise by at least their resolution."""
    kept, last = [], -np.inf
    tenths = np.rint(charge.t_s / RESOLUTION_S)
    for at, tenth in enumerate(tenths):
        if tenth > last:
            kept.append(at)
            last = tenth
    return ChargeRecord(charge.started or datetime.now(UTC), (0,), charge.t_s[kept], charge.current_a[kept],
                        charge.voltage_v[kept][:, None], charge.temperature_c[kept][:, None])


def keep_named(path: Path, context: Context) -> str | None:
    """Keep a charge record whose file name says the cell; a sentence for people. None for any other kind of file."""
    from tools.soh.reading import is_record

    if not is_record(path):
        return None
    named = _named_cell(path.stem)
    if named is None:
        return (f"{path.name} is a charge record, but of which cell? Put the cell into the file's name, as in "
                f"'LG M50LT {path.name}' or 'NMC 2.0Ah {path.name}', and add it again.")
    facts, stored = named
    read = newest(read_charges(path, facts))
    upload_id = store(read, stored, path.name, context)
    shows = "" if read.judged.valid else f" Its health cannot be told: {read.judged.reason}."
    return f"{path.name} is kept as {upload_id}; ask about it by that name.{shows}"


def _named_cell(stem: str) -> tuple[CellFacts, str] | None:
    """The cell that a file name mentions: words of a catalogue name, or chemistry and nominal capacity."""
    words = re.split(r"[\s_,;()]+", stem)
    for length in range(min(len(words), 5), 0, -1):
        for first in range(len(words) - length + 1):
            try:
                return described(" ".join(words[first:first + length]), None, None, None, None)
            except CannotAnswer:
                continue
    match = re.search(r"(?i)\b(NMC|NCM|NCA|LFP|LCO)[ _-]*(\d+(?:[.]\d+)?) ?ah", stem.replace("_", " "))
    if not match:
        return None
    return described(None, {"NCM": "NMC"}.get(match[1].upper(), match[1].upper()), float(match[2]), None, None)
