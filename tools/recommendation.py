"""What a charging recommendation says: its result models."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from tools.contract import EnvelopeName, Result


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ProtocolStage(_Part):
    """Constant cell current up to a state of charge."""

    current_a: float
    until_soc_percent: float


class Limit(_Part):
    """A limit and where it comes from."""

    value: float | None
    source: str


class LimitsUsed(_Part):
    max_current_a: Limit
    max_voltage_v: Limit
    max_temperature_c: Limit
    anode_potential_margin_v: Limit


class VersusCcCv(_Part):
    """Against plain CC-CV at `cc_cv_current_a`; lithium lost to SEI and plating in one charge, null with a reason."""

    cc_cv_current_a: float
    cc_cv_time_min: float
    cc_cv_min_anode_potential_v: float
    minutes_saved: float
    simulated_by: str = "DFN"
    lithium_lost_percent: float | None = None
    cc_cv_lithium_lost_percent: float | None = None
    life_note: str


class IfWarmed(_Part):
    """The fastest charge after warming the cell to `temperature_c` first, by the world model."""

    temperature_c: float
    fastest_time_min: float


class RecommendChargingCurrentResult(Result):
    """Currents are per cell, `pack_current_a` for the whole pack. No charge: `current_a` 0 and the reason in words."""

    asset_id: str | None = None
    cell_model: str
    current_a: float
    pack_current_a: float | None = None
    parallel: int = 1
    c_rate: float | None = None
    priority: str
    protocol: tuple[ProtocolStage, ...] = ()
    soc_percent: float
    target_soc_percent: float
    reached_soc_percent: float
    temperature_c: float
    soh_percent: float
    charge_time_min: float | None = None
    deadline_min: float | None = None
    deadline_met: bool | None = None
    earliest_time_min: float | None = None
    soc_at_deadline_percent: float | None = None
    limits: LimitsUsed
    binding_constraint: str
    min_anode_potential_v: float | None = None
    max_temperature_c: float | None = None
    max_voltage_v: float | None = None
    verified_by: str | None = None
    envelope: EnvelopeName
    physics_limit_a: float | None = None
    if_warmed: IfWarmed | None = None
    versus_cc_cv: VersusCcCv | None = None
    assumptions: tuple[str, ...] = ()
    version: str
    series: dict[str, list[float]] = {}

    def brief(self) -> dict[str, Any]:
        """What an answer needs, rounded: amperes to 0.01, minutes to 0.1, volts to 0.001."""
        pack, late = self.parallel > 1, self.deadline_met is False
        short = self.reached_soc_percent < self.target_soc_percent - 0.5 and self.current_a > 0
        shown = {
            "cell_model": self.cell_model,
            "current_a": _rounded(self.current_a, 2),
            "pack_current_a": _rounded(self.pack_current_a, 1) if pack else None,
            "c_rate": _rounded(self.c_rate, 2),
            "final_current_a": None if len(self.protocol) < 2 else _rounded(self.protocol[-1].current_a, 2),
            "target_soc_percent": None if short else _rounded(self.target_soc_percent, 1),
            "reached_soc_percent": _rounded(self.reached_soc_percent, 1) if short else None,
            "charge_time_min": None if late else _rounded(self.charge_time_min, 1),
            "deadline_met": self.deadline_met,
            "earliest_time_min": _rounded(self.earliest_time_min, 1) if late else None,
            "soc_at_deadline_percent": _rounded(self.soc_at_deadline_percent, 1) if late else None,
            "binding_constraint": self.binding_constraint,
            "min_anode_potential_v": _rounded(self.min_anode_potential_v, 3),
            "max_temperature_c": _rounded(self.max_temperature_c, 1),
            "envelope": self.envelope,
            "physics_limit_a": _rounded(self.physics_limit_a, 2) if self.envelope == "datasheet" else None,
            "verified_by": self.verified_by,
        }
        return {key: value for key, value in shown.items() if value is not None}


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
