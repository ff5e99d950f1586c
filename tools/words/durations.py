"""Minutes and years from spans of time and from two clock times; cycles per week from habits."""

import re

from tools.words.text import AMOUNT, NUM, PART, Unreadable, amount

_DAY = 24 * 60.0
_YEAR = 365.25 * _DAY
_UNITS = (  # minutes of each unit; a month is a twelfth of a year
    (1 / 60, r"s|secs?|seconds?|sekunden?|secondes?|秒钟?|segundos?"),
    (1.0, r"m|mins?|mn|minutes?|minuten|分钟?|minutos?|'"),
    (15.0, r"刻钟"),
    (60.0, r"h|hrs?|hours?|stunden?|stdn?|heures?|个?小时|个?钟头|horas?"),
    (_DAY, r"d|days?|tage?n?|jours?|天|日|días?"),
    (7 * _DAY, r"wks?|weeks?|wochen?|semaines?|周|个?星期|semanas?"),
    (14 * _DAY, r"fortnights?"),
    (_YEAR / 12, r"mos?|mths?|months?|monate?n?|mois|个?月|mes|meses"),
    (_YEAR / 4, r"quarters?"),
    (_YEAR, r"y|yrs?|years?|jahre?n?|ans?|années?|年|años?"),
    (10 * _YEAR, r"decades?|jahrzehnte?|décennies?"),
)
UNIT = "(?:" + "|".join(words for _, words in _UNITS) + ")"
_ARTICLE = r"(?:an?|1|the|another|one|full|whole)"
_OF = r"(?: of)?(?: an?(?= )| 1(?= )| d'une?(?= )| d'| einer(?= ))?"
_JOIN = r"(?:, ?(?:and )?| and | und | et | y | )"
_STEP = re.compile(rf"(?:({AMOUNT}){_OF} ?(?:full |solid |whole )?|((?:{_ARTICLE} )*))({UNIT})(?!\w)"
                   rf"(?: (?:and|n|&|und|et|y) (?:an? |1 |le )?({PART})(?![^\W\d]))?")


def minutes(form: str) -> float | None:
    """Minutes: "40", "1h30", "an hour and a half", "half an hour", "7:30, it is 6:50 now" (the time between)."""
    if m := re.fullmatch(r"(\d{1,3}) ?(?:h|std|stunden?|heures?|hours?|hrs?|小时) ?(\d{1,2})(?: ?(?:m|min|分钟?))?", form):
        return 60.0 * int(m[1]) + int(m[2]) if int(m[2]) < 60 else None
    if m := re.fullmatch(r"(\d{1,3}):(\d\d) ?(?:h|hrs?|hours?|stunden?|std|heures?)", form):
        return 60.0 * int(m[1]) + int(m[2]) if int(m[2]) < 60 else None
    if re.fullmatch(NUM, form):
        return amount(form)
    if (span := _span(form)) is not None:
        return span
    if is_clock_time(form):
        raise Unreadable("a single clock time needs the present time beside it")
    return clock_gap(form)


def years(form: str) -> float | None:
    """Years: "10", "18 months", "a decade", "half a year", "26 weeks"."""
    if re.fullmatch(NUM, form):
        return amount(form)
    if re.fullmatch(r"(?:this time )?next year", form):
        return 1.0
    if re.search(r"\d ?m\b", form):
        return None  # minutes or months
    span = _span(form)
    return None if span is None else span / _YEAR


def _span(form: str) -> float | None:
    """Minutes of "2 h 30 min", "three quarters of an hour", "a year and a half"; None when anything is left over."""
    form = re.sub(r"(\d)(?:个)?半(?=个?[小钟]|[年天月])", r"\1.5", form)
    total, at, sizes = 0.0, 0, []
    while at < len(form):
        step = _STEP.match(form, at)
        if step is None or not (step[1] or step[2] or step[4]):
            return None
        size = _size(step[3])
        total += (amount(step[1]) if step[1] else 1.0) * size + (amount(step[4]) if step[4] else 0.0) * size
        sizes.append(size)
        join = re.compile(_JOIN).match(form, step.end())
        at = join.end() if join and join.end() < len(form) else step.end()
        if at == step.end() < len(form) and not form[at].isdigit():
            return None
    return total if sizes and all(a > b for a, b in zip(sizes, sizes[1:], strict=False)) else None


