"""The catalogue side by side, for questions that name no cell: which are pouch cells, which hold the most."""

from collections import defaultdict
from dataclasses import dataclass

from retrieval.documents import measured
from retrieval.passages import Passage
from tools.cells import Cell, load_catalogue


@dataclass(frozen=True)
class Comparison:
    """Cells ordered by one fact; of `fields` the first that a cell states is told, with its label."""

    title: str
    fields: tuple[tuple[str, str], ...]
    hints: str
    largest_first: bool = True
    by_format: bool = False


COMPARISONS = (
    Comparison("capacity", (("capacity_nominal_ah", "nominal"), ("capacity_rated_ah", "rated"),
                            ("capacity_minimum_ah", "minimum")),
               "which cell has the most capacity, largest, highest, biggest, smallest", by_format=True),
    Comparison("specific energy", (("specific_energy_wh_per_kg", "stated"),),
               "which cell has the highest energy per kilogram, Wh/kg, lightest for its energy"),
    Comparison("maximum charging current", (("charge_current_max_a", "maximum"), ("charge_current_rapid_a", "rapid")),
               "which cell charges fastest, highest charge current, fast charging"),
    Comparison("maximum continuous discharge current", (("discharge_current_max_continuous_a", "continuous"),),
               "which cell gives the most current, strongest, highest discharge"),
    Comparison("lowest charging temperature", (("charge_temperature_min_c", "from"),),
               "which cell may be charged below freezing, charging below zero permitted, coldest", largest_first=False),
    Comparison("cycle life", (("cycle_life_cycles", "stated"),),
               "which cell lasts longest, most cycles; conditions differ from sheet to sheet"),
)


def overview_passages() -> list[Passage]:
    """Lists by format and chemistry, then one comparison after another."""
    cells = load_catalogue()
    lists = [p for by in ("format", "chemistry") for p in _listed(cells, by)]
    return lists + [p for comparison in COMPARISONS for p in _compared(cells, comparison)]


def _listed(cells: tuple[Cell, ...], by: str) -> list[Passage]:
    groups = defaultdict(list)
    for cell in cells:
        groups[cell.chemistry if by == "chemistry" else cell.facts["format"]].append(cell.name)
    hints = f"list of cells, which {by}s, which cells do you know, catalogue"
    return [_passage(f"cells of {by} {group}", hints, [f"{', '.join(names)}."]) for group, names in groups.items()]


def _compared(cells: tuple[Cell, ...], comparison: Comparison) -> list[Passage]:
    found = [(value, cell, told) for cell in cells for value, told in _fact(cell, comparison.fields)]
    found.sort(key=lambda entry: -entry[0] if comparison.largest_first else entry[0])
    groups = {"": found}
    if comparison.by_format:
        groups = {f" of {form} cells": [entry for entry in found if entry[1].facts["format"] == form]
                  for form in dict.fromkeys(cell.facts["format"] for _, cell, _ in found)}
    order = "largest first" if comparison.largest_first else "lowest first"
    return [_passage(f"{comparison.title}{group}, {order}", comparison.hints,
                     [f"{cell.name} {told}." for _, cell, told in entries]) for group, entries in groups.items()]


def _fact(cell: Cell, fields: tuple[tuple[str, str], ...]) -> list[tuple[float, str]]:
    """[(value, words)] of the first stated field, or nothing."""
    for field, label in fields:
        if field in cell.facts:
            about = "; ".join(filter(None, (label, cell.qualifiers.get(field))))
            return [(cell.facts[field], f"{measured(cell.facts[field], field)} ({about})")]
    return []


def _passage(title: str, hints: str, told: list[str]) -> Passage:
    """One list is one passage, however long: the tail of a list alone would mislead."""
    text = f"Catalogue, {title}: {' '.join(told)}"
    return Passage(document=f"Catalogue overview: {title}", text=text, kind="datasheet", public=True, hints=hints,
                   source="datasheet facts of the cells named, see each cell's document")
