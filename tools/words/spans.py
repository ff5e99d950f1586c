"""Where in a text a quantity is said: every phrase that reads as one, and the words for one value."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from tools.words import reading
from tools.words.clocks import GERMAN_AM, MILITARY, MILITARY_RANGE, NOW_BEFORE, SPACED_LEAD, clock_gap, is_clock_time
from tools.words.foreign import PARTS_AFTER, UNIT_AFTER, is_bare, is_foreign
from tools.words.text import Unreadable, forms, one_line, simplified
from tools.words.tokens import TOKEN, may_end, may_start

__all__ = ["UNIT_AFTER", "clock_spans", "is_bare", "locate", "same", "spans"]

_MAX_CHARACTERS = 60  # of a string argument on the wire, see tools.contract
_LONGEST = 11  # tokens of the longest phrase: "thirty percent of its original capacity has been lost" is 9
_MILITARY_LEAD = r"\b(?:at|by|now|is|until|till|to|and|leaving|departure|it['’]s|from) $"
# "5 to 10" may be two charges, but "quarter to ten" is a time.
_SWAPPED = re.compile(r"(?!.*(?:quarter|viertel|half)).* (?:to|before|vor|nach) \S+", re.IGNORECASE)
_MARK_AFTER = re.compile(one_line(
    r"""\s?(?:(?:right|just) )?(?:now|here|already|it is|it['’]s|as (?:i|we) (?:speak|write|type)|jetzt
    |maintenant)\b"""), re.IGNORECASE)
_LASTING, _LASTS = re.compile(r"\d+ ?h ?\d\d"), re.compile(r"\b(?:in|within|dans|pendant|innerhalb von) $", re.I)
_BARE_HOURS = re.compile(r"\b(?:by|until|till?|before|bis|now|it['’]?s|it is|gone|jetzt)\b", re.IGNORECASE)


@lru_cache(maxsize=4096)
def spans(text: str, quantity: str) -> tuple[tuple[int, int, float | str], ...]:
    """(start, end, value) of every phrase of `text` that reads as the quantity and is part of no longer one."""
    text = simplified(text)
    found = list(_windows(text, quantity))
    if quantity == "asset_id":
        return tuple(_one_after_the_other(found))
    ids, hours = spans(text, "asset_id"), _hours(text, quantity)
    found = [f for f in found if not any(a <= f[0] and f[1] <= b for a, b, _ in ids)
             and not any(f[0] < b and a < f[1] for a, b in hours)]
    if quantity == "minutes":
        found = [f for f in found if _gap(text[f[0]:f[1]]) is None] + list(_clock_windows(text))
    return tuple(_outermost(found))


def _hours(text: str, quantity: str) -> list[tuple[int, int]]:
    """Clock times whose numbers mean nothing else: not "5 to 10", nor "2 h" or "2 heures", which last."""
    return [(a, b) for a, b in clock_spans(text)
            if not _SWAPPED.fullmatch(text[a:b]) or SPACED_LEAD.search(text, max(0, a - 8), a)
            if quantity != "minutes" or reading(text[a:b], "minutes") is None]


def _outermost(found: list[tuple]) -> list[tuple]:
    """Those of (start, end, ...) that lie inside no other, in order."""
    kept, reach = [], -1
    for span in sorted(found, key=lambda f: (f[0], -f[1])):
        if span[1] > reach:
            kept.append(span)
            reach = span[1]
    return kept


def _one_after_the_other(found: list[tuple]) -> Iterator[tuple]:
    """From left to right the longest that begins in none before it: "PK-0078-C30, pk368" are two ids."""
    reach = 0
    for span in sorted(found, key=lambda f: (f[0], -f[1])):
        if span[0] >= reach:
            reach = span[1]
            yield span


def _windows(text: str, quantity: str) -> Iterator[tuple[int, int, float | str]]:
    tokens = [m.span() for m in TOKEN.finditer(text)]
    for i, (start, _) in enumerate(tokens):
        if not may_start(text, start):
            continue
        for _, end in tokens[i:i + _LONGEST]:
            if quantity == "asset_id" and re.fullmatch("['’]s", text[end - 2:end]):
                end -= 2  # "UP-10be's"
            if end - start > _MAX_CHARACTERS or not may_end(text, end):
                continue
            value = reading(text[start:end], quantity)
            if value is not None and not is_foreign(text, start, end, quantity):
                yield start, end, value


def _clock_windows(text: str) -> Iterator[tuple[int, int, float]]:
    """Two neighbouring clock times, with the words beside them that tell which one is the present."""
    clocks = [(0, 0), *clock_spans(text), (len(text), len(text))]
    if len(clocks) == 2:
        yield from _two_bare_hours(text)
    for i in range(1, len(clocks) - 2):
        (_, left_end), (a, _), (_, d), (right_start, _) = clocks[i - 1:i + 3]
        wide = text[max(left_end, _word_end(text, a - 45)):min(right_start, _word_end(text, d + 12))]
        said = _gap(wide)
        marks = [m.start() for p in NOW_BEFORE if (m := p.search(text, left_end, a))]
        right = _MARK_AFTER.match(text, d)
        fitting = [(s, e) for s in (a, *marks) for e in (d, *([right.end()] if right else []))
                   if e - s <= _MAX_CHARACTERS and _gap(text[s:e]) == said]
        if said and fitting:
            yield *min(fitting, key=lambda w: w[1] - w[0]), said


def _word_end(text: str, at: int) -> int:
    """The end of the word that a position lies in."""
    return at if at <= 0 else at + len(re.match(r"\w*", text[at:])[0])


@lru_cache(maxsize=4096)
def clock_spans(text: str) -> tuple[tuple[int, int], ...]:
    """(start, end) of every clock time of a text."""
    text = simplified(text)
    tokens = [m.span() for m in TOKEN.finditer(text)]
    windows = [(a, b) for i, (a, _) in enumerate(tokens) if may_start(text, a) for _, b in tokens[i:i + 8]
               if b - a <= 40 and may_end(text, b) and _is_clock(text, a, b)]
    found = list(_one_after_the_other(windows))
    if len(found) == 1:  # the other may be a bare hour: "jetzt ist sieben", "by five"
        first, last = found[0]
        before = [t for t in tokens if first - _MAX_CHARACTERS < t[0] < first and may_start(text, t[0])
                  and _gap(text[t[0]:last])]
        after = [t for t in tokens if last < t[1] < last + _MAX_CHARACTERS and _gap(text[first:t[1]])
                 and not UNIT_AFTER.match(text, t[1]) and not PARTS_AFTER.match(text, t[1])
                 and not re.match(r"-\w", text[t[1]:])]
        found += before[-1:] or after[:1]
    return tuple(sorted(found))


def _is_clock(text: str, start: int, end: int) -> bool:
    words = forms(text[start:end])
    if not any(map(is_clock_time, words)) or words[0][-1:].isdigit() and (
            UNIT_AFTER.match(text, end) or PARTS_AFTER.match(text, end)):
        return False
    if re.search(r"\b(?:minus|moins) $", text[max(0, start - 7):start], re.IGNORECASE):  # "minus three this morning"
        return False
    if re.search(r"\d ?am$", words[0]) and not re.match(GERMAN_AM, text[end:], re.IGNORECASE):
        return False
    if _LASTING.fullmatch(words[0]) and _LASTS.search(text, max(0, start - 12), start):
        return False
    if text[end - 1] == "点" and text[end:end + 1] in tuple("零一二三四五六七八九十"):  # "两点五安"
        return False
    if re.fullmatch(MILITARY, words[0]):
        lead = _MILITARY_LEAD + (r"|(?:^|[^\w\s]\s?)$" if MILITARY_RANGE.match(text, end) else "")
        return bool(re.search(lead, text[max(0, start - 12):start], re.IGNORECASE))
    return not re.fullmatch(r"\d+ \d+", words[0]) or bool(SPACED_LEAD.search(text, max(0, start - 8), start))


def _two_bare_hours(text: str) -> Iterator[tuple[int, int, float]]:
    """"by eleven, it's ten now": hours that are times only because of the words before both."""
    starts = [m.start() for m in _BARE_HOURS.finditer(text)]
    ends = [m.end() for m in TOKEN.finditer(text)]
    windows = [(a, b) for a in starts for b in ends if 0 < b - a <= _MAX_CHARACTERS and _gap(text[a:b])
               and not UNIT_AFTER.match(text, b)] if len(starts) > 1 else []
    if windows:
        start, end = min(windows, key=lambda w: w[1] - w[0])
        yield start, end, _gap(text[start:end])


@lru_cache(maxsize=65536)
def _gap(text: str) -> float | None:
    try:
        gaps = {gap for form in forms(text) if (gap := clock_gap(form)) is not None}
    except Unreadable:
        return None
    return gaps.pop() if len(gaps) == 1 else None


def locate(text: str, value: float | str, quantity: str) -> str | None:
    """The words of `text` that `read` turns into `value` (within 0.01), with their unit; None where nobody said it."""
    found = [(a, b) for a, b, v in spans(text, quantity) if same(v, value)]
    found.sort(key=lambda s: (is_bare(text[s[0]:s[1]]), may_be_a_rate(text[s[0]:s[1]], quantity), s[0]))
    return text[found[0][0]:found[0][1]] if found else None


def may_be_a_rate(words: str, quantity: str) -> bool:
    return quantity == "celsius" and re.fullmatch(r"[\d.,]+ ?c", words, re.IGNORECASE) is not None


def same(a: Any, b: Any) -> bool:
    """Whether two canonical values are one: equal ids, or numbers within 0.01 (a ten-thousandth when large)."""
    if isinstance(a, str) or isinstance(b, str):
        return str(a).lower() == str(b).lower()
    return abs(a - b) <= max(0.01, 1e-4 * abs(b))