def _size(word: str) -> float:
    return next(size for size, words in _UNITS if re.fullmatch(words, word))


_CLOCKS = tuple(re.compile(p) for p in (
    r"(?P<h>\d{1,2})(?::| ?h ?)(?P<m>\d\d)(?!\d|[:.]\d)(?: ?(?P<ap>[ap]\.?m\b)| ?uhr| ?h\b)?",
    r"(?P<h>\d{1,2})\.(?P<m>\d\d) ?(?:(?P<ap>[ap]\.?m\b)|uhr)",
    r"(?P<h>\d{1,2}) uhr (?P<m>\d\d)\b",
    r"(?P<half>half past|demi) (?P<h>\d{1,2})\b(?: ?(?P<ap>[ap]\.?m\b))?",
    r"(?P<dreiviertel>dreiviertel) (?P<h>\d{1,2})\b",
    r"(?P<halb>halb) (?P<h>\d{1,2})\b",
    r"(?P<qpast>(?:an? )?quarter (?:past|after)|viertel nach) (?P<h>\d{1,2})\b(?: ?(?P<ap>[ap]\.?m\b))?",
    r"(?P<qto>(?:an? )?quarter (?:to|before|of)|viertel vor) (?P<h>\d{1,2})\b(?: ?(?P<ap>[ap]\.?m\b))?",
    r"(?P<past>\d{1,2}) (?:minutes? |minuten )?(?:past|after|nach) (?P<h>\d{1,2})\b(?: ?(?P<ap>[ap]\.?m\b))?",
    r"(?P<to>\d{1,2}) (?:minutes? |minuten )?(?:to|before|vor) (?P<h>1[0-2]|\d)\b(?! ?[%°\d])(?: ?(?P<ap>[ap]\.?m\b))?",
    r"(?P<h>\d{1,2}) ?heures?(?: (?P<m>\d\d)\b)?(?P<demie> et demie)?(?P<moins> moins le quart)?(?P<quart> et quart)?",
    r"(?P<h>\d{1,2})点(?:(?P<m>\d\d)分?|(?P<demie>半))?",
    r"(?P<h>\d{1,2}) ?(?:(?P<ap>[ap]\.?m\b)|o'?clock|uhr)",
    r"(?P<noon>noon|midday|midi|mittag)|(?P<midnight>midnight|minuit|mitternacht)",
))
_NOW_BEFORE = re.compile(r"(?:\bnow|\bit'?s|\bit is|currently|clock says|\bjetzt|\bgerade|\bes ist|maintenant|il est|现在|at present)"
                         r"(?: (?:is|ist|es|um|at|just|about|already|now|actually|gone|only))*[ ,:]*$")
_NOW_AFTER = re.compile(r" ?(?:(?:right|just|here) )?(?:now|here|jetzt|maintenant|already)\b")
_BARE = re.compile(r"(?:\bnow|\bit'?s|\bit is|\bby|\bat|\buntil|\btill|\bjetzt(?: ist?)?|\bum|\bbis|\bil est|à) (?P<h>\d{1,2})\b"
                   r"(?! ?(?:%|°|percent|prozent|[a-z]{1,2}\b|deg|min|hour|amp|[:.]\d))")


