"""Percent, state of health, temperature, current, C-rate, millivolt and count from a person's words.

Each reader takes one folded form (see `tools.words.text.forms`) and returns the canonical value, or None
where the form is not wholly of that kind. The few unit factors are exact by definition and need no library
(importing one costs half a second).
"""

import re

from tools.words.text import AMOUNT, NUM, Unreadable, amount, is_fraction, is_lone_part, is_mixed, number, one_line

PERCENT = one_line(r"""(?:%|percents?|perc\.?|per ?(?:cent|100)|percentage|pct|p\.? ?c\.?
    |proz(?:ent)?\.?|procent\w?|pour (?:100|cent)
    |por (?:ciento|cento|100))""")
_FULL = one_line(r"""(?:(?:(?:completely|totally|right|all the way|ganz) )?(?:full|voll|up full)
    |(?:all the way |right )?(?:up )?to the top|all the way up|fully(?: charged)?
    |completely(?: charged)?|full (?:charge|battery|depth|swing|capacity)|(?:to )?(?:the )?brim(?: ?full?|med)?
    |be at the top|fill(?:ed|ing)?(?: up)?|topped (?:up|off)|vollständig|randvoll|voll?ladung|(?:à )?ras bord
    |(?:au )?plein|pleine|à bloc|充?满电?|llen[oa])""")
_EMPTY = one_line(r"""(?:(?:(?:completely|totally|ganz) )?(?:empty|flat|dead|discharged|leer(?:e[nrms]?)?)
    |fully discharged|bone dry|drained
    |vide|à plat|没电|空|vací[oa])""")
_STATE = r"(?: (?:full|charged|voll|geladen|pleine?|chargée?)| (?:of )?(?:a )?charge| depth| deep)?"
_DEPTH = r"(?:dod|depth(?: of discharge)?|entladetiefe)"
_FULL_HOUR = (" full", " voll", " plein", " pleine")  # "by half past four full", "um fünf voll" are no percentages
_CAPACITY = one_line(r"""(?:(?: (?:of|on|in|from|der|von|an|seiner|ihrer|de|du|des|sa|la|leurs?|ses|su
    |its|the|their|our|original
    |initial|new|rated|nominal))* ?(?:capacity|kapazität|capacité|capacidad|health|soh|的?容量))?""")
_LOST = one_line(r"""(?:lost|gone|fade|faded|loss|capacity loss|capacity fade|degradation|degraded|wear|down
    |missing|used up|less capacity|verloren|verlust|kapazitätsverlust|weg|perdue?s?|perdid[oa]s?
    |de pérdida|de perte|perte|en moins|衰减
    |损失|的容量衰减)""")
_LOSING = one_line(r"""(?:a |hat )?(?:capacity )?(?:lost|losing|loses|lose|faded(?: by)?|fade(?: of| by)?|fading by
    |loss of|a loss of|down(?: by)?|degraded(?: by)?|degradation of|missing|short of|verlor|verlust von
    |(?:(?:han? )?(?:perdido|perso)|perdió|perdeu|pérdida de)(?: (?:el|il|un|1)(?= ))?|perdu(?:es?|s)?
    |perte de(?: capacité de)?|(?:衰减|损失)(?:了|超过|达到?|约)?)""")
_SAID_MORE = (r"(?:about |around |roughly |some |more than |less than |over |already |at least |nearly |almost "
              r"|etwa |rund |mehr als |mindestens |fast |environ |plus (?:de |d' ?)|au moins |près de |presque )?")


def percent(form: str) -> float | None:
    """Percent: "20 %", "twenty", "half", "three quarters", "full"; a bare 0.2 stays 0.2."""
    if re.fullmatch(_FULL, form):
        return 100.0
    if re.fullmatch(_EMPTY, form):
        return 0.0
    if m := re.fullmatch(rf"(?:{_DEPTH}(?: of|:| ?=)? )?([01]?[.,]\d+)(?: {_DEPTH})?", form):
        part = number(m[1])  # "0.6 DoD": of nothing else is a bare 0.6 surely a fraction
        return 100 * part if part <= 1 and m[0] != m[1] else part
    if m := re.fullmatch(rf"(-?)({AMOUNT}) ?{PERCENT}", form):
        return _signed(m[1], amount(m[2]))
    if re.fullmatch(r"(?:a )?half empty|halb ?leer|halbvoll", form):
        return 50.0
    if m := re.fullmatch(rf"%({NUM})", form):  # Turkish
        return number(m[1])
    if m := re.fullmatch(rf"({AMOUNT}) ?{PERCENT} and (?:an? |1 )?half", form):
        return amount(m[1]) + 0.5
    if (m := re.fullmatch(rf"({AMOUNT})({_STATE})", form)) and form != "1 charge":
        if m[2] in _FULL_HOUR and re.fullmatch(r"0?[.,]\d+", m[1]):
            return 100 * number(m[1])  # "0.4 full"
        return None if m[2] in _FULL_HOUR and not is_fraction(m[1]) else _share(m[1])
    if re.fullmatch("1?半[满充]?", form):
        return 50.0
    return None


