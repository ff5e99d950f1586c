"""Where in a text a quantity is said: every phrase that reads as one, and the words for one value."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from tools.words import reading
from tools.words.clocks import MILITARY, NOW_BEFORE, SPACED_LEAD, clock_gap, is_clock_time
from tools.words.durations import UNIT
from tools.words.text import NUM, Unreadable, forms, one_line

_MAX_CHARACTERS = 60  # of a string argument on the wire, see tools.contract
_LONGEST = 11  # tokens of the longest phrase: "thirty percent of its original capacity has been lost" is 9
# "PK-00427点半": a whole id with the next number glued to it, as Chinese is written.
_SEAM = r"(?<=[Pp][Kk]-)\d{4}(?=\d{1,3}[点度分小%])"
_GLUED_ID = re.compile(rf"[Pp][Kk]-{_SEAM}")
_TOKEN = re.compile(rf"{_SEAM}|(?<![\w.])\.\d+(?!\.)|\d+(?:[.,:]\d+)*|[一-鿿]|[^\W\d_一-鿿]+(?:['’][^\W\d_]+)*"
                    r"|[^\s\w]|_")
_BARE = re.compile(rf"[-+−–]?{NUM}")
# A number with one of these behind it belongs to that unit and is no bare number.
UNIT_AFTER = re.compile(one_line(
    rf"""[ -]?(?:%|percent|per cent|pct|prozent|pour cent|°|℃|℉|deg(?!rad)|grad(?!u)|[ckf]\b|celsius|fahrenheit|kelvin
    |[mk]?a\b(?! (?:day|week|month|year|night))|amps?\b|ampere|ampère|[mk]?ah\b|m?v\b|volts?\b|millivolts?|milliamps?
    |k?wh?\b|m?ohms?\b|安|毫|伏|度|小时|分钟|个月|年|天|次|(?:{UNIT})\b|hour|minute
    |(?:\w+ )?(?:cycles?|times|x|mal|fois|charges)\b(?! ?[a-z]?\d)|cyc\b|号)"""), re.IGNORECASE)
_GOES_ON = re.compile(r"[:.,/]\d")
_GLUED = re.compile(r"(?:\w[-–/]|#|\d[.,:]|\bc over |\bc/ ?)$", re.IGNORECASE)
_AFTER_WORD = re.compile(r"\d-$|[^\W\d_]{2,}[/-]$")  # "10-80", "SoC-80": a number of its own
_FIELD_BEFORE = re.compile(r"(?:[%°]|\d ?°?[a-z]{1,4})/$", re.IGNORECASE)  # "34%/32°C/155min"
_OF_UNIT = re.compile(rf" of (?:an?|one) (?:{UNIT}|volts?|amps?|amperes?|degrees?)\b", re.IGNORECASE)
_PARTS_AFTER = re.compile(r" (?:quarters|thirds?|fifths?|halves|tenths?)\b", re.IGNORECASE)
_COUNTED = re.compile(r" (?:\w+ )?(?:packs?|cells?|batteries|vehicles|buses|units)\b", re.IGNORECASE)
# Behind a pack's number they show that it is none: "battery 32 %", "pack: 5 A"; but "PK-0042 % left" is an id.
_SURELY_ID = re.compile(r"pk[ _-]*\d{4}|pk-\d{1,3}|up-.*|.*\bc(?:ell)? *\d+", re.IGNORECASE)
_MEASURED = re.compile(r" ?(?:%|percent\b|pct\b|prozent\b|pour cent|°|deg(?!rad)|grad\b|[点度分小]|(?-i:m?A|V)\b"
                       r"|amps?\b|min\b)", re.IGNORECASE)
# "number 266" is a pack where no other thing is numbered: not in "dock number 3" or "cell no. 7".
_SPELT_ON = re.compile(r"(?:-\d)+(?![\w%°.,:-])")  # "pack 1-0-5"
_NUMBERED = re.compile(r"(?:the |old )*(?:n|№)", re.IGNORECASE)
_ID_LEAD = re.compile(one_line(
    r"""(?:^|[.,;:!?(—–-]|\b(?:the|old|poor|good|is|are|hows?|how's|does|has|of|for|about|with|on|to|from|and|our|my|check
    |charge|diagnose|please|what's|whats|von|für|mit|und|ist|hat|de|du|pour|le|la|el|del))\s*$"""), re.IGNORECASE)
_TOP, _CYCLES = re.compile(r"\btop $", re.IGNORECASE), re.compile(r" \w*cycles?\b", re.IGNORECASE)  # "top ten cycles"
_HOUR_LEAD = re.compile(r"\b(?:by|until|till?|before|bis|um|jusqu'à|avant|il est|vers)(?: about)? $|à $", re.IGNORECASE)
_FRENCH_CLOCK = re.compile(r"\d{1,2} ?h(?:eures?)?(?: ?\d\d)?", re.IGNORECASE)
_MILITARY_LEAD = r"\b(?:at|by|now|is|until|till|to|and|leaving|departure|it['’]s|from) $"
_SWAPPED = re.compile(r".* (?:to|before|vor|nach) \S+", re.IGNORECASE)  # "5 to 10" may be two charges
_MARK_AFTER = re.compile(one_line(
    r"""\s?(?:(?:right|just) )?(?:now|here|already|it is|it['’]s|as (?:i|we) (?:speak|write|type)|jetzt
    |maintenant)\b"""), re.IGNORECASE)
_BARE_HOURS = re.compile(r"\b(?:by|until|till?|before|bis|now|it['’]?s|it is|gone|jetzt)\b", re.IGNORECASE)


@lru_cache(maxsize=4096)
def spans(text: str, quantity: str) -> tuple[tuple[int, int, float | str], ...]:
    """(start, end, value) of every phrase of `text` that reads as the quantity and is part of no longer one."""
    found = list(_windows(text, quantity))
    if quantity == "asset_id":
        longest = _outermost(found)
        return tuple(f for f in longest if not any(a < f[0] < b for a, b, _ in longest))
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


def _windows(text: str, quantity: str) -> Iterator[tuple[int, int, float | str]]:
    tokens = [m.span() for m in _TOKEN.finditer(text)]
    for i, (start, _) in enumerate(tokens):
        if not _may_start(text, start):
            continue
        for _, end in tokens[i:i + _LONGEST]:
            if end - start > _MAX_CHARACTERS or not _may_end(text, end):
                continue
            value = reading(text[start:end], quantity)
            if value is not None and not _foreign(text, start, end, quantity):
                yield start, end, value


def _may_start(text: str, at: int) -> bool:
    """Not inside a word or a number; a sign starts a number only where no word or number stands before it."""
    if not (text[at].isalnum() or text[at] in "-−–+#½¼¾/每" or re.match(r"\.\d", text[at:at + 2])):
        return False
    before = text[at - 1] if at else " "
    if text[at] in "-−–+":
        return text[at + 1:at + 2].isdigit() and (_is_cjk(before) or not (before.isalnum() or before in ")%°"))
    if text[max(0, at - 3):at].lower() in ("pk-", "up-"):
        return False
    if _glued_id(text, at):
        return True
    if before == "/" and at > 1 and not (text[at - 2].isdigit() or _FIELD_BEFORE.search(text, max(0, at - 8), at)):
        return False
    return _is_cjk(text[at]) or _is_cjk(before) or not (before.isalnum() or before in "_#$")


def _may_end(text: str, at: int) -> bool:
    last, after = text[at - 1], text[at] if at < len(text) else " "
    if not (last.isalnum() or last in "%°'’′+℃℉½¼¾") or last in "'’" and not text[at - 2].isdigit():
        return False
    return _is_cjk(last) or _is_cjk(after) or _glued_id(text, at) or not (
        last.isalnum() and (after.isalnum() or after == "_"))


def _glued_id(text: str, at: int) -> bool:
    """Whether an id ends here although digits go on."""
    return at >= 7 and _GLUED_ID.match(text, at - 7) is not None


def _foreign(text: str, start: int, end: int, quantity: str) -> bool:
    """A number that has another unit behind it, or is an hour, or has digits glued before it, is no value by itself."""
    words, near = text[start:end], max(0, start - 12)
    if quantity == "asset_id":
        unnamed = _NUMBERED.match(words) and not _ID_LEAD.search(text, max(0, start - 24), start)
        if _SPELT_ON.match(text, end) or unnamed:
            return True
        return words[-1].isdigit() and bool(_MEASURED.match(text, end)) and not _SURELY_ID.fullmatch(words)
    if _OF_UNIT.match(text, end) and UNIT_AFTER.fullmatch(words) is None:
        return True
    if quantity == "minutes" and _HOUR_LEAD.search(text, near, start) and (
            is_bare(words) or _FRENCH_CLOCK.fullmatch(words)):
        return True
    if not is_bare(words):
        counted = UNIT_AFTER.match(text, end) or quantity == "minutes" and _COUNTED.match(text, end)
        return is_bare(words.split()[-1]) and bool(counted)
    if quantity == "count" and _TOP.search(text, near, start) and _CYCLES.match(text, end):
        return False
    if UNIT_AFTER.match(text, end) or _GOES_ON.match(text, end) or _PARTS_AFTER.match(text, end):
        return True
    return bool(_GLUED.search(text, near, start) and not _AFTER_WORD.search(text, near, start))


def is_bare(words: str) -> bool:
    return any(_BARE.fullmatch(form) for form in forms(words))


def _is_cjk(character: str) -> bool:
    return "一" <= character <= "鿿"


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
    tokens = [m.span() for m in _TOKEN.finditer(text)]
    found = _outermost([(a, b) for i, (a, _) in enumerate(tokens) if _may_start(text, a) for _, b in tokens[i:i + 8]
                        if b - a <= 40 and _may_end(text, b) and _is_clock(text, a, b)])
    if len(found) == 1:  # the other may be a bare hour: "jetzt ist sieben", "by five"
        first, last = found[0]
        before = [t for t in tokens if first - _MAX_CHARACTERS < t[0] < first and _gap(text[t[0]:last])]
        after = [t for t in tokens if last < t[1] < last + _MAX_CHARACTERS and _gap(text[first:t[1]])
                 and not UNIT_AFTER.match(text, t[1])]
        found += before[-1:] or after[:1]
    return tuple(sorted(found))


def _is_clock(text: str, start: int, end: int) -> bool:
    words = forms(text[start:end])
    if not any(map(is_clock_time, words)) or words[0][-1:].isdigit() and (
            UNIT_AFTER.match(text, end) or _PARTS_AFTER.match(text, end)):
        return False
    if re.fullmatch(MILITARY, words[0]):
        return bool(re.search(_MILITARY_LEAD, text[max(0, start - 12):start], re.IGNORECASE))
    return not re.fullmatch(r"\d+ \d+", words[0]) or bool(SPACED_LEAD.search(text, max(0, start - 8), start))


def _two_bare_hours(text: str) -> Iterator[tuple[int, int, float]]:
    """"by eleven, it's ten now": hours that are times only because of the words before both."""
    starts = [m.start() for m in _BARE_HOURS.finditer(text)]
    ends = [m.end() for m in _TOKEN.finditer(text)]
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
    found.sort(key=lambda s: (is_bare(text[s[0]:s[1]]), s[0]))
    return text[found[0][0]:found[0][1]] if found else None


def same(a: Any, b: Any) -> bool:
    """Whether two canonical values are one: equal ids, or numbers within 0.01 (a ten-thousandth when large)."""
    if isinstance(a, str) or isinstance(b, str):
        return str(a).lower() == str(b).lower()
    return abs(a - b) <= max(0.01, 1e-4 * abs(b))