def clock_times(form: str) -> list[tuple[int, int, int, bool]]:
    """(start, end, minute of day, whether 12 hours later is meant as well as may be), without overlaps."""
    found: list[tuple[int, int, int, bool]] = []
    for pattern in _CLOCKS:
        for m in pattern.finditer(form):
            free = all(m.end() <= a or m.start() >= b for a, b, _, _ in found)
            if free and not re.search(r"[\w.:]$", form[:m.start()]) and (time := _minute_of_day(m)) is not None:
                found.append((m.start(), m.end(), *time))
    if len(found) == 1:
        taken = found[0]
        for m in _BARE.finditer(form):
            if int(m["h"]) <= 24 and (m.end() <= taken[0] or m.start() >= taken[1]):
                found.append((m.start("h"), m.end("h"), 60 * int(m["h"]), int(m["h"]) <= 12))
    return sorted(found)


def is_clock_time(form: str) -> bool:
    """Whether the form is one clock time and nothing else."""
    return [t[:2] for t in clock_times(form)] == [(0, len(form))]


def _minute_of_day(m: re.Match) -> tuple[int, bool] | None:
    g = m.groupdict()
    if g.get("noon") or g.get("midnight"):
        return (720 if g.get("noon") else 0), False
    hour = int(g["h"])
    minute = int(g.get("m") or 0) + int(g.get("past") or 0) - int(g.get("to") or 0)
    minute += 30 * bool(g.get("half") or g.get("demie")) - 30 * bool(g.get("halb")) - 15 * bool(g.get("dreiviertel"))
    minute += 15 * bool(g.get("qpast") or g.get("quart")) - 15 * bool(g.get("qto") or g.get("moins"))
    if hour > 24 or not -60 < minute < 60:
        return None
    if g.get("ap"):
        if not 1 <= hour <= 12:
            return None
        return (60 * (hour % 12 + 12 * (g["ap"][0] == "p")) + minute) % 1440, False
    return (60 * hour + minute) % 1440, hour <= 12 and not m["h"].startswith("0")


def clock_gap(form: str) -> float | None:
    """Minutes from the present to the later of exactly two clock times, over midnight too.

    The present one is marked ("now", "it is"); without a mark the first is the start. Twelve-hour times take
    the shorter gap. Unmarked gaps above twelve hours are refused, as the order is then in doubt.
    """
    times = clock_times(form)
    if len(times) != 2:
        return None
    marked = [bool(_NOW_BEFORE.search(form[:a])) for a, _, _, _ in times]
    if not any(marked):
        marked = [bool(_NOW_AFTER.match(form, b)) for _, b, _, _ in times]
    if all(marked):
        return None
    first, last = (times[1], times[0]) if marked[1] else (times[0], times[1])
    gap = (last[2] - first[2]) % 1440
    if first[3] or last[3]:
        gap = gap % 720 or gap
    return float(gap) if gap > 0 and (any(marked) or gap <= 720) else None


_PER_WEEK = (
    (7.0, r"days?|nights?|tage?|nacht|jours?|nuits?|天|日|晚|día"), (1.0, r"wks?|weeks?|woche|semaines?|周|个?星期|semana"),
    (0.5, r"fortnights?"), (7 * 1440 * 12 / _YEAR, r"months?|monat|mois|个?月|mes"), (7 * 1440 / _YEAR, r"yrs?|years?|jahr|ans?|année|年|año"),
)
_ADVERBS = ((7.0, r"daily|nightly|täglich(?:e[nmrs]?)?|quotidien(?:ne)?(?:ment)?"), (1.0, r"weekly|wöchentlich(?:e[nmrs]?)?|hebdomadaires?"),
            (0.5, r"fortnightly|biweekly"), (7 * 1440 * 12 / _YEAR, r"monthly|monatlich"), (7 * 1440 / _YEAR, r"yearly|annually|jährlich"))
_PERIOD = "(?:" + "|".join(words for _, words in _PER_WEEK) + ")"
_ADVERB = "(?:" + "|".join(words for _, words in _ADVERBS) + ")"
_CYCLES = (r"(?: ?(?:times?|x|mal|fois|veces|次|个循环|full|complete|equivalent|deep|shallow|charging|charge|cycles?|cyc|charges"
           r"|zyklen|zyklus|ladungen|vollzyklen|cycles?|recharges?|ciclos?|turns?|runs))*")
