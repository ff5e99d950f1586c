"""Currents by temperature: derating tables in either direction, and lines such as "0 ~ 10 °C: 0.2C"."""

import re
from collections.abc import Iterator

from retrieval.facts_labels import side_of
from retrieval.parsing import Line, Page, Table
from retrieval.quantities_written import Written, quantities, unit_named
from tools.facts import Fact

MAX_QUOTE = 240
Band = dict[str, float]
_BANNED = re.compile(r"\W*(?:not (?:allowed|permitted)|prohibited|forbidden|no charg\w*|n\.?\s?a\.?|verboten)\W*", re.I)


def bands_of(page: Page) -> Iterator[Fact]:
    """Charge and discharge bands of a page, one fact a table or a run of lines."""
    heading, run = "", []
    at = 0
    for block in page.blocks:
        quote = block.text if isinstance(block, Line) else " | ".join(
            " ".join(filter(None, row)) for row in (block.header, *block.rows) if row)
        length = len(block.text) if isinstance(block, Line) else sum(len(" | ".join(filter(None, r))) + 1
                                                                      for r in block.rows) - 1
        if isinstance(block, Table):
            for side, bands in _table_bands(block).items():
                yield from _fact(page, at, quote, side, bands)
            yield from () if is_band_table(block) else _in_cells(page, block, at)
            run = []
        elif band := _line_band(block.text):
            run.append((at, block.text, band))
        else:
            yield from _run(page, heading, run)
            several = list(_pairs(block.text))
            if len(several) > 1:
                yield from _fact(page, at, quote, side_of(block.text), several)
            heading, run = block.text, []
        at += length + 1
    yield from _run(page, heading, run)


def _in_cells(page: Page, table: Table, at: int) -> Iterator[Fact]:
    """Several bands printed in one cell of an ordinary table."""
    for row in table.rows:
        quote = " | ".join(filter(None, row))
        yield from _fact(page, at, quote, side_of(quote), list(_pairs(quote)))
        at += len(quote) + 1


def _run(page: Page, heading: str, run: list[tuple[int, str, Band]]) -> Iterator[Fact]:
    """Lines one below the other, each a temperature range and a current, under a line that says charge or discharge."""
    if len(run) > 1:
        side = side_of(f"{heading} {run[0][1]}")
        yield from _fact(page, run[0][0], " | ".join(text for _, text, _ in run), side, [band for *_, band in run])


def _fact(page: Page, at: int, quote: str, side: str, bands: list[Band]) -> Iterator[Fact]:
    bands = sorted(bands, key=lambda b: (b["temp_min_c"], b["temp_max_c"]))
    if not side or len(bands) < 2:
        return
    overlap = any(a["temp_max_c"] > b["temp_min_c"] for a, b in zip(bands, bands[1:], strict=False))
    doubt = "temperature ranges overlap" if overlap else ""
    yield Fact(field=f"{side}_derating", value=tuple(bands), page=page.number, at=at, quote=quote[:MAX_QUOTE],
               doubt=doubt)


def is_band_table(table: Table) -> bool:
    """Whether a table states currents by temperature, so that none of them holds alone."""
    return bool(_table_bands(table))


def _table_bands(table: Table) -> dict[str, list[Band]]:
    """{"charge" or "discharge": bands}: what each column or row of currents is about is said by its own head first."""
    found = _upright(table) or _lying(table)
    return {side: bands for side, bands in found.items() if side and len(bands) > 1}


def _upright(table: Table) -> dict[str, list[Band]]:
    """One row a temperature range, one column or more of currents."""
    width = len(table.rows[0])
    heads = table.header or ("",) * width
    for column in range(width):
        spans = [_temperature(row[column], heads[column]) for row in table.rows]
        if sum(span is not None for span in spans) < max(2, 0.6 * len(spans)):
            continue
        about = side_of(heads[column]) or side_of(table.title)
        found: dict[str, list[Band]] = {}
        for other in (n for n in range(width) if n != column):
            side = side_of(heads[other]) or about
            unit = unit_named(heads[other]) or _unit_inside(heads[other])
            limits = [_limit(row[other], unit) for row in table.rows]
            _add(found.setdefault(side, []), spans, limits)
        return found
    return {}


