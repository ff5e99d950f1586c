"""Values whose words stand apart: a number and its unit, a cell and its pack, a deadline and the present.

People say them over several turns ("above 95 °F?" ... "and over 86?") or at both ends of a long sentence. `apart`
puts the words together as one phrase that reads as the value.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from tools.words import reading
from tools.words.clocks import NOW_AFTER, NOW_BEFORE
from tools.words.foreign import UNIT_AFTER, range_unit, unit_of
from tools.words.spans import clock_spans, locate, same, spans
from tools.words.text import NUM, forms, one_line, simplified

_MAX_WORDS = 4  # of a number: "one hundred and five"
_NUMBER = re.compile(r"(?<![\w.,:/#-])[-+−–]?\d+(?:[.,]\d+)?(?![\w]*\d|[:.,/]\d)")
_WORD = re.compile(r"[^\W\d_一-鿿]+(?:-[^\W\d_一-鿿]+)*")
_UNIT_WORD = re.compile(r"(?<![\w°])(?:° ?[CFK]\b|℃|℉|[CFK]\b(?!/)|[^\W\d_一-鿿]{2,})|摄氏|华氏|小时|分钟|个月")
_AFTER_NUMBER = re.compile(r"(?:\d|\b(?:an?|one)) ?$", re.IGNORECASE)
# A bare number behind one of these is no pack: "from 20 to 80", "at 12".
_NO_PACK_LEAD = re.compile(one_line(
    r"""(?:\b(?:from|at|over|above|below|under|by|until|till|within|after|in|soc|soh|health|about|around|than|cells?|von|bis
    |auf|um|bei|unter|über|ab|de|à|top|every|only|just)|\b\d+ ?(?:%|percent)? ?to) ?$"""), re.IGNORECASE)
_CLAUSE_END = re.compile(r"\s*(?:[?.!;,](?!\d)|$)")  # "within an hour? or two?": the unit before it goes on
_RANGE_LEAD = re.compile(r"\b(?:from|to|till|until|at|auf|bis|von) $", re.IGNORECASE)
_LIST = r"(?: ?(?:, ?(?:and |und |et )?|and|und|et|y|or|oder|&|\+|/|plus|sowie) ?)"
_CELLS = re.compile(rf"\b(?:cells?|zellen?|cellules?|celdas?|c)[ #.:-]*(?:numbers? |no\.? ?|nr\.? ?|n° ?)?"
                    rf"(c?\d{{1,3}}(?!\d)(?:{_LIST}c?\d{{1,3}}(?!\d|[.,:]\d))*)")
_WHOLE_PACK = re.compile(one_line(
    r"""\b(?:whole|entire|full|complete) (?:pack|battery)\b|\b(?:pack|battery) (?:itself|as a whole)\b
    |ganzen? (?:pack|batterie|akku)\b|(?:pack|batterie) enti[eè]re?\b|整[包个]"""), re.IGNORECASE)
_COUNTED_CELL = re.compile(r"(?<!\d)(\d{1,3})(?:号?电芯|(?:st|nd|rd|th|\.|e|ème) (?:cell|zelle|cellule|celda)\b)")


def apart(value: float | str, quantity: str, texts: Sequence[str]) -> str | None:
    """Words of `texts` (oldest first) that together mean the value, as one phrase; None where there are none."""
    if quantity == "asset_id":
        asset = str(value)
        return _bare_pack(asset, texts) or _cell_and_pack(asset, texts) or _whole_pack(asset, texts)
    if isinstance(value, str):
        return None
    return next((words for words, meant in _put_together(quantity, texts) if same(meant, value)), None)


def all_apart(quantity: str, texts: Sequence[str]) -> tuple[str, ...]:
    """Every phrase that `apart` may put together of `texts`, oldest text first, whatever its value."""
    if quantity != "asset_id":
        return tuple(dict.fromkeys(words for words, _ in _put_together(quantity, texts)))
    numbers = dict.fromkeys(int(n) for n in re.findall(r"(?<!\d)\d{1,4}(?!\d)", texts[-1]))
    packs = dict.fromkeys(str(v)[:7] for text in texts for _, _, v in spans(text, "asset_id") if str(v)[:2] == "PK")
    cells = dict.fromkeys(cell for text in texts for form in forms(text) for cell in _cells(form))
    found = [_bare_pack(f"PK-{n:04d}", texts) for n in numbers]
    found += [_whole_pack(pack, texts) for pack in packs]
    found += [_cell_and_pack(f"{pack}-C{cell:02d}", texts) for pack in packs for cell in (*cells, *numbers)]
    return tuple(dict.fromkeys(words for words in found if words))


def _put_together(quantity: str, texts: Sequence[str]) -> Iterator[tuple[str, float]]:
    if quantity == "minutes" and (deadline := _deadline(texts)):
        yield deadline
    yield from _ranged(quantity, texts)
    yield from _united(quantity, texts)


def _bare_pack(asset_id: str, texts: Sequence[str]) -> str | None:
    """"and 341?", "packs 205 and 206": a bare number of the last turn, where a pack or cell was named before it."""
    pack = re.fullmatch(r"PK-0*([1-9]\d*)", asset_id)
    if pack is None or not any(spans(text, "asset_id") for text in texts):
        return None
    last = texts[-1]
    found = re.finditer(rf"(?<![\w.,:/%°#-])0*{pack[1]}(?![\w%°/-]|[.,:]\d)", last)
    return next((m[0] for m in found if not UNIT_AFTER.match(last, m.end())
                 and not _NO_PACK_LEAD.search(last, max(0, m.start() - 16), m.start())), None)


def _whole_pack(asset_id: str, texts: Sequence[str]) -> str | None:
    """"Cell 2 of pack 310?" ... "and the whole pack": the pack of a cell of an earlier turn."""
    of_cell = any(str(v).startswith(f"{asset_id}-C") for text in texts for _, _, v in spans(text, "asset_id"))
    return _pack_words(asset_id, texts) if of_cell and _WHOLE_PACK.search(texts[-1]) else None


def _cell_and_pack(asset_id: str, texts: Sequence[str]) -> str | None:
    """"Cells 2 and 3 of pack 118", "diagnose pack 12" ... "cell 3 of it", "cell 7 of pack 5" ... "and of pack 6"."""
    pack, _, cell = asset_id.rpartition("-C")
    words = _pack_words(pack, texts) if pack else None
    if words is None:
        return None
    last_said = any(str(v).startswith(pack) for _, _, v in spans(texts[-1], "asset_id"))
    named = cell_named(int(cell), texts[-1]) or last_said and any(cell_named(int(cell), t) for t in texts)
    cell_before = any(str(v).startswith(f"{pack}-C") for t in texts for _, _, v in spans(t, "asset_id"))
    and_another = cell_before and _bare_pack(f"PK-{int(cell):04d}", texts)  # "and 8?" after "cell 7 of pack 12"
    return f"cell {int(cell)} of {words}" if named or and_another else None


def cell_named(cell: int, text: str) -> bool:
    """Whether a text names this cell of some pack: "cell six", "cells 2 and 6", "C06", "the 6th cell"."""
    return any(cell in _cells(form) for form in forms(text))


def _cells(form: str) -> set[int]:
    listed = {int(n) for m in _CELLS.finditer(form) if not UNIT_AFTER.match(form, m.end())
              for n in re.findall(r"\d+", m[1])}
    return listed | {int(m[1]) for m in _COUNTED_CELL.finditer(form)}


def _pack_words(pack: str, texts: Sequence[str]) -> str | None:
    """The words of a pack, which may stand in those of one of its cells; the newest."""
    for text in reversed(texts):
        if (words := locate(text, pack, "asset_id")) is not None:
            return words
        for start, end, value in spans(text, "asset_id"):
            if str(value).startswith(f"{pack}-C"):
                return next((part for part in _parts(text[start:end]) if reading(part, "asset_id") == pack), pack)
    return None


def _parts(words: str) -> Iterator[str]:
    tokens = [m.span() for m in re.finditer(r"[^\W_]+|#", words)]
    yield from (words[a:b] for a, _ in tokens for _, b in tokens if a < b)


def _deadline(texts: Sequence[str]) -> tuple[str, float] | None:
    """"By 18:00, it's 17:00" ... "make it 18:30": the newest deadline and the newest present; the minutes."""
    present = deadline = None
    for text in map(simplified, texts):
        reach = 0
        for start, end in clock_spans(text):
            before = any(p.search(text, reach, start) for p in NOW_BEFORE)
            after = next((m for p in NOW_AFTER if (m := p.match(text, end))), None)
            reach = after.end() if after else end
            if before or after:
                present = text[start:end]
            else:
                deadline = text[start:end]
    words = f"{deadline}, it's {present}"
    meant = reading(words, "minutes") if present and deadline else None
    return None if meant is None else (words, meant)


def _ranged(quantity: str, texts: Sequence[str]) -> Iterator[tuple[str, float]]:
    """"Between 68 and 86 °F": the lower end of a range with the unit of the upper one."""
    for text in reversed(texts):
        for start, end in number_spans(text):
            unit = range_unit(text, start, end, quantity)
            if unit and (meant := reading(f"{text[start:end]} {unit}", quantity)) is not None:
                yield f"{text[start:end]} {unit}", meant


def _united(quantity: str, texts: Sequence[str]) -> Iterator[tuple[str, float]]:
    """"50 degrees" ... "no, Fahrenheit"; "above 95 °F" ... "and over 86?"; "in Fahrenheit, and it shows 50"."""
    for j, text in reversed(list(enumerate(texts))):
        for number, is_bare_number, ends_clause in _numbers(text):
            for k in (*range(len(texts) - 1, j, -1), *(range(j, -1, -1) if is_bare_number else ())):
                for unit in _units(texts[k], quantity, k > j or k == j and not ends_clause):
                    if (meant := reading(f"{number} {unit}", quantity)) is not None:
                        yield f"{number} {unit}", meant


@lru_cache(maxsize=1024)
def _numbers(text: str) -> tuple[tuple[str, bool, bool], ...]:
    """(words of a number, whether no unit stands behind it, whether its clause ends there), the last first."""
    return tuple((text[a:b], not UNIT_AFTER.match(text, b),
                  bool(_CLAUSE_END.match(text, b)) and not _RANGE_LEAD.search(text, max(0, a - 8), a))
                 for a, b in reversed(number_spans(text)))


def number_spans(text: str) -> list[tuple[int, int]]:
    """(start, end) of every number of a text, in digits or in words, in order."""
    found = [m.span() for m in _NUMBER.finditer(text)]
    words = [m.span() for m in _WORD.finditer(text)]
    numeral = [_is_number(text[a:b]) for a, b in words]
    for i, (start, _) in enumerate(words):
        if numeral[i] and not (i and numeral[i - 1]):
            ends = [b for _, b in words[i:i + _MAX_WORDS] if _is_number(text[start:b])]
            found.append((start, ends[-1]))
    return sorted(found)


def _is_number(words: str) -> bool:
    return any(re.fullmatch(rf"-?{NUM}", form) for form in forms(words))


@lru_cache(maxsize=1024)
def _units(text: str, quantity: str, alone: bool) -> tuple[str, ...]:
    """Unit words of a text that belong to no number in it; else (not `alone`) also those that do."""
    found = [m[0] for m in _UNIT_WORD.finditer(text)
             if not _AFTER_NUMBER.search(text, 0, m.start()) and reading(f"7 {m[0]}", quantity) not in (None, -7.0)]
    if not alone:
        found += [unit for a, b, v in spans(text, quantity) if (unit := unit_of(text[a:b]))]
    return tuple(dict.fromkeys(found))