_EACH = r"(?:an?|per|/|each(?: single)?|every(?: single)?|pro|die|am|im|je|jeden?|par|la|le|chaque|tous les|por|al|a la|每)"
_WEEKDAYS = (r"(?:on |every |each )*(?:weekdays?|workdays?|work days?|working days?|business days?|werktags?|an werktagen|jours ouvrés|工作日"
             r"|mon(?:day)?s? (?:to|through|till|until|-) fri(?:day)?s?|montags? bis freitags?|(?:du )?lundi (?:à|au) vendredi|周1到周5|mon[- ]fri|mo[- ]fr)(?: only)?")
_NAMED_DAY = (r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?|(?:mon|diens|donners|frei|sams|sonn)tags?|mittwochs?"
              r"|lundis?|mardis?|mercredis?|jeudis?|vendredis?|samedis?|dimanches?")
_TIMES = {"once": "1 times", "twice": "2 times", "thrice": "3 times"}


def cycles_per_week(form: str) -> float | None:
    """Cycles per week: "5", "twice a day", "every other day", "300 cycles a year", "weekdays", "每天两次"."""
    form = re.sub(r"\b(?:once|twice|thrice)\b", lambda m: _TIMES[m[0]], form)
    form = re.sub(r"^(?:(?:is |gets )?(?:cycled|charged|recharged)|cycles|charges) ", "", form)
    if m := re.fullmatch(rf"({AMOUNT}){_CYCLES}(?: altogether| in total)?", form):
        return amount(m[1])
    if m := re.fullmatch(rf"(?:(.+?),? )??(?:(\d) days? {_EACH} ?(?:wk|week)|({_WEEKDAYS})|(7) days)", form):
        days = float(m[2] or m[4] or 5)
        return days if not m[1] else _times_days(m[1], days)
    if re.fullmatch(rf"(?:on )?(?:{_NAMED_DAY})(?:(?:,| and|,? und| et)? ?(?:{_NAMED_DAY}))*(?: only)?", form):
        return float(len(re.findall(_NAMED_DAY, form)))
    return _rate(form)


def _times_days(per_day: str, days: float) -> float | None:
    rate = _rate(per_day.removesuffix(" on").strip(" ,"))
    return None if rate is None or rate % 7 else rate / 7 * days


def _rate(form: str) -> float | None:
    n = rf"(?:({AMOUNT}|an? ){_CYCLES} ?|{_CYCLES} ?)"
    if m := re.fullmatch(rf"{n}(?:every|each|jeden?) (?:other|2(?:nd|\.)) ({_PERIOD})|{n}un? jour sur 2|{n}1 jour sur 2|{n}隔天", form):
        return _per(m[2] or "day") / 2
    if m := re.fullmatch(rf"{n}(?:every|alle|tous les|每) ?({NUM}) ?({_PERIOD})(?:1次)?", form):
        return _per(m[3]) / amount(m[2]) * _times(m[1]) if amount(m[2]) else None
    if m := re.fullmatch(rf"{n}(?:altogether |in total )?{_EACH} ?({_PERIOD})", form):
        return _times(m[1]) * _per(m[2])
    if m := re.fullmatch(rf"{n}({_ADVERB})", form):
        return _times(m[1]) * next(rate for rate, words in _ADVERBS if re.fullmatch(words, m[2]))
    if m := re.fullmatch(rf"(?:每|1)个?({_PERIOD})(?:(?:循环|充电|充)?({NUM})(?:次|个循环)?(?:循环)?)?", form):
        return _times(m[2]) * _per(m[1])
    return None


def _times(text: str | None) -> float:
    return amount(text) if text and text.strip() not in ("a", "an") else 1.0


def _per(word: str) -> float:
    return next(rate for rate, words in _PER_WEEK if re.fullmatch(words, word))
