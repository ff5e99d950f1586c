"""Phrases that read as a quantity and are none where they stand: a number of another unit, an hour, a difference."""

import re

from tools.words import reading
from tools.words.durations import UNIT
from tools.words.text import AMOUNT, NUM, forms, one_line
from tools.words.tokens import TOKEN, may_end

_BARE = re.compile(rf"[-+−–]?{NUM}")
# A number with one of these behind it belongs to that unit and is no bare number.
UNIT_AFTER = re.compile(one_line(
    rf"""[ -]?(?:%|percent|per cent|pct|prozent|pour cent|°|℃|℉|deg(?!rad)|grad(?!u)|[ckf]\b|celsius|fahrenheit|kelvin
    |[mk]?a\b(?! (?:day|week|month|year|night))|amps?\b|ampere|ampère|[mk]?ah\b|m?v\b|volts?\b|millivolts?|milliamps?
    |k?wh?\b|m?ohms?\b|安|毫|伏|度|小时|分钟|个月|年|天|次|(?:{UNIT})\b|hour|minute
    |(?:(?!(?:by|in|for|on|of|to|and|or|from|with)\b)\w+ )?(?:cycles?|times|x|mal|fois|charges)\b(?! ?[a-z]?\d)|cyc\b
    |号)"""), re.IGNORECASE)
_GOES_ON = re.compile(r"[:.,/]\d")
_GLUED = re.compile(r"(?:\w[-–/]|#|\d[.,:]|\bc over |\bc/ ?)$", re.IGNORECASE)
_AFTER_WORD = re.compile(r"\d-$|[^\W\d_]{2,}[/-]$")  # "10-80", "SoC-80": a number of its own
_OF_UNIT = re.compile(rf" of (?:an?|one) (?:{UNIT}|volts?|amps?|amperes?|degrees?)\b", re.IGNORECASE)
PARTS_AFTER = re.compile(one_line(
    r"""[ ](?:quarters|thirds?|fifths?|sixths?|sevenths?|eighths?|ninths?|halves|tenths?|hundredths?|thousandths?
    |drittel|fünftel|zehntel|hundertstel|tiers|cinquièmes?|dixièmes?)\b"""), re.IGNORECASE)
_COUNTED = re.compile(one_line(
    r"""[ ](?:(?!(?:and|or|for|of|on|in|at|to|und|oder|für|et|ou|pour|y)\b)\w+ )?
    (?:packs?|cells?|batteries|vehicles|buses|units)\b(?! ?[#n]?[°o]?\.? ?\d)"""), re.IGNORECASE)
# Behind a pack's number they show that it is none: "battery 32 %", "pack: 5 A"; but "PK-0042 % left" is an id.
_SURELY_ID = re.compile(r"pk[ _-]*\d{4}|pk[-_]?\d{1,3}|up-.*|.*\bc(?:ell)? *\d+", re.IGNORECASE)
_MEASURED = re.compile(r" ?(?:%|percent\b|pct\b|prozent\b|pour cent|°|deg(?!rad)|grad\b|[点度分小]|(?-i:m?A|V)\b"
                       r"|amps?\b|min\b)", re.IGNORECASE)
# "PK-0387 and cell 69 in PK-0129": the cell belongs to the pack behind it.
_LINKED_CELL = re.compile(r"\w[ ,]+(?:(?:and|und|et|y|&) )?(?:the |die |la )?(?:cell|zelle|cellule|celda)\b",
                          re.IGNORECASE)
_PACK_OF_CELL = re.compile(r" (?:of|in|from|on|von|aus|im|du|de|del)(?: the| der| la)? (?:pk|pack|batter\w*|akku|#)"
                           r"[ _#-]*(?:n\w*\.? )?(\w+)", re.IGNORECASE)
_OPENED = re.compile(r"[(\"“„]\d+$")  # 'pack "12"', "pack (12)"
# "number 266" is a pack where no other thing is numbered: not in "dock number 3" or "cell no. 7".
_SPELT_ON = re.compile(r"(?:-\d)+(?![\w%°.,:-])")  # "pack 1-0-5"
_NUMBERED = re.compile(r"(?:the |old )*(?:n|id|№)", re.IGNORECASE)
_ID_LEAD = re.compile(one_line(
    r"""(?:^|[.,;:!?(—–-]|\b(?:the|old|poor|good|is|are|hows?|how's|does|has|of|for|about|with|on|to|from|and|our|my|check
    |charge|diagnose|please|what's|whats|von|für|mit|und|ist|hat|de|du|pour|le|la|el|del))\s*$"""), re.IGNORECASE)
