"""Argument models of the eight tools: the contract, in canonical units.

Every number is percent, degC, A, C-rate, minutes, years or mV. `quantity` tells
`tools.words` how to read the words a person used for the field.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tools.errors import BadArgument

QUERY_CHARACTERS = 300  # of a search
ASSET_ID = r"^(PK-\d{4}(-C\d{2,3})?|UP-[0-9a-f]{4,12})$"


def _field(quantity: str, description: str, **bounds):
    """A field that may be left out, read by `tools.words` as `quantity`."""
    return Field(default=None, description=description, json_schema_extra={"quantity": quantity}, **bounds)


def _number(quantity: str, description: str, ge: float, le: float):
    return _field(quantity, description, ge=ge, le=le)


_ASSET_WORDS = "pack PK-0042, cell PK-0042-C07 or upload UP-3f9a"
AssetId = Annotated[str, Field(description=_ASSET_WORDS, json_schema_extra={"quantity": "asset_id"}, pattern=ASSET_ID)]
OptionalAssetId = Annotated[str | None, _field("asset_id", _ASSET_WORDS, pattern=ASSET_ID)]
CellModel = Annotated[str | None, _field(
    "cell_model", "cell type as people write it, e.g. LG M50LT, A123 26650, CATL 280Ah", min_length=1, max_length=80)]
Percent = Annotated[float | None, _number("percent", "percent", 0, 100)]
Soh = Annotated[float | None, _number("soh", "state of health in percent of new capacity", 50, 110)]
SohBound = Annotated[float | None, _number("soh", "state of health in percent of new capacity", 0, 110)]
Celsius = Annotated[float | None, _number("celsius", "degC", -60, 100)]
Ampere = Annotated[float | None, _number("ampere", "A", 0.001, 10000)]
CRate = Annotated[float | None, _number("c_rate", "C-rate", 0.001, 20)]
Minutes = Annotated[float | None, _number("minutes", "minutes", 0.1, 20000)]
Millivolt = Annotated[float | None, _number("millivolt", "mV", 0, 5000)]
Priority = Literal["fastest", "balanced", "longest_life"]
SortBy = Literal["soh", "temperature", "spread", "cycles", "soc"]
DocumentKind = Literal["datasheet", "fleet_summary"]


class Arguments(BaseModel):
    """Base of all argument models: frozen, no unknown names, no NaN or infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _OneSubject(Arguments):
    """A call names an asset or a cell model, never both, never neither."""

    @model_validator(mode="after")
    def _names_one(self):
        if (self.asset_id is None) == (self.cell_model is None):
            raise BadArgument("asset_id", "Name either an asset (asset_id, like PK-0042) or a cell type (cell_model, "
                                          "like LG M50LT), one of the two.")
        return self


class GetStatus(Arguments):
    asset_id: AssetId


class FindPacks(Arguments):
    soh_below_percent: SohBound
    soh_above_percent: SohBound
    temperature_above_c: Celsius
    temperature_below_c: Celsius
    spread_above_mv: Millivolt
    soc_below_percent: Percent
    has_fault: Annotated[bool | None, Field(default=None, description="only with (true) or without (false) a fault")]
    cell_model: CellModel
    site: Annotated[str | None, _field("site", "site name", max_length=80)]
    sort_by: Annotated[SortBy | None, Field(default=None, description="order of the list")]
    descending: Annotated[bool | None, Field(default=None, description="largest first")]
    limit: Annotated[int | None, _field("count", "how many packs", ge=1, le=100)]


class EstimateSoh(Arguments):
    asset_id: AssetId


class Diagnose(Arguments):
    asset_id: AssetId


class SimulateCharge(_OneSubject):
    asset_id: OptionalAssetId
    cell_model: CellModel
    current_a: Ampere
    c_rate: CRate
    soc_start_percent: Percent
    soc_end_percent: Percent
    temperature_c: Celsius
    soh_percent: Soh


class RecommendChargingCurrent(_OneSubject):
    asset_id: OptionalAssetId
    cell_model: CellModel
    soc_percent: Percent
    target_soc_percent: Percent
    temperature_c: Celsius
    soh_percent: Soh
    time_limit_min: Minutes
    priority: Annotated[Priority | None, Field(default=None, description="only if asked for")]


class ForecastLife(_OneSubject):
    asset_id: OptionalAssetId
    cell_model: CellModel
    years: Annotated[float | None, _number("years", "years ahead", 0.01, 40)]
    cycles_per_week: Annotated[float | None, _number("cycles_per_week", "cycles per week", 0.01, 200)]
    charge_c_rate: CRate
    depth_of_discharge_percent: Annotated[float | None, _number("percent", "percent", 1, 100)]
    temperature_c: Celsius
    soh_percent: Soh


class SearchDocuments(Arguments):
    query: Annotated[str, Field(description="what to look for", min_length=1, max_length=QUERY_CHARACTERS,
                                json_schema_extra={"quantity": "query"})]
    kind: Annotated[DocumentKind | None, Field(default=None, description="datasheet or fleet_summary")]
    cell_model: CellModel
