"""Where in a text a quantity is said: every phrase that reads as one, and the words for one value."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from tools.words import reading
from tools.words.clocks import clock_gap, is_clock_time
from tools.words.durations import UNIT
from tools.words.text import NUM, forms, one_line

_MAX_CHARACTERS = 60  # of a string argument on the wire, see tools.contract
_LONGEST = 11  # tokens of the longest phrase: "thirty percent of its original capacity has been lost" is 9
_TOKEN = re.compile(r"\d+(?:[.,:]\d+)*|[一-鿿]|[^\W\d_一-鿿]+(?:['’][^\W\d_]+)*|[^\s\w]|_")
_BARE = re.compile(rf"[-+−–]?{NUM}")
# A number with one of these behind it belongs to that unit and is no bare number.
UNIT_AFTER = re.compile(one_line(
    rf"""[ -]?(?:%|percent|per cent|pct|prozent|pour cent|°|℃|℉|deg|grad|[ckf]\b|celsius|fahrenheit|kelvin
    |[mk]?a\b(?! (?:day|week|month|year|night))|amps?\b|ampere|ampère|[mk]?ah\b|m?v\b|volts?\b|millivolts?|milliamps?
    |k?wh?\b|m?ohms?\b|安|毫|伏|度|小时|分钟|个月|年|天|次|(?:{UNIT})\b|hour|minute
    |(?:\w+ )?(?:cycles?|times|x|mal|fois|charges)\b(?! ?[a-z]?\d)|cyc\b|号)"""), re.IGNORECASE)
_GOES_ON = re.compile(r"[:.,/]\d")
_GLUED = re.compile(r"(?:\w[-–/]|#|\d[.,:]|\bc over |\bc/ ?)$", re.IGNORECASE)
_AFTER_WORD = re.compile(r"\d-$|[^\W\d_]{2,}[/-]$")  # "10-80", "SoC-80": a number of its own
_MARK_BEFORE = re.compile(r"(?:\b(?:now|it['’]?s|it is|currently|clock says|jetzt|es ist|maintenant|il est)\b"
                          r"|现在)[\w ]{0,12}$", re.IGNORECASE)
_MARK_AFTER = re.compile(r" ?(?:(?:right|just) )?(?:now|here|jetzt|maintenant)\b", re.IGNORECASE)
_BARE_HOUR = re.compile(r"\b(?:now|it['’]?s|it is|by|at|until|till|jetzt(?: ist?)?|um|bis|il est) \w+", re.IGNORECASE)


def spans(text: str, quantity: str) -> Iterator[tuple[int, int, float | str]]:
    """(start, end, value) of every phrase of `text` that reads as the quantity and is part of no longer one."""
    yield from _spans(text, quantity)


@lru_cache(maxsize=4096)
def _spans(text: str, quantity: str) -> tuple[tuple[int, int, float | str], ...]:
    found = list(_windows(text, quantity))
    if quantity == "minutes":
        found = [f for f in found if _gap(text[f[0]:f[1]]) is None] + list(_clock_windows(text))
    longest = _outermost(found)
    if quantity != "asset_id" and longest:
        ids = _spans(text, "asset_id")
        longest = [f for f in longest if not any(a <= f[0] and f[1] <= b for a, b, _ in ids)]
    return tuple(longest)


def _outermost(found: list[tuple]) -> list[tuple]:
    """Those of (start, end, ...) that lie inside no other, in order."""
    kept, reach = [], -1
    for span in sorted(found, key=lambda f: (f[0], -f[1])):
        if span[1] > reach:
            kept.append(span)
            reach = span[1]
    return kept


def _windows(text: str, quantity: str) -> Iterator[tuple[int, int, float | str]]:
    tokens = [m.span() for m in _TOKEN.finditer(text)]
    for i, (start, _) in enumerate(tokens):
        if not _may_start(text, start):
            continue
        for _, end in tokens[i:i + _LONGEST]:
            if end - start > _MAX_CHARACTERS or not _may_end(text, end):
                continue
            value = reading(text[start:end], quantity)
            if value is not None and not _foreign(text, start, end):
                yield start, end, value


def _may_start(text: str, at: int) -> bool:
    """Not inside a word or a number; a sign starts a number only where no word or number stands before it."""
    if not (text[at].isalnum() or text[at] in "-−–+#½¼¾/每" ):
        return False
    before = text[at - 1] if at else " "
    if text[at] in "-−–+":
        return text[at + 1:at + 2].isdigit() and (_is_cjk(before) or not (before.isalnum() or before in ")%°"))
    if text[max(0, at - 3):at].lower() in ("pk-", "up-"):
        return False
    if before == "/" and at > 1 and not text[at - 2].isdigit():
        return False
    return _is_cjk(text[at]) or _is_cjk(before) or not (before.isalnum() or before in "_#$")


def _may_end(text: str, at: int) -> bool:
    last, after = text[at - 1], text[at] if at < len(text) else " "
    if not (last.isalnum() or last in "%°'’′+℃℉½¼¾"):
        return False
    return _is_cjk(last) or _is_cjk(after) or not (last.isalnum() and (after.isalnum() or after == "_"))


def _foreign(text: str, start: int, end: int) -> bool:
    """A bare number that has a unit behind it, or digits glued before it, is not a value by itself."""
    if not _is_bare(text[start:end]):
        return False
    if UNIT_AFTER.match(text, end) or _GOES_ON.match(text, end):
        return True
    near = max(0, start - 10)
    return bool(_GLUED.search(text, near, start) and not _AFTER_WORD.search(text, near, start))


def _is_bare(words: str) -> bool:
    return any(_BARE.fullmatch(form) for form in forms(words))


def _is_cjk(character: str) -> bool:
    return "一" <= character <= "鿿"


def _clock_windows(text: str) -> Iterator[tuple[int, int, float]]:
    """Two neighbouring clock times, with the words beside them that tell which one is the present."""
    clocks = _clocks(text)
    for (a, _), (_, d) in zip(clocks, clocks[1:], strict=False):
        wide = text[max(0, a - 30):d + 15]
        said = _gap(wide) or _gap(text[a:d])
        left = _MARK_BEFORE.search(text, max(0, a - 30), a)
        right = _MARK_AFTER.match(text, d)
        starts = [a] + ([left.start()] if left else [])
        ends = [d] + ([right.end()] if right else [])
        fitting = [(s, e) for s in starts for e in ends if e - s <= _MAX_CHARACTERS and _gap(text[s:e]) == said]
        if said and fitting:
            yield *min(fitting, key=lambda w: w[1] - w[0]), said


def _clocks(text: str) -> list[tuple[int, int]]:
    tokens = [m.span() for m in _TOKEN.finditer(text)]
    found = [(a, b) for i, (a, _) in enumerate(tokens) if _may_start(text, a) for _, b in tokens[i:i + 6]
             if _may_end(text, b) and any(is_clock_time(form) for form in forms(text[a:b]))]
    found = _outermost(found)
    if len(found) == 1:  # the other may be a bare hour: "jetzt ist sieben", "by five"
        first, last = found[0]
        for m in _BARE_HOUR.finditer(text):
            apart = first - _MAX_CHARACTERS < m.end() <= first or last <= m.start() < last + _MAX_CHARACTERS
            if apart and _gap(text[min(m.start(), first):max(m.end(), last)]):
                return sorted([*found, m.span()])
    return sorted(found)


def _gap(text: str) -> float | None:
    return next((gap for form in forms(text) if (gap := clock_gap(form)) is not None), None)


def locate(text: str, value: float | str, quantity: str) -> str | None:
    """The words of `text` that `read` turns into `value` (within 0.01), with their unit; None where nobody said it."""
    found = [(a, b) for a, b, v in spans(text, quantity) if same(v, value)]
    found.sort(key=lambda s: (_is_bare(text[s[0]:s[1]]), s[0]))
    return text[found[0][0]:found[0][1]] if found else None


def same(a: Any, b: Any) -> bool:
    """Whether two canonical values are one: equal ids, or numbers within 0.01 (a ten-thousandth when large)."""
    if isinstance(a, str) or isinstance(b, str):
        return str(a).lower() == str(b).lower()
    return abs(a - b) <= max(0.01, 1e-4 * abs(b))