_TOP, _CYCLES = re.compile(r"\btop $", re.IGNORECASE), re.compile(r" \w*cycles?\b", re.IGNORECASE)  # "top ten cycles"
_ARTICLE = re.compile(r"une?|eine?[nrms]?|una", re.IGNORECASE)
_RANGE_TO = re.compile(r" ?(?:\b(?:to|till|or|bis|oder|à|ou|a)\b|-|–|—|\.\.+|到|至) ?", re.IGNORECASE)
_ON_TO = re.compile(r" (?:to|till|until|bis|à)\b", re.IGNORECASE)
_RANGE_AND = re.compile(r" (?:and|und|et|y) ", re.IGNORECASE)
_BETWEEN = re.compile(r"\b(?:between|zwischen|entre) $", re.IGNORECASE)
_COLDEST_K = 150  # "9k each" are thousands
_COUNTED_OR_PAID = re.compile(r" ?(?:km|miles?|each|euros?|eur|usd|dollars?|bucks|quid|pounds?|per|a year)\b|[€$£]",
                              re.IGNORECASE)
_SIDE_OF_ZERO = re.compile(r"\b(?:below|under|above|over|unter|über|sous|bajo|dess[ou]us de)$", re.IGNORECASE)
_NOTHING_BESIDE = re.compile(one_line(
    r"""\s*(?:[^\w\s(]|$)|\s+(?:out|outside|outdoors|today|tonight|now|here|there|in|at|on|and|or|but|with|so|this|when
    |where|what|how|which|please|right|it|is|for|as|here|all|draußen|heute|jetzt|hier)\b"""), re.IGNORECASE)
_DIFFERENCE = re.compile(one_line(
    r"""[ ](?:above|below|over|under|warmer|colder|hotter|cooler|higher|lower)(?: than)?(?: the| its)? (?:others?|rest
    |average|mean|median|limit|maximum|minimum|ambient|room|normal|usual|outside|surroundings?|fleet)\b"""),
    re.IGNORECASE)
# A Chinese number goes on ("八十|五"); "八成五度" is 80 % and five degrees, "七成五" 75 %.
_CHINESE_CUT, _CHINESE_ON = re.compile("[零一二三四五六七八九十百千两]$"), re.compile("[零一二三四五六七八九十百千]")
_TENTHS_CUT = re.compile(r"成[一二三四五六七八九半1-9][\d.点小分度安伏毫天个年月周次号%a-zA-Z]")
_HOUR_LEAD = re.compile(r"\b(?:by|until|till?|before|bis|um|jusqu'à|avant|il est|vers)(?: about)? $|à $", re.IGNORECASE)
_FRENCH_CLOCK = re.compile(r"\d{1,2} ?h(?:eures?)?(?: ?\d\d)?", re.IGNORECASE)


def is_foreign(text: str, start: int, end: int, quantity: str) -> bool:
    """A number that has another unit behind it, or is an hour, or has digits glued before it, is no value by itself."""
    words, near = text[start:end], max(0, start - 12)
    if quantity == "asset_id":
        return _no_id(text, start, end)
    if _CHINESE_CUT.search(text[near:end]) and _CHINESE_ON.match(text, end) or _TENTHS_CUT.match(text, end - 2):
        return True
    if quantity == "celsius" and _no_temperature(text, start, end):
        return True
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
    spanish_range = re.match(r" a \d", text[end:]) and re.search(r"\bde $", text[near:start], re.IGNORECASE)
    if UNIT_AFTER.match(text, end) and not spanish_range or _GOES_ON.match(text, end) or PARTS_AFTER.match(text, end):
        return True
    if quantity != "count" and _ARTICLE.fullmatch(words) or _part_of_a_word(text, start, end):
        return True
    glued = _GLUED.search(text, near, start) and not _AFTER_WORD.search(text, near, start)
    return bool(glued) or range_unit(text, start, end, quantity) is not None


