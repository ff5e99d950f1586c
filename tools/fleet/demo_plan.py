"""What the demonstration fleet is made of: owners, sites, packs, how they are used, and which have a fault.

All of it is invented; climates are rounded monthly normals of the cities. Every choice comes from the seed.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

NOW = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)  # the demonstration's present: fixed, so that a seed gives one fleet
MONTHS = 30
FEATURED = "PK-0042"  # LG M50LT at a cool site, about 90 % health, no fault


@dataclass(frozen=True)
class Site:
    """A depot: yearly mean and half swing of the monthly temperature in degC, and its warmest month."""

    name: str
    tenant: str
    climate: str
    mean_c: float
    swing_c: float
    warmest_month: int = 7

    def ambient_c(self, month: int) -> float:
        return self.mean_c + self.swing_c * np.cos(2 * np.pi * (month - self.warmest_month) / 12)


@dataclass(frozen=True)
class Design:
    """A pack design and how it is used; `cycles_per_week` are equivalent full cycles."""

    cell_id: str
    use: str
    series: int
    parallel: int
    cycles_per_week: float
    record_c_rate: float  # within the datasheet's standard charge
    curves_of: str  # catalogue id whose curves the simulation takes
    faults: tuple[str, ...]


OSLO = Site("Oslo", "nordic-transit", "cold", 6.5, 10.5)
GOTHENBURG = Site("Gothenburg", "nordic-transit", "cool", 8.5, 8.5)
TARTU = Site("Tartu", "nordic-transit", "cold", 6.5, 11.5)
HAMBURG = Site("Hamburg", "hansa-logistics", "cool", 9.5, 8.0)
LYON = Site("Lyon", "hansa-logistics", "mild", 13.0, 9.0)
PHOENIX = Site("Phoenix", "solara-fleet", "hot", 24.0, 11.0)
PUNE = Site("Pune", "solara-fleet", "hot", 25.0, 4.5, warmest_month=5)

COMMON = ("imbalance", "cooling")
M50LT = Design("lg-inr21700-m50lt", "delivery van", 24, 16, 2.2, 0.29, "lg-inr21700-m50lt",
               (*COMMON, "weak_cell", "plating_risk", "sensor_stuck", "high_resistance"))
M50T = Design("lg-inr21700-m50t", "cargo bike", 14, 8, 1.6, 0.29, "lg-inr21700-m50t",
              (*COMMON, "sensor_stuck", "high_resistance"))
KOKAM = Design("kokam-slpb75106100", "tug", 28, 6, 1.5, 0.2, "kokam-slpb75106100",
               (*COMMON, "weak_cell", "high_resistance", "plating_risk"))
UMICH = Design("umich-nmc532-pouch", "test bench", 20, 12, 1.8, 0.3, "umich-nmc532-pouch",
               ("cooling", "weak_cell", "high_resistance"))
A123 = Design("a123-anr26650m1-b", "starter and hybrid pack", 16, 10, 4.0, 0.4, "a123-anr26650m1-b", COMMON)
CATL = Design("catl-280ah-lfp", "stationary storage", 16, 1, 6.0, 0.4, "a123-anr26650m1-b", COMMON)

GROUPS = (
    (OSLO, M50LT, 35), (OSLO, KOKAM, 25), (GOTHENBURG, M50LT, 30), (GOTHENBURG, CATL, 15), (GOTHENBURG, UMICH, 20),
    (TARTU, KOKAM, 20), (TARTU, A123, 25), (HAMBURG, M50LT, 25), (HAMBURG, M50T, 35), (HAMBURG, CATL, 20),
    (LYON, M50T, 30), (LYON, A123, 25), (LYON, UMICH, 15), (PHOENIX, M50LT, 20), (PHOENIX, A123, 20),
    (PUNE, KOKAM, 20), (PUNE, UMICH, 20))
PACKS = sum(count for *_, count in GROUPS)
FAULT_COUNTS = {"weak_cell": 8, "imbalance": 7, "cooling": 6, "plating_risk": 5, "sensor_stuck": 4,
                "high_resistance": 4}


@dataclass(frozen=True)
class Plan:
    """One pack before anything is simulated. `fault_months`: how long ago its fault began."""

    pack_id: str
    site: Site
    design: Design
    commissioned: date
    seed: int
    wear: float  # factor on ageing
    use: float  # factor on cycles
    fault: str | None = None
    fault_cell: int = 0
    fault_months: int = 0


def plan_fleet(seed: int) -> list[Plan]:
    """All packs, PK-0001 first. The same seed gives the same fleet."""
    rng = np.random.default_rng(seed)
    slots = [(site, design) for site, design, count in GROUPS for _ in range(count)]
    order = rng.permutation(len(slots))
    plans = [_plan(rng, n, *slots[i]) for n, i in enumerate(order, 1)]
    plans = _with_featured(plans)
    return _with_faults(plans, rng)


def _plan(rng: np.random.Generator, number: int, site: Site, design: Design) -> Plan:
    days = int(rng.integers(14 * 30, int(4.2 * 365)))
    return Plan(f"PK-{number:04d}", site, design, (NOW - timedelta(days=days)).date(), int(rng.integers(2**31)),
                float(np.exp(rng.normal(0, 0.15))), float(np.exp(rng.normal(0, 0.2))))


def _with_featured(plans: list[Plan]) -> list[Plan]:
    """Give FEATURED's number to an M50LT pack in Oslo by swapping the two packs' places."""
    here = next(i for i, p in enumerate(plans) if p.pack_id == FEATURED)
    there = next(i for i, p in enumerate(plans) if p.site is OSLO and p.design is M50LT)
    ids = plans[here].pack_id, plans[there].pack_id
    plans[here], plans[there] = replace(plans[there], pack_id=ids[0]), replace(plans[here], pack_id=ids[1])
    plans[here] = replace(plans[here], commissioned=date(2023, 8, 14), wear=0.76, use=1.0)
    return plans


def _with_faults(plans: list[Plan], rng: np.random.Generator) -> list[Plan]:
    for fault, count in FAULT_COUNTS.items():
        able = [i for i, p in enumerate(plans) if p.fault is None and p.pack_id != FEATURED and fault in p.design.faults
                and (fault != "plating_risk" or p.site.climate == "cold")
                and (NOW.date() - p.commissioned).days > 500]
        ages = (10, 15) if fault == "plating_risk" else (4, 11)  # plating needs a winter
        for i in rng.choice(able, size=count, replace=False):
            plans[i] = replace(plans[i], fault=fault, fault_cell=int(rng.integers(1, plans[i].design.series + 1)),
                               fault_months=int(rng.integers(*ages)))
    return plans


def month_names() -> list[str]:
    """The history's months, oldest first; the last is the one before NOW."""
    last = NOW.year * 12 + NOW.month - 2
    return [f"{m // 12}-{m % 12 + 1:02d}" for m in range(last - MONTHS + 1, last + 1)]
