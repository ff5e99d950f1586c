"""Phrases that read as a quantity and are none where they stand: a number of another unit, an hour, a difference."""

import re

from tools.words import reading
from tools.words.durations import UNIT
from tools.words.text import AMOUNT, NUM, forms, is_fraction, is_lone_part, is_mixed_alone, one_line
from tools.words.tokens import TOKEN, may_end

_BARE = re.compile(rf"[-+−–]?{NUM}")
_SIGN = re.compile("^[-+−–]")
# A number with one of these behind it belongs to that unit and is no bare number.
UNIT_AFTER = re.compile(one_line(
    rf"""(?! %\d)[ -]?
    (?:(?:and|et|und) (?:(?:an?|eine?) )?(?:half|quarter|demie?|halbe?[srn]?) )?(?:(?:more|further|weitere[nr]?) )?
    (?:%|perc\b|proz\b|percent|per cent|pct|prozent|procent|pour cent|por cien|por cento
    |°|℃|℉|deg(?!rad)|grad(?!u)|graus?\b|stopni|derece
    |[ckf]\b|celsius|fahrenheit|kelvin
    |[mk]?a\b(?! (?:day|week|month|year|night))|amps?\b|ampere|ampère|[mk]?ah\b|m?v\b|volts?\b|millivolts?|milliamps?
    |k?wh?\b|m?ohms?\b|安|毫|伏|度|小时|时間|分钟|个月|年|天|次
    |(?!an hour (?:from|later|before|after)\b)(?:{UNIT})\b|hour
    |minute
    |(?:(?!(?:by|in|for|on|of|to|and|or|from|with)\b)\w+ )?(?:cycles?|times|x|mal|fois|veces|volte|vezes|keer|razy
    |charges)\b(?! ?[a-z]?\d)|cyc\b
    |号)"""), re.IGNORECASE)
_GOES_ON = re.compile(r"[:.,/]\d")
_GLUED = re.compile(r"(?:\w[-–/]|#|(?<!\S)%|\d[.,:]|\bc over |\bc/ ?)$", re.IGNORECASE)
_AFTER_WORD = re.compile(r"\d-$|[^\W\d_]{2,}[/-]$")  # "10-80", "SoC-80": a number of its own
_OF_UNIT = re.compile(rf" of (?:an?|one) (?:{UNIT}|volts?|amps?|amperes?|degrees?)\b", re.IGNORECASE)
PARTS_AFTER = re.compile(one_line(
    r"""[ ](?:quarters|thirds?|fifths?|sixths?|sevenths?|eighths?|ninths?|halves|tenths?|hundredths?|thousandths?
    |drittel|f(?:ü|ue)nftel|sechstel|siebtel|achteln?|neuntel|zehntel|hundertstel|tiers
    |cinqui[eè]mes?|dixièmes?)\b"""), re.IGNORECASE)
_COUNTED = re.compile(one_line(
    r"""[ ](?:(?!(?:and|or|for|of|on|in|at|to|und|oder|für|et|ou|pour|y)\b)\w+ )?
    (?:packs?|cells?|batteries|vehicles|buses|units)\b(?! ?[#n]?[°o]?\.? ?\d)"""), re.IGNORECASE)
# Behind a pack's number they show that it is none: "battery 32 %", "pack: 5 A"; but "PK-0042 % left" is an id.
_SURELY_ID = re.compile(r"pk[ _-]*\d{4}|pk[-_]?\d{1,3}|up-.*|.*\b(?:c(?:ell)? *\d+|pk[ _-]*\d{4})", re.IGNORECASE)
_MEASURED = re.compile(r"(?! %\d) ?(?:%|percent\b|pct\b|prozent\b|pour cent|°|deg(?!rad)|grad\b|[点度小]|分(?![别析])"
                       r"|(?-i:m?A|V)\b|amps?\b|min\b)", re.IGNORECASE)
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
# "the ten highest cycle counts", "the 5 most cycled": the packs are counted, not the cycles.
_RANKED = re.compile(r" (?:(?!la|re)\w{2,}est|most|least)\b", re.IGNORECASE)
# "72\nsoh: 91", "soc 20 soh 91": the name belongs to the number behind it; "93 in the capacity test" is no health.
_NAMED_ON = re.compile(r"(?:\s*[:=]|\s)\s*[-+]?\d|\s(?:test|check|measurement|run|trial)s?\b", re.IGNORECASE)
_NAME_LAST = re.compile(r"\d\W.*\b(?<!less )(?:soh|soc|health|charge|capacity|current|spread)$",
                        re.IGNORECASE | re.DOTALL)
