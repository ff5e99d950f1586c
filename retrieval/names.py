"""The cells that a question names, as people write them, and names of cells that nobody knows."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from tools.cells import MAKER_WORDS, Cell, catalogue, load_catalogue

_ONE_THING = 5  # words that together may spell one cell name: "lg inr 21700 m50 lt"
_AMP_HOURS = re.compile(r"(?<![\w.])(\d+(?:[.,]\d+)?)[ -]*ah\b", re.IGNORECASE)
_WORD = re.compile(r"(?:(?<!\w)[-+−]\s?(?=\d))?[^\W_]+(?:[.,%°/+-]+[^\W_]+)*[%°]?|[^\s\w]+")
# Left over, these say nothing on which cell is meant once a cell is found.
_AROUND = "inr icr imr ncr lg chem sdi cell cells zelle zellen li-ion 18650 21700 26650"
_AROUND_A_NAME = frozenset(_AROUND.split())
# Written like part numbers, but are none: sizes, units, assets, months, chemistries.
_NO_NAME = re.compile(
    r"(?:pk|up)-?\d.*|\d+(?:[.,]\d+)?(?:mah|ma|a|mv|v|wh|kwh|k?hz|c|f|%|s|h|min|mm|cm|m|g|kg|x|st|nd|rd|th|w|kw|p|s\d+p)|"
    r"un\d.*|c/\d+|nmc\d*|lto|lfp|nca|q[1-4]|\d+|\d{4}-\d\d|soc\d*|soh\d*|ip\d\d|4\.?\d*|co2|h2o|3d|2d|"
    r"\d+(?:[.,]\d+)?-(?:mah|ah|a|v|min|mm)", re.IGNORECASE)
_SHORT = ("AC DC CV CC SOC SOH BMS LFP NMC NCA LTO ACIR DCIR ESR OCV UN UL IEC CE RMS EOL BOL DOD CC-CV EV "
          "USB LG EVE BYD CATL UPS OK IP CO PTC CID WM LED I A")
_CAPITALS = frozenset(_SHORT.split())


def compact(name: str) -> str:
    """A cell name without what people leave out or vary: case, spaces, hyphens, slashes."""
    return "".join(re.findall(r"[a-z0-9]+", name.lower()))


def cells_named(text: str) -> tuple[set[str], str]:
    """Names of the catalogue cells that a text spells out, and the text without them.

    The longest run of words wins, so "LG M50 LT" is not also an M50. Nothing is guessed: fit for documents.
    """
    words = _WORD.findall(_AMP_HOURS.sub(lambda m: f"{m[1].replace(',', '.')}Ah", text))
    found, rest, at = set(), [], 0
    while at < len(words):
        for size in range(min(_ONE_THING, len(words) - at), 0, -1):
            names = _spelled(compact(" ".join(words[at:at + size])))
            if names:
                found |= names
                at += size
                break
        else:
            rest.append(words[at])
            at += 1
    return found, " ".join(rest)


def cells_meant(question: str) -> tuple[set[str], str]:
    """Names of the cells that a question means, and the question without them and their makers.

    Where no name is spelled out: a maker with the figures of one of its cells ("the LG 50", "314 Ah CATL"), then
    a slip in a name of letters alone ("Naxtar"), then a maker of one cell only ("the Kokam").
    """
    found, rest = cells_named(question)
    words = rest.split()
    if not found:
        found, words = _by_maker_and_figures(words)
    if not found:
        found, words = _by_slip(words)
    if not found and not unknown_name(" ".join(words)):
        found = _only_one_of_its_maker(words)
    if found:
        words = [w for w in words if not _maker(w) and w.lower() not in _AROUND_A_NAME]
    return found, " ".join(words)


def unknown_name(rest: str) -> str | None:
    """What in a question without its known cells looks like the name of a cell: "Samsung 25R", "NCR20700B"."""
    words = [w for w in rest.split() if any(map(str.isalnum, w))]
    for at, word in enumerate(words):
        if _maker(word) and at + 1 < len(words) and any(map(str.isdigit, words[at + 1])):
            return f"{word} {words[at + 1]}"
        if _part_number(word):
            return f"{words[at - 1]} {word}" if at and words[at - 1][:1].isupper() and at > 1 else word
    for at, word in enumerate(words):
        if len(word) > 2 and word.isupper() and word.isalpha() and word not in _CAPITALS:
            return f"{words[at - 1]} {word}" if at > 1 and words[at - 1][:1].isupper() else word
    return None


def _part_number(word: str) -> bool:
    plain = word.strip(".,?!").lstrip("-+−")
    return (len(plain) >= 3 and any(map(str.isdigit, plain)) and any(map(str.isalpha, plain))
            and not _NO_NAME.fullmatch(plain))


@lru_cache(maxsize=1024)
def _maker(word: str) -> str | None:
    """The maker a word names, slips of the finger allowed in longer names."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    key = compact(word)
    if key in MAKER_WORDS:
        return MAKER_WORDS[key]
    if len(key) < 6 or not key.isalpha():
        return None
    near = process.extractOne(key, [m for m in MAKER_WORDS if len(m) > 5], scorer=OSA.distance, score_cutoff=2)
    return MAKER_WORDS[near[0]] if near else None


