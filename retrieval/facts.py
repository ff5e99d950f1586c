"""Facts of a datasheet by rules over its table rows and lines: no language model reads a document for its limits."""

from collections.abc import Iterator

from retrieval.facts_bands import bands_of
from retrieval.facts_identity import identity_of
from retrieval.facts_readings import Reading, joined, readings_of
from retrieval.parsing import Document
from tools.facts import DocumentFacts, Fact, same_value
from tools.plausible import judged

FACT_PAGES = 60


def extract(document: Document, digest: str, tenant: str | None = None) -> DocumentFacts:
    """What the document states on a cell, each value with page and quote, doubted where it is not plausible."""
    readings: list[Reading] = []
    bands: list[Fact] = []
    for page in document.pages[:FACT_PAGES]:
        readings += readings_of(page)
        bands += bands_of(page)
    about = identity_of(document)
    facts = [*_one_per_value(_in_amperes(readings)), *_bands_once(bands)]
    stated = DocumentFacts(document=document.name, digest=digest, tenant=tenant, remarks=document.remarks,
                           facts=tuple(facts), **about)
    scanned = {page.number for page in document.pages if page.recognised}
    facts = (fact if fact.page not in scanned else fact.model_copy(update={
        "doubt": joined("read off a scanned page", fact.doubt)}) for fact in judged(stated))
    return stated.model_copy(update={"facts": tuple(facts)})


def _in_amperes(readings: list[Reading]) -> Iterator[Fact]:
    """Currents printed as C-rates become amperes through the document's own capacity."""
    capacity = next((r.number for name in ("capacity_nominal_ah", "capacity_rated_ah", "capacity_minimum_ah")
                     for r in readings if r.field == name), None)
    for r in readings:
        value, note, doubt = r.number, r.note, ""
        twin = r.written.also
        if r.written.dimension == "C":
            rate = r.written.value
            if twin is not None and twin.dimension == "A":
                value = twin.value
            elif capacity:
                value = round(rate * capacity, 6)
            else:
                continue
            note = joined(f"printed as {rate:g}C", note)
        elif twin is not None and twin.dimension == "C":
            rate = twin.value
            note = joined(f"printed as {rate:g}C too", note)
        else:
            rate = None
        if rate and capacity and r.field.endswith("_a") and abs(value / capacity - rate) > 0.08 * rate:
            doubt = f"{rate:g}C of {capacity:g} Ah is {rate * capacity:.3g} A and not {value:g} A"
        yield Fact(field=r.field, value=value, page=r.page, at=r.at, quote=r.quote, qualifier=joined(r.role, note),
                   doubt=doubt)


def _one_per_value(facts: Iterator[Fact]) -> Iterator[Fact]:
    """Each value of a field once; where a document states several, each says so."""
    by_field: dict[str, list[Fact]] = {}
    for fact in facts:
        known = by_field.setdefault(fact.field, [])
        if not any(same_value(fact.value, other.value) for other in known):
            known.append(fact)
    for field, found in by_field.items():
        if field.startswith("storage_temperature") and len(found) > 1:  # one range a duration: the narrowest
            pick = max if field.endswith("_min_c") else min
            narrow = pick(found, key=lambda fact: fact.value)
            found = [narrow.model_copy(update={"qualifier": joined(f"narrowest of {len(found)} durations",
                                                                    narrow.qualifier)})]
        for fact in found:
            others = [f"{o.told} ({o.where})" for o in found if o is not fact]
            doubt = joined(fact.doubt, f"the document also states {', '.join(others)}" if others else "")
            yield fact.model_copy(update={"doubt": doubt})


def _bands_once(bands: list[Fact]) -> Iterator[Fact]:
    """The bands of all tables and lines of one kind as one fact; two tables that disagree are two facts."""
    for field in dict.fromkeys(band.field for band in bands):
        kept: list[Fact] = []
        for fact in (b for b in bands if b.field == field):
            if not any(other.value == fact.value for other in kept):
                kept.append(fact)
        for fact in kept:
            doubt = "the document states several such tables" if len(kept) > 1 else ""
            yield fact.model_copy(update={"doubt": joined(fact.doubt, doubt)})