_AT_LEAST = re.compile(r"\b(?:au|du|al|por lo) $", re.IGNORECASE)  # "au moins 30 degrés" is not below zero
_PER_HOUR = re.compile(r"\bper $", re.IGNORECASE)  # "km per hour and 10 minutes"
_NUMBER_AND = re.compile(r"([^\W_]+) (?:and|et|und)(?: an?| une?| eine?)? $", re.IGNORECASE)  # "two and | a half hours"
_HOURS_BEFORE = re.compile(r"\d ?h ?$", re.IGNORECASE)  # "1 h 30"
_LEAST_LAST = re.compile(r"(?:moins|menos)\b", re.IGNORECASE)
_ARTICLE = re.compile(r"une?|eine?[nrms]?|una", re.IGNORECASE)
_RANGE_TO = re.compile(r" ?(?:\b(?:to|till|or|bis|oder|à|ou|a)\b|-|–|—|\.\.+|到|至) ?", re.IGNORECASE)
_ON_TO = re.compile(r" (?:to|till|until|bis|à)\b", re.IGNORECASE)
_RANGE_AND = re.compile(r" (?:and|und|et|y|e|en) ", re.IGNORECASE)
_BETWEEN = re.compile(r"\b(?:between|zwischen|entre|tra|fra|tussen) $", re.IGNORECASE)
_COLDEST_K = 150  # "9k each" are thousands
_COUNTED_OR_PAID = re.compile(r" ?(?:km|miles?|each|euros?|eur|usd|dollars?|bucks|quid|pounds?|per|a year)\b|[€$£]",
                              re.IGNORECASE)
_SIDE_OF_ZERO = re.compile(r"\b(?:below|under|above|over|unter|über|sous|bajo|dess[ou]us de)$", re.IGNORECASE)
_NOTHING_BESIDE = re.compile(one_line(
    r"""\s*(?:[^\w\s(]|$)|\s+(?:out|outside|outdoors|today|tonight|now|here|there|in|at|on|and|or|but|with|so|this|when
    |where|what|how|which|please|right|it|is|for|as|here|all|tomorrow|overnight|draußen|heute|jetzt|hier
    |morgen)\b"""), re.IGNORECASE)
_DIFFERENCE = re.compile(one_line(
    r"""[ ](?:above|below|over|under|warmer|colder|hotter|cooler|higher|lower)(?: than)?(?: the| its)? (?:others?|rest
    |average|mean|median|limit|maximum|minimum|ambient|room|normal|usual|outside|surroundings?|fleet)\b"""),
    re.IGNORECASE)
# A Chinese number goes on ("八十|五"); "八成五度" is 80 % and five degrees, "七成五" 75 %.
_CHINESE_CUT, _CHINESE_ON = re.compile("[零一二三四五六七八九十百千两]$"), re.compile("[零一二三四五六七八九十百千]")
_TENTHS_CUT = re.compile(r"成[一二三四五六七八九半1-9][\d.点小分度安伏毫天个年月周次号%a-zA-Z]")
_HOUR_LEAD = re.compile(r"\b(?:by|until|till?|before|bis|um|jusqu'à|avant|il est|vers"
                        r"|a las|las|às|alle|le|om|tegen|saat)(?: about| half)? $|à $", re.IGNORECASE)
_FRENCH_CLOCK = re.compile(r"\d{1,2} ?h(?:eures?)?(?: ?\d\d)?", re.IGNORECASE)
_HOURS_OR_CLOCK = re.compile(r"[^\W_]+ (?:horas|ore|uur)", re.IGNORECASE)
# "van 20 a 80", "da venti a ottanta": this "a" is no ampere.
_FROM, _TO_NUMBER = re.compile(r"\b(?:de|desde|da|dal|von) $", re.IGNORECASE), re.compile(r" a ([^\W_]+)")
# Dutch "om 2 uur" is a time: hours only beside a word that says how long.
_LASTING = re.compile(r"\b(?:binnen|in|over|nog|ruim|bijna|ongeveer|zo'n|circa|heb|hebben|heeft|maximaal|max|hooguit"
                      r"|slechts|maar|duurt|gedurende|elke|na) $", re.IGNORECASE)
_LASTS_ON = re.compile(r" (?:de tijd|tijd|lang|later|laden|beschikbaar)\b", re.IGNORECASE)
_ITALIAN = re.compile(r"\b(?:il|lo|gli|di|che|della|nel|ho|hai|abbiamo|è|sono|tra|fra|entro|pacco|batteria|ogni|più"
                      r"|caric\w+|minuti|gradi|ampere|quant\w|quale|tempo)\b", re.IGNORECASE)
_KANA = re.compile("[぀-ヿ]")


