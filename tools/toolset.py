"""The seven numeric tools, in the order of the contract; the eighth, search_documents, belongs to `retrieval`."""

from collections.abc import Sequence

from tools.arguments import (
    Diagnose,
    EstimateSoh,
    FindPacks,
    ForecastLife,
    GetStatus,
    RecommendChargingCurrent,
    SimulateCharge,
)
from tools.charging import RecommendChargingCurrentResult, recommend_charging_current
from tools.contract import Tool
from tools.diagnosis import DiagnoseResult
from tools.errors import BadArgument
from tools.health import EstimateSohResult, diagnose, estimate_soh
from tools.life import ForecastLifeResult, forecast_life
from tools.simulate import SimulateChargeResult, simulate_charge
from tools.status import FindPacksResult, GetStatusResult, find_packs, get_status

TOOLS = (
    Tool(get_status, GetStatus, GetStatusResult),
    Tool(find_packs, FindPacks, FindPacksResult),
    Tool(estimate_soh, EstimateSoh, EstimateSohResult),
    Tool(diagnose, Diagnose, DiagnoseResult),
    Tool(simulate_charge, SimulateCharge, SimulateChargeResult),
    Tool(recommend_charging_current, RecommendChargingCurrent, RecommendChargingCurrentResult),
    Tool(forecast_life, ForecastLife, ForecastLifeResult),
)


def tool_named(name: str, tools: Sequence[Tool] = TOOLS) -> Tool:
    """The tool of that name; raises BadArgument with the nearest name if there is none."""
    for tool in tools:
        if tool.name == name:
            return tool
    from rapidfuzz import process

    near = process.extractOne(name, [tool.name for tool in tools])[0]
    raise BadArgument("name", f"There is no tool {name!r}; the nearest is {near}.")
