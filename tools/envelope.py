"""What a charge may never exceed: the maker's limits and physics, each number with its source.

Enforced in code, outside every neural network. "datasheet": the maker's limits AND physics. "physics": current up
to the cell's stated maximum C-rate (2C unless it says otherwise) and physics, for engineers whose maker released more.
"""

from dataclasses import dataclass

from tools.cells import Cell, DeratingBand
from tools.contract import EnvelopeName
from tools.errors import CannotAnswer

DEFAULT_WINDOW_C = (0.0, 45.0)  # the usual charge window of lithium-ion sheets, used where a sheet states none
PHYSICS_LOWEST_C = -20.0
PHYSICS_C_RATE = 2.0
CAUTIOUS_C_RATE = 0.3  # where no charge current is stated: the gentlest rate usual in makers' sheets
DEFAULT_VOLTAGE_V = {"NMC": 4.2, "NCA": 4.2, "Ni-rich": 4.2, "not stated": 4.2, "LFP": 3.65, "LTO": 2.7}
ANODE_MARGIN_V = 0.0015  # what the mesh of the check may be wrong by
ANODE_MARGIN_STAND_IN_V = 0.015


@dataclass(frozen=True)
class Limits:
    """Limits for one cell at one temperature and state of charge (A per cell, V, degC), each with its source.

    `refused` says why no charging is allowed here, or is None; then `max_current_a` is above 0.
    """

    envelope: EnvelopeName
    max_current_a: float
    max_current_source: str
    max_voltage_v: float | None
    max_voltage_source: str
    min_temperature_c: float
    max_temperature_c: float
    temperature_source: str
    anode_potential_margin_v: float
    anode_potential_source: str
    refused: str | None = None


def limits(cell: Cell, temperature_c: float, soc_percent: float, envelope: EnvelopeName = "datasheet") -> Limits:
    """The limits that hold for `cell` at this cell temperature and state of charge.

    Raises CannotAnswer when neither a charge current nor a capacity is stated anywhere.
    """
    low_c, high_c, window_source = temperature_window(cell, envelope)
    current_a, current_source = _current(cell, temperature_c, soc_percent, envelope)
    voltage_v, voltage_source = _voltage(cell, temperature_c, envelope)
    refused = _refusal(cell, temperature_c, low_c, high_c, current_a, current_source)
    margin_v, margin_source = anode_margin(cell)
    return Limits(envelope, 0.0 if refused else current_a, current_source, voltage_v, voltage_source, low_c, high_c,
                  window_source, margin_v, margin_source, refused)


def anode_margin(cell: Cell) -> tuple[float, str]:
    """Margin kept above 0 V against lithium, V: larger when another cell's parameters stand in."""
    from tools.parameters import OWN

    if cell.id in OWN:
        return ANODE_MARGIN_V, "physics: no lithium plates while the anode stays above 0 V against lithium"
    return ANODE_MARGIN_STAND_IN_V, ("physics: anode above 0 V against lithium, with a wider margin because another "
                                     "cell's parameters stand in")


def temperature_window(cell: Cell, envelope: EnvelopeName) -> tuple[float, float, str]:
    """(lowest, highest) cell temperature for charging, degC, and the source."""
    low_c, high_c = cell.charge_temperature_min_c, cell.charge_temperature_max_c
    source = f"charge window of the {cell.name} datasheet"
    if told := cell.confirmed.get("charge_temperature_min_c") or cell.confirmed.get("charge_temperature_max_c"):
        source = f"charge window of {cell.name} ({told})"
    bands = cell.charge_derating
    if low_c is None and high_c is None and len(bands) > 1:
        low_c, high_c = min(b.temp_min_c for b in bands), max(b.temp_max_c for b in bands)
        source = f"charge bands of the {cell.name} datasheet"
    if low_c is None or high_c is None:
        source = f"no charge window is stated for {cell.name}: 0 to 45 degC, usual for lithium-ion, is assumed"
        low_c = DEFAULT_WINDOW_C[0] if low_c is None else low_c
        high_c = DEFAULT_WINDOW_C[1] if high_c is None else high_c
    if envelope == "physics" and low_c > PHYSICS_LOWEST_C:
        low_c, source = PHYSICS_LOWEST_C, f"physics envelope below {low_c:g} degC; above, {source}"
    return float(low_c), float(high_c), source


def stated_current_a(cell: Cell) -> tuple[float, str]:
    """The maker's charge current limit before derating, A, and the source."""
    if cell.charge_current_max_a is not None:
        note = cell.qualifiers.get("charge_current_max_a")
        return cell.charge_current_max_a, f"maximum charge current of {cell.name}" + (f" ({note})" if note else "")
    if cell.charge_current_standard_a is not None:
        rapid = cell.charge_current_rapid_a
        also = f"; its {rapid:g} A fast charge is not taken for a limit" if rapid else ""
        told = cell.confirmed.get("charge_current_standard_a")
        return (cell.charge_current_standard_a, f"standard charge current of {cell.name}, as no maximum is stated{also}"
                + (f" ({told})" if told else ""))
    if cell.capacity_nominal_ah is None:
        raise CannotAnswer(f"No source states a charge current or a capacity for {cell.name}; "
                           "the nearest answer is what its documents say.")
    return (CAUTIOUS_C_RATE * cell.capacity_nominal_ah,
            f"no charge current is stated for {cell.name}: a cautious {CAUTIOUS_C_RATE:g}C is assumed")


