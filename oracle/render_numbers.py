"""How numbers, fields and passages of a result are written for a person, in any language."""

from collections.abc import Iterator
from typing import Any

from oracle.quantities import plain_unit, unit_of_field

MAX_PASSAGE_CHARACTERS = 400


def number(value: float) -> str:
    """A number as it is shown: three significant digits, or whole."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if float(value).is_integer() and abs(value) < 1e6:
        return f"{value:.0f}"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def quantity(field: str, value: Any) -> str:
    """A field's value with the unit in the field's name: ("charge_time_min", 38.2) is "38.2 min"."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return number(value) if isinstance(value, bool) else str(value)
    unit = unit_of_field(field)
    return f"{number(value)} {plain_unit(unit)}" if unit else number(value)


def label(field: str) -> str:
    """A field's name without its unit, in words: charge_time_min is "charge time"."""
    unit, parts = unit_of_field(field), field.split("_")
    if unit:
        parts = parts[:-2] if unit == "C-rate" else parts[:-1]
    words = " ".join(parts) or {"C-rate": "C-rate"}.get(unit, field)
    return words.replace("soc", "SoC").replace("soh", "SoH")


def subject(result: dict[str, Any]) -> str:
    """What a charge or a life is about: the asset with its cell type, or the cell type."""
    return f"{result['asset_id']} ({result['cell_model']})" if result.get("asset_id") else result["cell_model"]


def is_pack(result: dict[str, Any]) -> bool:
    """Whether a pack's current is another than its cells'."""
    return result.get("pack_current_a") is not None and result.get("parallel", 1) > 1


def where(passage: dict[str, Any], page: str = "page") -> str:
    """A passage's document, with its page where it has one; `page`: the word for it."""
    return f"{passage['document']}, {page} {passage['page']}" if passage.get("page") else passage["document"]


def quoted(found: dict[str, Any]) -> Iterator[str]:
    """The first three passages of a search, each a line with its number and document."""
    for p in found["passages"][:3]:
        text = p["text"] if len(p["text"]) <= MAX_PASSAGE_CHARACTERS else p["text"][:MAX_PASSAGE_CHARACTERS] + " ..."
        yield f"\n[{p['n']}] {where(p)}: {text}"