def is_foreign(text: str, start: int, end: int, quantity: str) -> bool:
    """A number that has another unit behind it, or is an hour, or has digits glued before it, is no value by itself."""
    words, near = text[start:end], max(0, start - 12)
    if quantity == "asset_id":
        return _no_id(text, start, end)
    if _CHINESE_CUT.search(text[near:end]) and _CHINESE_ON.match(text, end) or _TENTHS_CUT.match(text, end - 2):
        return True
    if quantity in ("minutes", "years") and _no_duration(text, start, end):
        return True
    if quantity == "ampere" and words.endswith(" a") and _FROM.search(text, near, start) and (
            (to := _TO_NUMBER.match(text, end - 2)) and is_bare(to[1])):
        return True
    if quantity == "celsius" and _no_temperature(text, start, end):
        return True
    if _OF_UNIT.match(text, end) and UNIT_AFTER.fullmatch(words) is None:
        return True
    if _cut_from_its_phrase(text, start, end):
        return True
    if quantity == "minutes" and _HOUR_LEAD.search(text, near, start) and (
            is_bare(words) or _FRENCH_CLOCK.fullmatch(words) or _HOURS_OR_CLOCK.fullmatch(words)):
        return True
    if words.endswith(" %") and text[end:end + 1].isdigit():
        return True  # Turkish "pack 15 %30"
    if not is_bare(words):
        counted = UNIT_AFTER.match(text, end) or quantity == "minutes" and _COUNTED.match(text, end)
        a_hundred = re.search(r"\bp[eo]r ci?ento$", words, re.IGNORECASE)
        return is_bare(words.split()[-1]) and bool(counted) and not a_hundred
    return _bare_is_foreign(text, start, end, quantity)


def _bare_is_foreign(text: str, start: int, end: int, quantity: str) -> bool:
    """Whether what stands around a bare number makes it no value of the quantity."""
    words, near = text[start:end], max(0, start - 12)
    if quantity == "count" and (_TOP.search(text, near, start) and _CYCLES.match(text, end)
                                or _RANKED.match(text, end)):
        return False
    to = _FROM.search(text, near, start) and _TO_NUMBER.match(text, end)
    in_range = to and is_bare(to[1]) or _BETWEEN.search(text, near, start) and _RANGE_AND.match(text, end)
    if UNIT_AFTER.match(text, end) and not in_range or _GOES_ON.match(text, end) or PARTS_AFTER.match(text, end):
        return True
    if quantity != "count" and _ARTICLE.fullmatch(words) or _part_of_a_word(text, start, end):
        return True
    glued = _GLUED.search(text, near, start) and not _AFTER_WORD.search(text, near, start)
    return bool(glued) or range_unit(text, start, end, quantity) is not None


def _cut_from_its_phrase(text: str, start: int, end: int) -> bool:
    """A name that belongs to the next number, the "half" of "two and a half hours", "moins 30" of "au moins 30"."""
    words, near = text[start:end], max(0, start - 12)
    if _NAME_LAST.search(words) and _NAMED_ON.match(text, end):
        return True
    if _LEAST_LAST.match(words) and _AT_LEAST.search(text, near, start):
        return True
    if is_bare(words) and len(words) == 2 and _HOURS_BEFORE.search(text, near, start):
        return True
    if words[0].isalpha() and _PER_HOUR.search(text, near, start):
        return True
    whole = _NUMBER_AND.search(text[near:start])
    return whole is not None and is_bare(whole[1]) and any(map(is_lone_part, forms(words)))


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
    if re.search(" and ", text[start:end], re.IGNORECASE) and _counts(text, end):
        return True
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


def _no_duration(text: str, start: int, end: int) -> bool:
    """The 分 of 分别, "om 7 uur", "5 ore trucks", "7 ora", 時間 in Chinese: no minutes or hours."""
    words, rest = text[start:end].lower(), text[:start] + text[end:]
    if words.endswith("分") and re.match("[别析]", text[end:]) or words[-1] in "'’" and text[end:end + 1].isalpha():
        return True  # also the Turkish "saat 2'de"
    if "时間" in words:
        return bool(rest.strip()) and not _KANA.search(rest)
    if words.endswith("uur") and not any(map(is_fraction, forms(words))):
        return bool(rest.strip()) and not (_LASTING.search(text, 0, start) or _LASTS_ON.match(text, end))
    if re.search(r"\w ora$", words):
        return re.search(r"(?:^1|\buna?|mezza) ora$", words) is None
    return bool(re.search(r"\w ore$", words) and rest.strip()) and not _ITALIAN.search(rest)


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
        re.search(r"\b(?:per|pour|por|pro) cento?$", text[max(0, end - 12):end], re.IGNORECASE))


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
    return any(_BARE.fullmatch(form) or is_mixed_alone(_SIGN.sub("", form)) for form in forms(words))