def _share(text: str) -> float | None:
    if not is_fraction(text):
        return number(text)
    if (m := re.search(r"/ ?(\d+)$", text)) and int(m[1]) > 10:
        return None  # "20/80" is a span between two charges, not a quarter
    if is_mixed(text):
        return amount(text) if amount(text) >= 2 else None  # "81 and a half", but 1 1/2 may be 1.5 or 150
    return 100 * amount(text)


def soh(form: str) -> float | None:
    """Health in percent: as percent, or what was lost ("lost a fifth" 80); a bare 0.5 to 1.1 is a fraction of new."""
    if re.fullmatch(r"(?:brand |as |like |as good as |factory )?(?:new|fresh)|(?:fabrik|brand)?neu|全新", form):
        return 100.0
    lost = rf"(?:hat )?({AMOUNT} ?{PERCENT}?){_CAPACITY} ?(?:is |are |has |have |been |already )*{_LOST}"
    if m := re.fullmatch(lost + _CAPACITY, form):
        return _left(m[1])
    if m := re.fullmatch(rf"{_LOSING} ?{_SAID_MORE}({AMOUNT} ?{PERCENT}?){_CAPACITY}(?: verloren)?", form):
        return _left(m[1])
    worn = rf"(?:worn|aged|wear)(?: by| of)? ?{_SAID_MORE}({AMOUNT} ?{PERCENT})|({AMOUNT} ?{PERCENT}) (?:worn|aged)"
    if m := re.fullmatch(worn, form):
        left = _left(m[1] or m[2])
        if left is None or left >= 50:
            return left
        raise Unreadable("it may be what was lost or what is left")
    left = rf"(?:容量剩余?)?({AMOUNT} ?{PERCENT}?){_CAPACITY} ?(?:left|remaining|übrig|restante?s?|剩余)?"
    if m := re.fullmatch(left, form):
        form = m[1].strip()
    if re.fullmatch(r"[01]?[.,]\d+", form) and 0.5 <= number(form) <= 1.1:
        return 100 * number(form)
    return percent(form)


def _left(lost: str) -> float | None:
    value = percent(lost.strip())
    return None if value is None else 100 - value


_UNDER = one_line(r"""(?:below|under|sub|unter|sous|bajo|sotto|abaixo de|onder|poniżej|en dessous de|au dessous de
    |minus|negativ[oi]s?)""")
_SHOWING = r"(?:(?:and|it|is|it's|shows|reads|says|at|of|the|thermometer|temperature) )*"


_FROST = r"of frost|frost|kälte"


def celsius(form: str) -> float | None:
    """degC: "12 degrees", "-5 °C", "90 F", "300 K", "five below zero", "freezing point", "room temperature"."""
    if re.fullmatch(r"(?:freezing(?: point)?|gefrierpunkt|ice bath|below freezing|(?:sub ?|below )(?:zero|0)"
                    r"|bajo (?:cero|0)|point de congélation|冰点|零下)", form):
        return 0.0
    if re.fullmatch(r"room temp(?:erature)?|raumtemperatur|zimmertemperatur|température ambiante|室温", form):
        return 25.0
    degree = (r"(?: ?(?:°|deg|degs?\.?|degrees?|grad|degrés?|grados?|grad[io]|graus?|graden|graad|stopni[ea]?|stopień"
              r"|derece|度|摄氏|华氏))?")
    scale = r"(?: ?(?:°? ?(c|celsius|centigrad[ei]|centígrados|f|fahrenheit|k|kelvins?)|(摄氏度|华氏度?)))?"
    below = (rf"(?: ({_UNDER}|{_FROST}|above|over|plus|über|au dessus de)"
             r"(?: (?:zero|cero|0|freezing|null|nul|zera|zéro|0°))?)?")
    if m := re.fullmatch(rf"(?:in |degrees )?(celsius|fahrenheit)[ ,:]*{_SHOWING}([-+]?{NUM})", form):
        form = f"{m[2]} {m[1]}"
    form = re.sub(rf"^below (?:zero|0|freezing) by ({AMOUNT})( degrees?)?$", r"\1 degrees below 0", form)
    form = re.sub(r"(°|deg|degrees?|grad|degrés?) ?\((c|f|celsius|fahrenheit)$", r"\1 \2", form)
    form = re.sub("^(摄氏|华氏)([-+])", r"\2\1", form)
    form = re.sub(rf"^([-+]?{NUM})( (?:degrees?|grad)) and (?:an? |1 )?half\b", r"\1 and half\2", form)
    m = re.fullmatch(rf"([-+]?)(摄氏|华氏)?({AMOUNT})({degree}{scale}){below}", form)
    if m is None or is_lone_part(m[3]) and not (m[4] and re.search("hal[fb]|demi|media", m[3])):
        return None
    value, unit = _signed(m[1], amount(m[3])), (m[5] or m[6] or m[2] or "c")[0]
    if m[7] and re.fullmatch(f"{_UNDER}|{_FROST}", m[7]):
        if unit not in "c摄" or value <= 0:
            return None
        value = -value
    if unit in "f华":
        return (value - 32) / 1.8
    return value - 273.15 if unit == "k" else value