def standard_current_a(cell: Cell) -> tuple[float, str]:
    """The maker's standard charge current, A; a cautious rate where none is stated."""
    if cell.charge_current_standard_a is not None:
        return cell.charge_current_standard_a, f"standard charge current of {cell.name}"
    limit_a, source = stated_current_a(cell)
    cautious_a = CAUTIOUS_C_RATE * (cell.capacity_nominal_ah or limit_a / CAUTIOUS_C_RATE)
    return min(limit_a, cautious_a), f"no standard charge current is stated: {CAUTIOUS_C_RATE:g}C at most"


def _current(cell: Cell, temperature_c: float, soc_percent: float, envelope: EnvelopeName) -> tuple[float, str]:
    if envelope == "physics":
        return _physics_current(cell)
    current_a, source = stated_current_a(cell)
    for limit_a, where in _derated(cell, temperature_c, soc_percent):
        if limit_a < current_a:
            current_a, source = limit_a, where
    return current_a, source


def _physics_current(cell: Cell) -> tuple[float, str]:
    capacity_ah = cell.capacity_nominal_ah
    if capacity_ah is None:
        return stated_current_a(cell)
    stated = max(cell.charge_current_max_a or 0.0, cell.charge_current_rapid_a or 0.0)
    if stated > PHYSICS_C_RATE * capacity_ah:
        return stated, f"physics envelope: highest charge current stated for {cell.name}"
    return PHYSICS_C_RATE * capacity_ah, f"physics envelope: {PHYSICS_C_RATE:g}C"


def _derated(cell: Cell, temperature_c: float, soc_percent: float) -> list[tuple[float, str]]:
    """Every derated current that touches this temperature; on a boundary both sides do."""
    found = [(_band_current(cell, band), f"{_sheet(cell, band)}, {band.temp_min_c:g} to {band.temp_max_c:g} degC")
             for band in _touching(cell.charge_derating, temperature_c)]
    found += [(0.0, f"{cell.name} datasheet allows at most {band.soc_max_pct:g} % charge at this temperature")
              for band in _touching(cell.charge_derating, temperature_c)
              if band.soc_max_pct is not None and soc_percent >= band.soc_max_pct]
    if cell.charge_derating_points:
        found.append(_point_current(cell, temperature_c, soc_percent))
    return [(current_a, where) for current_a, where in found if current_a is not None]


def _sheet(cell: Cell, band: DeratingBand) -> str:
    return f"{cell.name}, {band.basis}" if band.basis.startswith("confirmed") else f"{cell.name} datasheet"


def _touching(bands: tuple[DeratingBand, ...], temperature_c: float) -> list[DeratingBand]:
    return [band for band in bands if band.temp_min_c <= temperature_c <= band.temp_max_c]


def _band_current(cell: Cell, band: DeratingBand) -> float | None:
    """A band states a current, a C-rate or both: the lower holds."""
    stated = [] if band.current_max_a is None else [band.current_max_a]
    if band.c_rate_max is not None and cell.capacity_nominal_ah is not None:
        stated.append(band.c_rate_max * cell.capacity_nominal_ah)
    return min(stated, default=None)


def _point_current(cell: Cell, temperature_c: float, soc_percent: float) -> tuple[float, str]:
    """Between two printed points the lower one holds, on a point both neighbours; outside the table nothing."""
    points = sorted(cell.charge_derating_points, key=lambda point: point.temp_c)
    rates = [min(a.c_rate_at(soc_percent), b.c_rate_at(soc_percent))
             for a, b in zip(points, points[1:], strict=False) if a.temp_c <= temperature_c <= b.temp_c]
    where = f"{cell.name} datasheet, charge table at {temperature_c:.3g} degC"
    if not rates:
        return 0.0, f"{cell.name} datasheet: its charge table ends at {points[-1].temp_c:g} degC"
    return min(rates) * cell.capacity_nominal_ah, where


def _voltage(cell: Cell, temperature_c: float, envelope: EnvelopeName) -> tuple[float | None, str]:
    voltage_v, source = cell.voltage_charge_cutoff_v, f"charge voltage of the {cell.name} datasheet"
    if told := cell.confirmed.get("voltage_charge_cutoff_v"):
        source = f"charge voltage of {cell.name} ({told})"
    if voltage_v is None:
        voltage_v = DEFAULT_VOLTAGE_V.get(cell.chemistry)
        source = "no charge voltage is stated" + (f": usual for {cell.chemistry}" if voltage_v is not None else "")
    if envelope == "datasheet":
        for band in _touching(cell.charge_derating, temperature_c):
            if band.voltage_max_v is not None and (voltage_v is None or band.voltage_max_v < voltage_v):
                voltage_v, source = band.voltage_max_v, f"{cell.name} datasheet at this temperature"
    return voltage_v, source


def _refusal(cell: Cell, temperature_c: float, low_c: float, high_c: float, current_a: float,
             current_source: str) -> str | None:
    if temperature_c < low_c:
        return f"{cell.name} must not be charged below {low_c:g} degC: warm it to at least {low_c:g} degC first."
    if temperature_c > high_c:
        return f"{cell.name} must not be charged above {high_c:g} degC: let it cool below {high_c:g} degC first."
    if current_a <= 0:
        return f"No charge current is allowed at {temperature_c:g} degC ({current_source})."
    return None
