"""Minutes and years from spans of time such as "1 h 30 min" or "a year and a half"."""

import re

from tools.words.clocks import clock_gap, is_clock_time
from tools.words.text import AMOUNT, NUM, PART, Unreadable, amount, is_fraction, is_mixed_alone

DAY = 24 * 60.0
YEAR = 365.25 * DAY
_UNITS = (  # minutes of each unit; a month is a twelfth of a year
    (1 / 60, r"s|secs?|seconds?|sekunden?|secondes?|秒钟?|segundos?"),
    (1.0, r"m|mins?|mn|minutes?|minuten|分钟?|minutos?|minut[ioya]?|minuut|dakika|dk|'"),
    (15.0, r"刻钟|kwartier(?:en)?|kwadrans[ey]?"),
    (60.0, r"h|hrs?|hours?|stunden?|stund|stdn?|heures?|个?小时|个?钟头|horas?|or[ae]|uur|uren|godzin[yęa]?|saat|时間"),
    (DAY, r"d|days?|tage?n?|jours?|天|日|d[ií]as?|giorn[oi]|dag(?:en)?|dni|dzień|gün"),
    (7 * DAY, r"wks?|weeks?|wochen?|semaines?|周|个?(?:星期|礼拜)|semanas?|settiman[ae]|weken"
              r"|tydzień|tygodni[ea]?|hafta"),
    (14 * DAY, r"fortnights?"),
    (YEAR / 12, r"mos?|mths?|months?|monate?n?|mois|个?月|mes|meses|mes[ei]|mês|maand(?:en)?|miesi[ąę]c\w*|ay"),
    (YEAR, r"y|yrs?|years?|jahre?n?|ans?|années?|年|años?|ann[oi]|anos?|jaar|jaren|roku?|lata?|yıl"),
    (10 * YEAR, r"decades?|jahrzehnte?|décennies?|décadas?"),
    (100 * YEAR, r"centur(?:y|ies)|jahrhunderte?|siècles?|siglos?|世纪"),
)
_QUARTER = (YEAR / 4, r"quarters?|quartale?n?|trimestres?|个?季度")  # only where years are asked for
UNIT = "(?:" + "|".join(words for _, words in _UNITS) + ")"
_HOURS = r"(?:h|std|stunden?|heures?|hours?|hrs?|horas?|小时)"
_BY = r"(?:by|until|till?|before|at|bis|um|gegen|vor|à|jusqu'à|avant|vers|hasta|a las)"
_ARTICLE = r"(?:an?|1|the|next|another|one|full|whole|una?|uma?|een|één)"
_OF = r"(?: of)?(?: an?(?= )| 1(?= )| d'une?(?= )| d'| einer(?= )| de una?(?= )| de(?= hora))?"
_PLURAL = r"(?<=[a-zà-ÿß])s(?![a-zà-ÿß])"  # of "3 quarters": no seconds
_MORE = r"full|solid|whole|more|further|additional|extra|weitere[nr]?"
_HOUR_AND = re.compile(r"(?:hour|stunde|heure) (?:and|n|&|und|et) (?=\d)")  # "hour and ten minutes"
_FARTHEST = 2000  # times the next unit: "1.5 years, 30 min" are two spans of time
_JOIN = r"(?:, ?(?:and )?| and | und | et | y | e | en | i | )"


def _step(unit: str) -> re.Pattern:
    return re.compile(rf"(?:({AMOUNT}){_OF} ?(?:(?:{_MORE}) )?|((?:{_ARTICLE} )*))(?!{_PLURAL})({unit})"
                      rf"(?:'s?|(?<=[dhrn])\.(?= ?\d))?(?![a-zà-ſ])"
                      rf"(?: (?:(?:and|n|&|und|et|y|e|en|i) |(?=[13] quarts?\b))"
                      rf"(?:an? |1 |le |un |een )?((?:\d )?{PART})s?(?![^\W\d]))?")


_STEP, _STEP_YEARS = _step(UNIT), _step(f"(?:{UNIT}|{_QUARTER[1]})")


