"""What a call is about: one cell (of a pack or by name) with the state that was given or looked up."""

from dataclasses import dataclass

from tools.cells import Cell


@dataclass(frozen=True)
class Subject:
    """A cell and where each part of its state comes from.

    Percent and degC; `sources[name]` is "given", "telemetry" or "default". A cell named by model has
    `asset_id` None and series = parallel = 1.
    """

    cell: Cell
    soc_percent: float
    temperature_c: float
    soh_percent: float
    asset_id: str | None = None
    series: int = 1
    parallel: int = 1
    sources: dict[str, str] | None = None
