"""Cycles per week from habits: "twice a day", "every other day", "300 cycles a year", "on weekdays"."""

import re

from tools.words.text import AMOUNT, NUM, amount, is_lone_part, one_line

_A_YEAR = 7 / 365.25  # times a year, in times a week
_PER_WEEK = (
    (7.0, r"days?|nights?|tage?|nacht|jours?|nuits?|天|日|晚|d[ií]as?|giorn[oi]|dag(?:en)?|dzień|gün"),
    (1.0, r"wks?|weeks?|woche|semaines?|周|个?(?:星期|礼拜)|semanas?|settimana|tydzień|hafta"),
    (0.5, r"fortnights?"),
    (12 * _A_YEAR, r"months?|monat|mois|个?月|mes(?:es)?|mese|mês|maand"),
    (_A_YEAR, r"yrs?|years?|jahr|ans?|année|年|años?|anno|anos?|jaar|rok"),
)
_ADVERBS = (
    (7.0, r"daily|nightly|t(?:ä|ae)glich(?:e[nmrs]?)?|quotidien(?:ne)?s?(?:ment)?|a diario|diariamente|dagelijks"
          r"|dziennie"),
    (1.0, r"weekly|w(?:ö|oe)chentlich(?:e[nmrs]?)?|hebdomadaires?"),
    (0.5, r"fortnightly"),
    (12 * _A_YEAR, r"monthly|monatlich"),
    (_A_YEAR, r"yearly|annually|j(?:ä|ae)hrlich"),
)
_PERIOD = "(?:" + "|".join(words for _, words in _PER_WEEK) + ")"
_ADVERB = "(?:" + "|".join(words for _, words in _ADVERBS) + ")"
_CYCLES = one_line(r"""(?: ?(?:times?|x|mal|fois|veces|次|个循环|full|complete|equivalent|deep|shallow|charging|charge
    |cycles?
    |cyc|charges|trips?|rides?|fahrten|trajets?
    |cargas?|recargas?|volt[ae]|vezes|keer|razy|回|zyklen|zyklus|ladungen|vollzyklen|recharges?|ciclos?|turns?|runs))*""")
_EACH = one_line(r"""(?:an?|per|/|each(?: single)?|ev[ey]?ry(?: single)?|pro|die|am|im|je|jeden?|par|la|le|chaque|cada
    |tous les|por|al|alla|ao|à|na|a la|每)""")
_WEEKDAYS = one_line(r"""(?:every |each |jeden )*(?:(?:week|work|work |working |business )days?|werktags?|an werktagen
    |jours ouvrés|工作日|周1到周5|mon(?:day)?s? (?:to|through|till|until|-) fri(?:day)?s?|montags? bis freitags?
    |(?:du )?lundi (?:à|au) vendredi|mon[- ]fri|mo[- ]fr)(?: only)?""")
_NAMED_DAY = one_line(r"""(?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?|(?:mon|diens|donners|frei|sams|sonn)tags?
    |mittwochs?
    |lundis?|mardis?|mercredis?|jeudis?|vendredis?|samedis?|dimanches?)""")
_PART_OF_DAY = r"(?:evenings?|mornings?|afternoons?|abend|morgen|soirs?|matins?|noche|tarde|mañana)"
_HOURS = r"(?:hours?|hrs?|h|stunden|heures|horas|个?小时)"
# "to 90 every evening" is how full it gets, not how often: nothing is charged so often a day.
_MOST_A_DAY = 12
_EVERY_DAY = re.compile(rf"({NUM}) (?:(?:every|each|jeden?|chaque|tous les|toutes les|cada)(?: single)? (?:\d|other|2nd"
                        rf"|{_PART_OF_DAY}|{_WEEKDAYS}|{_PER_WEEK[0][1]}|{_PER_WEEK[1][1]})|{_ADVERBS[0][1]}"
                        rf"|(?:an?|per|pro|par|am) (?:{_PER_WEEK[0][1]}))\b")
_PER_LETTER = re.compile(r"(?<=[\dxsecnl]) ?/ ?([dwya])$")  # "2 cyc/d"
_LETTERS = {"d": " per day", "w": " per week", "y": " per year", "a": " per year"}
_TIMES = {"once": "1 times", "twice": "2 times", "thrice": "3 times"}


