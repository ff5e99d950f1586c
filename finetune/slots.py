"""Values for the slots of the phrasings: the words a person writes and the canonical value they mean."""

import random
from functools import cache

from tools.cells import load_catalogue

SITES = (
    "Hamburg", "Oslo", "Phoenix", "Lyon", "Gothenburg", "Pune", "Tartu", "Rotterdam", "Leipzig", "Graz", "Turin",
    "Malmö", "Bergen", "Aarhus", "Tampere", "Riga", "Gdansk", "Brno", "Porto", "Seville", "Nantes", "Lille", "Basel",
    "Leeds", "Cork", "Denver", "Austin", "Tucson", "Calgary", "Monterrey", "Recife", "Cordoba", "Lagos", "Nairobi",
    "Durban", "Cairo", "Haifa", "Izmir", "Dubai", "Chennai", "Hanoi", "Osaka", "Busan", "Perth", "Ulm", "Linz",
    "San Diego", "New Haven", "Bad Homburg", "depot 7", "yard B", "Nord-3")
DEMO_SITES = 7  # the first of them are those of the demo fleet


def _pack_number(rng: random.Random, demo: bool = False) -> int:
    return rng.randint(1, 400) if demo or rng.random() < 0.8 else rng.randint(1, 9999)


def pack(rng: random.Random, demo: bool = False) -> tuple[str, str]:
    """A pack id as people write it."""
    n = _pack_number(rng, demo)
    forms = [f"PK-{n:04d}"] * 6 + [f"pk-{n:04d}", f"PK{n:04d}", f"pk {n}", f"PK {n:04d}", f"pack {n}", f"pk-{n}",
                                   f"pack #{n}", f"pack no. {n}", f"Pack {n:04d}", f"pk{n}"]
    return rng.choice(forms), f"PK-{n:04d}"


def cell(rng: random.Random, demo: bool = False) -> tuple[str, str]:
    """A cell of a pack as people write it."""
    n, c = _pack_number(rng, demo), rng.randint(1, 12 if demo else 96)
    forms = [f"PK-{n:04d}-C{c:02d}"] * 4 + [f"cell {c} of pack {n}", f"cell {c} of PK-{n:04d}", f"pk-{n:04d}-c{c:02d}",
                                            f"PK-{n:04d} cell {c}", f"PK-{n:04d} C{c:02d}", f"cell {c} in PK-{n:04d}"]
    return rng.choice(forms), f"PK-{n:04d}-C{c:02d}"


def upload(rng: random.Random) -> tuple[str, str]:
    """An uploaded file as people write it."""
    code = "".join(rng.choice("0123456789abcdef") for _ in range(4))
    return rng.choice([f"UP-{code}", f"UP-{code}", f"up-{code}", f"UP-{code.upper()}", f"upload {code}"]), f"UP-{code}"


@cache
def _cell_names() -> tuple[str, ...]:
    names = {name for c in load_catalogue() for name in (*c.aliases, c.name)}
    return tuple(sorted(name for name in names if len(name) > 2))


def model(rng: random.Random) -> tuple[str, str]:
    """A cell type as people write it; the value is what was written, the catalogue resolves it."""
    name = rng.choice(_cell_names())
    if rng.random() < 0.15:
        name = name.lower()
    return name, name


def _plain(rng: random.Random, low: int, high: int, half: float = 0.08) -> tuple[str, float]:
    value = rng.randint(low, high) + (rng.choice([0.5, 0.2, 0.8]) if rng.random() < half else 0)
    return f"{value:g}", float(value)


def fill(rng: random.Random, demo: bool = False) -> dict[str, tuple[str, float | str]]:
    """One value for every slot: what to write and what it means in the argument's unit.

    `demo`: only packs, cells and sites that the demo fleet has.
    """
    soc, soc2 = sorted(rng.sample(range(1, 100), 2))
    fahrenheit, months = rng.randint(-4, 122), rng.randint(2, 72)
    hours = rng.choice([1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12])
    site = rng.choice(SITES[:DEMO_SITES] if demo else SITES)
    rate = rng.choice([0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 0.75, 0.8, 1, 1.2, 1.5, 1.8, 2, 2.5, 3, 4])
    cell_model, other_model = model(rng), model(rng)
    return {
        "PACK": pack(rng, demo), "PACK2": pack(rng, demo), "CELL": cell(rng, demo), "UPLOAD": upload(rng),
        "MODEL": cell_model, "MODEL2": other_model, "SITE": (site, site),
        "SOC": (str(soc), float(soc)), "SOC2": (str(soc2), float(soc2)),
        "SOH": _plain(rng, 60, 99), "DOD": _plain(rng, 10, 100, 0), "TEMP": _plain(rng, -20, 55),
        "TEMPF": (str(fahrenheit), (fahrenheit - 32) / 1.8), "MIN": _plain(rng, 5, 300, 0),
        "HOURS": (f"{hours:g}", hours * 60.0), "MONTHS": (str(months), months / 12), "YEARS": _plain(rng, 1, 20, 0.05),
        "AMP": _plain(rng, 1, 120, 0.3), "CRATE": (f"{rate:g}", float(rate)), "CYC": _plain(rng, 1, 21, 0),
        "MV": _plain(rng, 5, 150, 0), "N": _plain(rng, 2, 30, 0)}