def _signed(sign: str | None, value: float) -> float:
    return -value if sign == "-" else value


_AMPERES = one_line(r"""(?:milli ?|kilo ?|m|k)?(?:a|amps?|amp[eè]res?|amperios?)|安培?|毫安|千安""")
_AMPERE_FACTORS = {"m": 1e-3, "毫": 1e-3, "k": 1e3, "千": 1e3}


def ampere(form: str) -> float | None:
    """A: "5 A", "500 mA", "1.2 kA", "five amperes", "an amp and a half"."""
    if m := re.fullmatch(rf"(?:an?|({NUM})) (amps?|amp[eè]res?) (?:and|et|und) (?:an? |1 )?(?:half|demie?|halbe?[sn]?)",
                         form):
        form = f"{m[1] or 1} and half {m[2]}"
    m = re.fullmatch(rf"({AMOUNT})(?: ?(?:of )?(?:an? )?({_AMPERES}))?", form)
    if m and (m[2] or not is_lone_part(m[1])):
        return amount(m[1]) * _AMPERE_FACTORS.get((m[2] or "a")[0], 1.0)
    if c_rate(form) is not None:
        raise Unreadable("it is a C-rate: give it as c_rate, or give a current such as 5 A")
    return None


def c_rate(form: str) -> float | None:
    """C-rate (1/h): "0.5C", "C/3", "half C", "a third of C", "C over 5", "C-Rate von 0,5"."""
    rate = r"(?:c(?: ?rates?)?|rate)(?: ?倍率)?"
    if re.fullmatch(r"(?:an? |1 )?(?:full|whole) c", form):
        return 1.0
    if m := re.fullmatch(rf"(?:an? )?c ?(?:/|over|by|durch|sur|geteilt durch|divided by) ?({NUM})", form):
        return 1 / number(m[1]) if number(m[1]) else None
    if m := re.fullmatch(rf"({AMOUNT})(?: of)?(?: an?)? ?个?(?:{rate}|倍率)", form):
        return amount(m[1])
    if m := re.fullmatch(rf"(?:c ?rate|倍率)(?: ?(?:of|von|de|at|is|=|:|为))? ?({AMOUNT}) ?c?", form):
        return amount(m[1])
    if m := re.fullmatch(rf"({AMOUNT}) (?:times|x|mal|fois) (?:the )?c(?: rate)?", form):
        return amount(m[1])
    if re.fullmatch(NUM, form):
        return number(form)
    if re.fullmatch(rf"{NUM} ?(?:m|k|milli)?(?:a|amps?|amperes?)", form):
        raise Unreadable("it is a current: give it as current_a, or give a C-rate such as 0.5C")
    return None


def millivolt(form: str) -> float | None:
    """mV: "30 mV", "0.03 V", "thirty millivolts"."""
    m = re.fullmatch(rf"({AMOUNT}) ?(?:of )?(?:an? )?(mv|milli ?volts?|毫伏|v|volts?|伏特?)?\+?", form)
    if m is None or not m[2] and is_lone_part(m[1]):
        return None
    return amount(m[1]) * (1000.0 if m[2] and m[2][0] in "v伏" else 1.0)


def count(form: str) -> float | None:
    """A whole number: "5", "top ten", "half a dozen", "the single worst" (1)."""
    if re.fullmatch(r"(?:the |1 )*single(?: (?:\w+est|worst|best))?", form):
        return 1.0
    form = re.sub("^halbe[ns]? ", "half ", form)
    if m := re.fullmatch(r"(?:(an?|1|half(?: an?)?|\d+) )?(?:dozen|dutzend|douzaine|couple|pair|paar)", form):
        size = 2 if form.endswith(("couple", "pair", "paar")) else 12
        times = {"half": 0.5, "a": 1, "an": 1}.get((m[1] or "a").split()[0])
        return size * (float(m[1]) if times is None else times)
    if m := re.fullmatch(r"(?:(?:1|une) )?(dizaine|quinzaine|vingtaine)", form):
        return {"dizaine": 10.0, "quinzaine": 15.0, "vingtaine": 20.0}[m[1]]
    if re.fullmatch(r"\d{1,6}(?:\.0)?", form):
        return float(form)
    m = re.fullmatch(r"(\d{1,6}) ?[个块只つ]", form)
    return float(m[1]) if m else None