def _spelled(key: str) -> frozenset[str] | None:
    """Cells of a compact spelling: built-in ones first, then those that a tenant confirmed (`tools.cells.using`)."""
    cells = catalogue()
    return _spellings().get(key) or (None if cells is load_catalogue() else _own_spellings(cells).get(key))


@lru_cache(maxsize=64)
def _own_spellings(cells: tuple[Cell, ...]) -> Mapping[str, frozenset[str]]:
    """Of the cells beyond the built-in ones; a name without figures could be any word."""
    table: dict[str, set[str]] = {}
    built_in = {cell.id for cell in load_catalogue()}
    for cell in cells:
        for key in map(compact, (cell.model, cell.name)) if cell.id not in built_in else ():
            if len(key) >= 4 and any(map(str.isdigit, key)) and any(map(str.isalpha, key)):
                table.setdefault(key, set()).add(cell.name)
    return {key: frozenset(names) for key, names in table.items()}


@lru_cache(maxsize=1)
def _spellings() -> Mapping[str, frozenset[str]]:
    """Compact spelling -> cells, for spellings that cannot be an ordinary word or a mere size."""
    table: dict[str, set[str]] = {}
    for cell in load_catalogue():
        for spelling in _written(cell):
            key = compact(spelling)
            mixed = any(c.isdigit() for c in key) and any(c.isalpha() for c in key) and len(key) >= 3
            short = re.sub(r"^[a-z]+(?=(?:18650|21700|26650)[a-z0-9]*[a-z])", "", key)  # "18650-30Q"
            if short != key:
                table.setdefault(short, set()).add(cell.name)
            if mixed or (key.isalpha() and len(key) >= 6) or key == "4680":
                table.setdefault(key, set()).add(cell.name)
    return {key: frozenset(cells) for key, cells in table.items()}


def _written(cell) -> Iterable[str]:
    return (cell.id, cell.name, cell.model, f"{cell.manufacturer} {cell.model}", *cell.aliases)


@lru_cache(maxsize=1)
def _by_figures() -> Mapping[tuple[str, str], frozenset[str]]:
    """(maker, what a cell's short name has from its first figure on) -> cells: ("LG", "50lt"), ("CATL", "314ah")."""
    table: dict[tuple[str, str], set[str]] = {}
    for cell in load_catalogue():
        maker = next((m for m in MAKER_WORDS.values() if cell.manufacturer.startswith(m)), None)
        for short in (key for alias in cell.aliases if len(key := compact(alias)) == 2):
            table.setdefault((maker, short), set()).add(cell.name)
        for spelling in (cell.name, *cell.aliases):
            for word in re.findall(r"[a-z0-9.]+", _AMP_HOURS.sub(r"\1Ah", spelling).lower()):
                tail = re.sub(r"^[a-z]+", "", word)
                if maker and len(re.sub(r"\D", "", tail)) >= 2 and tail not in ("18650", "21700", "26650"):
                    table.setdefault((maker, tail), set()).add(cell.name)
                    table.setdefault((maker, re.sub(r"[a-z]+$", "", tail) + "*"), set()).add(cell.name)
    return {key: frozenset(cells) for key, cells in table.items()}


def _by_maker_and_figures(words: list[str]) -> tuple[set[str], list[str]]:
    """A maker and, anywhere, the figures of its cell: exactly as in the short name, else the digits alone."""
    makers = {maker for word in words if (maker := _maker(word))}
    for exact, size in ((True, 2), (True, 1), (False, 1)):  # "50 LT" is not "50"
        for at in range(len(words) - size + 1):
            word = compact(" ".join(words[at:at + size])) if size > 1 else words[at].lower()
            key = word if exact else re.sub(r"ah$", "", word) + "*"
            hits = {cell for maker in makers for cell in _by_figures().get((maker, key), ())}
            if hits and (exact or key[:-1].replace(".", "").isdigit()) and not _has_unit(words, at):
                return hits, words[:at] + words[at + size:]
    return set(), words


def _only_one_of_its_maker(words: list[str]) -> set[str]:
    """The cell of a maker who has just one in the catalogue: "the Kokam"."""
    makers = {maker for word in words if (maker := _maker(word))}
    cells = [cell.name for cell in load_catalogue() if any(cell.manufacturer.startswith(m) for m in makers)]
    return set(cells) if len(makers) == len(cells) == 1 else set()


def _has_unit(words: list[str], at: int) -> bool:
    """Whether the figures are a quantity: "Samsung at 40 degC"."""
    after = words[at + 1].lower() if at + 1 < len(words) else ""
    unit = r"%|°.*|deg.*|percent|prozent|grad|a|ma|v|c|min|minutes|cycles"
    return words[at].isdigit() and bool(re.fullmatch(unit, after))


def _by_slip(words: list[str]) -> tuple[set[str], list[str]]:
    """A slip in a name of letters alone; part numbers one letter off are other cells, so they are not guessed."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    names = [key for key in _spellings() if key.isalpha()]
    for size in (2, 1):
        for at in range(len(words) - size + 1):
            key = compact(" ".join(words[at:at + size]))
            near = process.extractOne(key, names, scorer=OSA.distance, score_cutoff=1) if len(key) >= 6 else None
            if near:
                return set(_spellings()[near[0]]), words[:at] + words[at + size:]
    return set(), words