def cycles_per_week(form: str) -> float | None:
    """Cycles per week: "5", "twice a day", "every other day", "300 cycles a year", "weekdays", "每天两次"."""
    form = re.sub(rf"^({NUM}) half (?=(?:charge |discharge )?cycles\b)", r"\1 ", form)  # their depth is the half
    if (m := _EVERY_DAY.match(form)) and amount(m[1]) > _MOST_A_DAY:
        return None
    form = _PER_LETTER.sub(lambda m: _LETTERS[m[1]], form)
    form = re.sub(r"\b(?:once|twice|thrice)\b", lambda m: _TIMES[m[0]], form)
    if m := re.fullmatch(rf"({AMOUNT}){_CYCLES}(?: altogether| in total)?", form):
        return None if is_lone_part(m[1]) else amount(m[1])
    if m := re.fullmatch(rf"(?:(.+?),? )??(?:(\d) days? {_EACH} ?(?:wk|week)|({_WEEKDAYS})|(7) days)", form):
        days = float(m[2] or m[4] or 5)
        if m[1] not in ("every", "each"):  # "every 7 days" is once a week
            return days if not m[1] else _times_days(m[1], days)
    if re.fullmatch(rf"(?:{_NAMED_DAY})(?:(?:,| and|,? und| et)? ?(?:{_NAMED_DAY}))*(?: only)?", form):
        return float(len(re.findall(_NAMED_DAY, form)))
    return _rate(form)


def _times_days(per_day: str, days: float) -> float | None:
    if m := re.fullmatch(r"([1-3]) times on", per_day):
        return int(m[1]) * days  # "twice on weekdays"
    rate = _rate(per_day.removesuffix(" on").strip(" ,"))
    return None if rate is None or rate % 7 else rate / 7 * days


def _rate(form: str) -> float | None:
    n = rf"(?:(?:({AMOUNT})(?: an?)?|an? ){_CYCLES} ?|{_CYCLES} ?)"
    if m := re.fullmatch(rf"{n}(?:every|each|jeden?) (?:other|2(?:nd|\.)) ({_PERIOD})|{n}un? jour sur 2"
                         rf"|{n}1 jour sur 2|{n}隔天(?:1次)?", form):
        return _per(m[2] or "day") / 2
    if m := re.fullmatch(rf"{n}(?:every|alle|tous les|cada|每) ?({NUM})(?:rd|th)? ?({_PERIOD})(?:1次)?", form):
        return _per(m[3]) / amount(m[2]) * _times(m[1]) if amount(m[2]) else None
    if m := re.fullmatch(rf"{n}(?:every|alle|toutes les|cada|每) ?({NUM}) ?{_HOURS}", form):
        return 168.0 / amount(m[2]) * _times(m[1]) if amount(m[2]) else None
    if m := re.fullmatch(rf"({AMOUNT}) (?:times|cycles|charges|x|mal|fois) in ({NUM}) ({_PERIOD})", form):
        return amount(m[1]) * _per(m[3]) / amount(m[2]) if amount(m[2]) else None  # "once in ten days"
    if m := re.fullmatch(rf"{n}(?:every|each|jeden?|chaque|tous les|cada)(?: single)? {_PART_OF_DAY}", form):
        return _times(m[1]) * 7.0
    if m := re.fullmatch(rf"{n}(?:altogether |in total )?{_EACH} ?({_PERIOD})", form):
        return _times(m[1]) * _per(m[2])
    if m := re.fullmatch(rf"{n}({_ADVERB})", form):
        return _times(m[1]) * _adverb(m[2])
    if m := re.fullmatch(rf"({AMOUNT}) ({_ADVERB}){_CYCLES}", form):
        return amount(m[1]) * _adverb(m[2])
    if m := re.fullmatch(rf"(?:jeden|jede) ({_PERIOD}) ({AMOUNT}){_CYCLES}", form):
        return _times(m[2]) * _per(m[1])  # "jeden Tag zweimal"
    if m := re.fullmatch(rf"(?:每|1)?(半|{NUM})({_PERIOD})才?(?:循环|充电|充)?1次", form):
        every = 0.5 if m[1] == "半" else amount(m[1])
        return _per(m[2]) / every if every else None
    if m := re.fullmatch(rf"(?:每|1|天)个?({_PERIOD})(?:(?:循环|充电|充|换电?)?({NUM})(?:次|回|个循环)?"
                         rf"(?:循环|充电|电)?)?", form):
        return _times(m[2]) * _per(m[1])
    return None


def _times(text: str | None) -> float:
    return amount(text) if text else 1.0


def _per(word: str) -> float:
    return next(rate for rate, words in _PER_WEEK if re.fullmatch(words, word))


def _adverb(word: str) -> float:
    return next(rate for rate, words in _ADVERBS if re.fullmatch(words, word))