def _no_id(text: str, start: int, end: int) -> bool:
    words = text[start:end]
    if _NUMBERED.match(words) and not _ID_LEAD.search(text, max(0, start - 24), start):
        return True
    of_pack = _LINKED_CELL.search(words) and _PACK_OF_CELL.match(text, end)
    if of_pack and (of_pack[1][0].isdigit() or is_bare(of_pack[1])) or _SPELT_ON.match(text, end):
        return True
    if _OPENED.search(words) and text[end:end + 1] not in tuple(')"”“') or re.match(r"p\s*\d", words, re.IGNORECASE):
        return True
    if not any(map(str.isdigit, words)):
        return _ends_within_a_number(text, start, end)
    return words[-1].isdigit() and bool(_MEASURED.match(text, end)) and not _SURELY_ID.fullmatch(words)


def _ends_within_a_number(text: str, start: int, end: int) -> bool:
    """Whether an id in words takes a value with it, as in "pack three ten minutes", or goes on ("three-eleven")."""
    said = [m.group() for m in re.finditer(r"[^\W\d_]+", text[start:end])]
    several = any(re.search(r"\d (?:oh |o )?\d", form) for form in forms(text[start:end]))
    if several and (_counts(text, end) or "-" not in text[start:end] and _ON_TO.match(text, end)):
        return True
    following = re.match(r"(?:[ -][^\W\d_]+){1,3}", text[end:])
    if following is None or not is_bare(said[-1]):
        return False
    ends = [end + m.end() for m in re.finditer(r"[ -][^\W\d_]+", following[0]) if is_bare(following[0][1:m.end()])]
    return bool(ends) and (text[end] == "-" or not _counts(text, ends[-1]))


def _counts(text: str, end: int) -> bool:
    """Whether the number that ends here counts or measures something."""
    return any(p.match(text, end) for p in (UNIT_AFTER, _COUNTED, PARTS_AFTER, _MEASURED))


def _no_temperature(text: str, start: int, end: int) -> bool:
    """"31 degrees under the roof" is not below zero, "9k each" no Kelvin, "5 degrees above the others" a difference."""
    words = text[start:end]
    if thousands := re.fullmatch(r"([\d.,]+) ?k", words, re.IGNORECASE):
        kelvins = reading(thousands[1], "ampere")
        return kelvins is None or kelvins < _COLDEST_K or bool(_COUNTED_OR_PAID.match(text, end))
    return bool(_SIDE_OF_ZERO.search(words) and not _NOTHING_BESIDE.match(text, end) or _DIFFERENCE.match(text, end))


def _part_of_a_word(text: str, start: int, end: int) -> bool:
    """A number word inside a longer one ("quatre-vingt-dix") or in "per cent"."""
    words = text[start:end]
    if not words.isalpha():
        return False
    before, after = re.search(r"([^\W\d_]+)-$", text[max(0, start - 20):start]), re.match(r"-([^\W\d_]+)", text[end:])
    return any(m and is_bare(m[1]) for m in (before, after)) or bool(
        re.search(r"\b(?:per|pour|por|pro) cent$", text[max(0, end - 12):end], re.IGNORECASE))


def range_unit(text: str, start: int, end: int, quantity: str) -> str | None:
    """The unit that a bare number shares with the end of its range, as °F in "68 to 86 °F"; None for the canonical."""
    to = _RANGE_TO.match(text, end)
    if to is None and _BETWEEN.search(text, max(0, start - 10), start):
        to = _RANGE_AND.match(text, end)
    if to is None or re.match(r"an?\b", text[to.end():], re.IGNORECASE):
        return None
    tokens = [m.end() for m, _ in zip(TOKEN.finditer(text, to.end()), range(7), strict=False)]
    ends = [b for b in tokens if may_end(text, b) and reading(text[to.end():b], quantity) is not None]
    unit = unit_of(text[to.end():ends[-1]]) if ends else None
    return None if unit is None or reading(f"7 {unit}", quantity) in (None, 7.0) else unit


def unit_of(words: str) -> str | None:
    """The unit word of "95 °F", "18 months" or "500 mA" as it was written; None for a number alone."""
    for form in forms(words):
        m = re.fullmatch(rf"(?:[-+]?{AMOUNT}|an?)(?: of)?(?: an?(?= ))? ?([^\d]+)", form)
        if m and not is_bare(words):
            return words[-len(m[1]):].strip()
    return None


def is_bare(words: str) -> bool:
    return any(_BARE.fullmatch(form) for form in forms(words))
