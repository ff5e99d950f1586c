"""Which column of a cycler's file is what, and in which unit: generic names, Arbin, Neware and Maccor exports."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tools.errors import CannotAnswer

# Names without unit, case and punctuation, in order of preference.
NAMES = {
    "time": ("testtime", "ttest", "totaltime", "elapsedtime", "runtime", "relativetime", "time", "t", "test", "seconds",
             "steptime", "tstep", "stept", "datetime", "dpttime", "realtime", "absolutetime", "timestamp", "systemtime",
             "date"),
    "voltage": ("voltage", "cellvoltage", "voltagemeasured", "volts", "volt", "v", "u", "ecell", "ewe", "vcell",
                "potential"),
    "current": ("current", "cellcurrent", "currentmeasured", "amps", "amp", "i", "icell"),
    "temperature": ("temperature", "celltemperature", "temperaturemeasured", "temp", "auxtemperature1",
                    "auxtemperature", "temp1", "temperature1", "t1", "evtemp", "thermocouple1", "auxchtu1t"),
    "state": ("state", "md", "mode", "steptype", "status", "stepname"),
}
FACTORS = {
    "time": {"s": 1, "sec": 1, "secs": 1, "second": 1, "seconds": 1, "ms": 1e-3, "min": 60, "mins": 60, "minutes": 60,
             "h": 3600, "hr": 3600, "hrs": 3600, "hours": 3600},
    "voltage": {"v": 1, "volt": 1, "volts": 1, "mv": 1e-3},
    "current": {"a": 1, "amp": 1, "amps": 1, "ma": 1e-3},
    "temperature": {"c": 1, "degc": 1, "℃": 1, "celsius": 1},
    "state": {},
}
# What a state column says of the sign of the current; Maccor logs magnitudes. Others keep the sign they have.
CHARGE_WORDS, DISCHARGE_WORDS = ("chg", "charge", "cc-cv", "cccv"), ("dchg", "discharge", "dchg", "disc")


@dataclass(frozen=True)
class Column:
    """One column of the file: its position, its name, the factor to SI; `unit` None where the file states none."""

    position: int
    name: str
    unit: str | None
    factor: float


def columns_of(header: Sequence[str]) -> dict[str, Column] | None:
    """{"time", "voltage", "current" and, where there, "temperature", "state"}; None if this is no header line."""
    found = {}
    for what, names in NAMES.items():
        fits = [(names.index(key), position, text, unit) for position, text in enumerate(header)
                for key, unit in _readings(text, what) if key in names]
        if fits:
            _, position, text, unit = min(fits, key=lambda fit: fit[:2])
            found[what] = Column(position, text.strip(), unit, FACTORS[what].get(unit, 1.0))
    return found if {"voltage", "current"} <= found.keys() else None


def _readings(text: str, what: str) -> list[tuple[str, str | None]]:
    """(name, unit) as a header may be meant: "Current(mA)", "t_s", "Voltage [V]", "I/mA", "Volts"."""
    text = text.strip().strip('"').lower().replace("°", "").replace("µ", "u")
    readings = [(_key(text), None)]
    if match := re.fullmatch(r"(.*?)[\s_/,]*[(\[]\s*([^)\]]*)[)\]](.*)", text):
        readings.insert(0, (_key(match[1] + match[3]), match[2].replace(" ", "").replace("deg", "") or None))
    elif (match := re.fullmatch(r"(.+?)[\s_/,]+([a-z℃]+)", text)) and match[2] in FACTORS[what]:
        readings.insert(0, (_key(match[1]), match[2]))
    return [(key, unit if unit is None or unit in FACTORS[what] else None) for key, unit in readings
            if unit is None or unit in FACTORS[what] or what == "state"]


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text)


def missing(columns: dict[str, Column], name: str) -> None:
    """Raise CannotAnswer when time is missing."""
    if "time" not in columns:
        raise CannotAnswer(f"{name} has no time column; it may be called time_s, Test_Time(s) or Total Time.")


def sign_of(state: str) -> int:
    """+1 charging, -1 discharging, 0 unknown or at rest, from one state as Neware or Maccor writes it."""
    word = state.strip().lower()
    if word in ("c", "d"):
        return 1 if word == "c" else -1
    squeezed = re.sub(r"[\s_-]", "", word)
    if any(w.replace("-", "") in squeezed for w in DISCHARGE_WORDS):
        return -1
    return 1 if any(w.replace("-", "") in squeezed for w in CHARGE_WORDS) else 0