def _lying(table: Table) -> dict[str, list[Band]]:
    """Temperature ranges as heads, a row of currents each for charge and discharge."""
    spans = [_temperature(head, "") for head in table.header]
    found: dict[str, list[Band]] = {}
    if sum(span is not None for span in spans) >= 2:
        for row in table.rows:
            side = side_of(row[0]) or side_of(table.header[0]) or side_of(table.title)
            _add(found.setdefault(side, []), spans, [_limit(cell, unit_named(row[0])) for cell in row])
    return found


def _add(bands: list[Band], spans: list[tuple[float, float] | None], limits: list[dict[str, float]]) -> None:
    """A further column's limits join those there are; where both say one thing, the lower holds."""
    for span, limit in zip(spans, limits, strict=True):
        if not span or not limit:
            continue
        known = next((b for b in bands if (b["temp_min_c"], b["temp_max_c"]) == span), None)
        if known is None:
            bands.append({"temp_min_c": span[0], "temp_max_c": span[1], **limit})
        else:
            known.update({key: min(value, known.get(key, value)) for key, value in limit.items()})


def _unit_inside(head: str) -> str:
    m = re.search(r"C-?\s?rate|\brate\b", head, re.I)
    return "C" if m and not re.search(r"\bA\b|\bmA\b", head) else ""


def _temperature(text: str, head: str) -> tuple[float, float] | None:
    """A range of temperatures; the head's unit counts for bare numbers."""
    unit = "°C" if re.search(r"°\s?C|temp", head, re.I) else ""
    found = quantities(text, unit, celsius=bool(unit) or "°" in text or bool(re.search(r"temp", text, re.I)))
    ranges = [w for w in found if w.is_range and w.dimension == "degC"]
    return (ranges[0].low, ranges[0].value) if len(ranges) == 1 else None


def _limit(text: str, unit: str) -> dict[str, float]:
    """{c_rate_max} or {current_max_a} or both; a ban is a current of 0."""
    if _BANNED.fullmatch(text):
        return {"current_max_a": 0.0}
    limit: dict[str, float] = {}
    for written in quantities(text, unit):
        for one in filter(None, (written, written.also)):
            key = {"C": "c_rate_max", "A": "current_max_a"}.get(one.dimension)
            if key and not one.is_range:
                limit.setdefault(key, one.value)
    return limit


def _line_band(text: str) -> Band | None:
    """A line that is one temperature range and one current and hardly anything else."""
    pairs = list(_pairs(text))
    return pairs[0] if len(pairs) == 1 and len(re.findall(r"[^\W\d]{3,}", text)) <= 6 else None


def _pairs(text: str) -> Iterator[Band]:
    """Neighbouring range and current: "0.5C (0~15 °C), 1C (15~45 °C)" or "0~15 °C: 0.5C; 15~45 °C: 1C"."""
    found = quantities(text, celsius="°" not in text and bool(re.search(r"temp", text, re.I)))
    wanted = [(w, "T" if w.is_range else "I") for w in found
              if w.is_range and w.dimension == "degC" or not w.is_range and w.dimension in ("A", "C")]
    if [k for _, k in wanted] not in (["T", "I"] * (len(wanted) // 2), ["I", "T"] * (len(wanted) // 2)):
        return
    for (first, kind), (second, _) in zip(wanted[::2], wanted[1::2], strict=True):
        span, current = (first, second) if kind == "T" else (second, first)
        yield {"temp_min_c": float(span.low), "temp_max_c": span.value, **_of_current(current)}


def _of_current(written: Written) -> dict[str, float]:
    keys = {"C": "c_rate_max", "A": "current_max_a"}
    return {keys[one.dimension]: one.value for one in filter(None, (written, written.also))}