def minutes(form: str) -> float | None:
    """Minutes: "40", "1h30", "an hour and a half", "half an hour", "7:30, it is 6:50 now" (the time between)."""
    if re.fullmatch(rf"{_BY} \d{{1,2}}(?: ?h(?:eures?)?)?(?: ?\d\d)?", form):
        raise Unreadable("a single clock time needs the present time beside it")
    if m := re.fullmatch(rf"(\d{{1,3}}|an?) ?{_HOURS} ?(?:(?:and|und|et|y) )?(\d\d?)(?: ?(?:m|min|分钟?))?"
                         rf"|(\d{{1,3}}):(\d\d) ?{_HOURS}", form):
        hour, minute = m[1] or m[3], int(m[2] or m[4])
        return 60.0 * (int(hour) if hour.isdigit() else 1) + minute if minute < 60 else None
    if re.fullmatch(r"0\d{3}(?: ?(?:hours|hrs|h))?", form):
        raise Unreadable("a single clock time needs the present time beside it")
    if re.fullmatch(NUM, form):
        return amount(form)
    if (span := _span(form)) is not None:
        return span
    if is_clock_time(form):
        raise Unreadable("a single clock time needs the present time beside it")
    return clock_gap(form)


def years(form: str) -> float | None:
    """Years: "10", "18 months", "a decade", "half a year", "26 weeks"."""
    if re.fullmatch(NUM, form) or is_mixed_alone(form):
        return amount(form)
    if m := re.fullmatch(r"(\d{1,2}) ?y(?:rs?)?,? ?(\d{1,2}) ?m(?:ths?|os?)?", form):  # "2y6m"
        return int(m[1]) + int(m[2]) / 12
    if re.fullmatch(r"(?:this time )?next year", form):
        return 1.0
    if re.search(r"\d ?m\b", form):
        return None  # minutes or months
    span = _span(form, _STEP_YEARS)
    return None if span is None else span / YEAR


def _span(form: str, steps: re.Pattern = _STEP) -> float | None:
    """Minutes of "2 h 30 min", "three quarters of an hour", "a year and a half"; None when anything is left over."""
    if m := re.fullmatch(r"(.+) less (.+)", form):  # "an hour less five minutes"
        whole, less = _span(m[1], steps), None if m[2].isdigit() else _span(m[2], steps)
        return None if whole is None or less is None or less >= whole else whole - less
    form = re.sub(r"(\d)(年|个?小时|时間|个?月|天)半$", r"\1.5\2", form)
    form = re.sub(r"\b(?:an? |1 )?couple(?: of)? (?=[a-z])", "2 ", form)
    form = re.sub(r"\b(?:an? |1 )?dozen (?=[a-z])", "12 ", form)
    form = re.sub(r"(\d)(?:个)?半(?=个?[小钟]|[年天月])", r"\1.5", form)
    total, at, sizes = 0.0, 0, []
    while at < len(form):
        step = steps.match(form, at)
        if step is None or not (step[1] or step[2] or step[4] or _HOUR_AND.match(form, at)):
            return None
        if step[1] and not is_fraction(step[1]) and re.match(" an? ", form[step.end(1):]):
            return None  # "five a week" is no span of time
        size = _size(step[3])
        total += (amount(step[1]) if step[1] else 1.0) * size + (amount(step[4]) if step[4] else 0.0) * size
        sizes.append(size)
        join = re.compile(_JOIN).match(form, step.end())
        if join and "," in join[0] and not step[1]:
            return None  # "not quite an hour, 55 minutes" says one span twice
        at = join.end() if join and join.end() < len(form) else step.end()
        if at == step.end() < len(form) and not form[at].isdigit():
            return None
    return total if sizes and all(b < a < _FARTHEST * b for a, b in zip(sizes, sizes[1:], strict=False)) else None


def _size(word: str) -> float:
    return next(size for size, words in (*_UNITS, _QUARTER) if re.fullmatch(words, word))
