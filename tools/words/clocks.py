"""Clock times in words and digits, and the minutes between the present and a deadline."""

import re
from typing import NamedTuple

from tools.words.text import PART, Unreadable, one_line

DAY = 1440  # minutes


class Clock(NamedTuple):
    """A clock time in a form: where it stands, its minute of the day and how sure that is."""

    start: int
    end: int
    minute: int
    twelve_hour: bool = False  # twelve hours later may be meant as well
    digits: bool = False  # written like 4:45 or 16:45
    hourless: bool = False  # "quarter past": the minute of an hour that the other time tells


_MORNING = (r"in the (?:early )?morning|this morning|morgens|am (?:frühen )?morgen|am vormittag|früh|vormittags"
            r"|du matin|de la mañana|[凌早清]晨|早上|上午")
_LATER = (r"in the (?:afternoon|evening)|this (?:afternoon|evening)|nachmittags|abends"
          r"|am (?:späten |frühen )?(?:abend|nachmittag)"
          r"|de l'après midi|du soir|de la (?:tarde|noche)|中午|下午|傍晚|晚上")
_NIGHT = r"at night|tonight|nachts"
# "die acht am wenigsten", "um acht am Abend", "8 am Montag" are German.
GERMAN_AM = r"(?! (?:\w+sten|(?:frühen |späten )?\w*(?:morgen|mittag|abend|tag)|lader|netz|strom|tor|depot)\b)"
_PART = rf"(?: ?(?P<ap>[ap]\.?m\b\.?{GERMAN_AM})| (?P<part>{_MORNING}|{_LATER}|{_NIGHT})\b)"
_AFTER_LEAD = "(?:^|" + "|".join(f"(?<={word} )" for word in (
    "at", "by", "now", "is", "until", "till", "to", "and", "leaving", "departure", "it's", "from")) + ")"
_TO_MILITARY = r" ?(?:to|till?|until|-) ?(?:0\d|1\d|2[0-3])[0-5]\d\b"  # behind the first of two
MILITARY = (rf"(?:{_AFTER_LEAD}|(?<=[,.;:!?(] )(?=\d{{4}}{_TO_MILITARY}))"
            r"(?P<h>0\d|1\d(?=\d\d ?h)|2[0-3](?=\d\d ?h))(?P<m>[0-5]\d)\b(?: ?(?:hours|hrs|h)\b)?")
MILITARY_RANGE = re.compile(_TO_MILITARY, re.I)
_MINUTE_END = (r"\b(?! ?(?:%|°|pour|percent|prozent|(?:m?a|m?v|c|f)\b|grad|degr|deg|min|amp|volt|pack|batt|cell"
               r"|cycle|fois|ans?\b|mois|jour|[.,:/]\d))")
# "at half six" is British for 6:30; without an English word before it, it may be the Dutch 5:30.
_HALF_LEAD = "(?:" + "|".join(f"(?<={word} )" for word in (
    "at", "by", "until", "till", "before", "it's", "it is", "from", "now")) + ")"
_CLOCKS = tuple(re.compile(p) for p in (
    rf"(?P<h>\d{{1,2}})(?::| ?h ?)(?P<m>\d\d)(?!\d|[:.]\d)(?:{_PART}| ?uhr| ?h\b)?",
    rf"(?P<h>\d{{1,2}})\.(?P<m>\d\d)(?:{_PART}| ?uhr)",
    rf"(?P<h>\d{{1,2}}) uhr (?P<m>\d\d)\b{_PART}?",
    rf"(?:(?P<past>\d{{1,2}}) (?:minuten )?nach|(?P<to>\d{{1,2}}) (?:minuten )?vor) (?P<halb>halb) (?P<h>\d{{1,2}})\b"
    rf"{_PART}?",
    rf"{_HALF_LEAD}(?P<half>half) (?P<h>1[0-2]|[1-9]){_MINUTE_END}{_PART}?",
    rf"(?P<half>half past|demi) (?P<h>\d{{1,2}})\b{_PART}?",
    rf"(?P<dreiviertel>dreiviertel) (?P<h>\d{{1,2}})\b{_PART}?",
    rf"(?P<halb>halb) (?P<h>\d{{1,2}})\b{_PART}?",
    rf"(?P<qpast>(?:an? )?quarter (?:past|after)|viertel nach) (?P<h>\d{{1,2}})\b{_PART}?",
    rf"(?P<qto>(?:an? )?quarter (?:to|before|of)|viertel vor) (?P<h>\d{{1,2}})\b{_PART}?",
    rf"(?P<past>\d{{1,2}}) (?:minutes? |minuten )?(?:past|after|nach) (?P<h>\d{{1,2}})\b{_PART}?",
    rf"(?P<to>\d{{1,2}}) (?:minutes? |minuten )?(?:to|before|vor) (?P<h>1[0-2]|\d)\b(?! ?[%°\d]){_PART}?",
    one_line(rf"""(?P<h>\d{{1,2}}) ?heures?(?: (?P<m>\d\d)\b)?(?P<demie> et demie)?(?P<moins> moins le quart)?
    (?P<quart> et quart)?(?: -(?P<to>\d{{1,2}}){_MINUTE_END})?{_PART}?"""),
    rf"(?:(?P<noon>midi)|(?P<midnight>minuit))(?: (?P<m>\d\d?){_MINUTE_END}|(?P<demie> et demie?)|(?P<quart> et quart)"
    rf"|(?P<moins> moins le quart)| -(?P<to>\d\d?){_MINUTE_END})",
    rf"(?:(?P<part>{_MORNING}|{_LATER}) ?)?(?P<h>\d{{1,2}})点"
    r"(?:(?P<m>\d\d|\d(?=分))分?|(?P<demie>半)|(?P<quart>1刻)|(?P<dreiquart>3刻))?",
    rf"(?P<h>1[0-2]|[1-9]) (?P<m>[0-5]\d){_PART}",
    MILITARY,
    r"(?:(?<=il est )|(?<=à )|(?<=avant )|(?<=vers )|(?<=maintenant )|(?<=part a )|(?<=partir a ))"
    r"(?P<h>\d{1,2}) ?h\b",
    rf"(?P<h>\d{{1,2}}) ?(?:o'?clock|uhr|sharp\b){_PART}?",
    rf"(?P<h>\d{{1,2}}){_PART}",
    r"(?:12 (?:o'?clock )?)?(?:(?P<noon>noon|midday|midi|mittag)|(?P<midnight>midnight|minuit|mitternacht))",
))
SPACED_LEAD = re.compile(r"(?:\b(?:at|by|until|till?|before|it'?s|it is|now|says|reads|shows|um|bis) )$", re.I)
_HOURLESS = re.compile(r"(?:(?P<past>half|quarter|\d{1,2})(?: minutes?)? past|(?P<to>quarter|\d{1,2})(?: minutes?)? to)"
                       r"(?= ?(?:[,.;:!?]|$)| sharp\b| the hour\b)")

# Which time is the present: words before it and after it, the surest first.
_FILL = (r"(?: (?:is|ist|it'?s|it is|es ist|es|um|at|just|about|already|now|jetzt|actually|gone|only|exactly|around"
         r"|haben wir|wir haben|haben wir es|we have|in fact|time|the))*[ ,:]*$")
NOW_BEFORE = tuple(re.compile(rf"(?:{p}){_FILL}", re.I) for p in (
    one_line(r"""\bnow|\b(?:at )?present(?: time)?|at the moment|currently|\bcurrent time|\bjetzt|\bgerade|\bmomentan
    |\baktuell|\bderzeit|\bim moment|maintenant|actuellement|à présent|en ce moment|\bahora|en este momento|as of
    |as (?:i|we) (?:speak|write|type)|现在|目前|此刻|当前|这会儿|眼下"""),
    one_line(r"""\bit'?s|\bit is|\bit being|\bit has|\bjust gone
    |\bthe time(?: here)? is|\bthe time:|\buhrzeit(?: ist)?|\bwir haben|l'heure est|\bes ist|\bil est|\bson las|\bes la
    |\b(?:my|the) (?:clock|watch|phone)|\b(?:clock|watch|phone|bell|uhr|horloge|montre)(?: has| just)* (?:says|reads
    |shows|stands at|rang|rung|struck
    |zeigt|sagt|indique|marque|dit|affiche)"""),
    r"\bstill|\bimmer noch|\bencore"))
NOW_AFTER = tuple(re.compile(p, re.I) for p in (
    r" ?(?:right |just |ist es |haben wir |il est |es ist )?(?:now|jetzt|maintenant|ahora)\b|了",
    r" (?:it is|it's|ist es|haben wir(?: es)?)(?= ?(?:[,.;]|$))|,? (?:says|by|on|according to) (?:my|the|our) "
    r"(?:watch|clock|phone)\b",
    r",? (?:here|already|as (?:i|we) (?:speak|write|type))\b"))
_DEADLINE = re.compile(one_line(
    r"""\b(?:by|until|till?|before|no later than|bis|spätestens|jusqu'à|avant|hasta|for|due|ready|leav\w+|depart\w*
    |closes?|starts?|begins?|opens?|goes|rolls?|out)(?: (?:at|is|on|um|about|the|out|off|again))*[ ,:]*$"""), re.I)
_FROM_TO = re.compile(r" (?:to|till?|until|bis) ")
_TOMORROW = re.compile(r"\btomorrow\b|(?<!\bam )\bmorgen\b|\bdemain\b|\bmañana por\b|明天|\bday after\b")
_NO_UNIT = (rf"\b(?! ?(?:{PART}|%|°|percent|prozent|[a-z]{{1,2}}\b|deg|grad|min|hour|amp|volt|pack|cell|cycle|times"
            r"|years?|months?|weeks?|days?|[:.,/]\d))")
_SPACED = re.compile(rf"(?P<h>1[0-2]|[1-9]) (?P<m>[0-5]\d){_NO_UNIT}(?! ?\d)")  # "at eight thirty"
_BARE_HOUR = re.compile(r"(?:\bnow|\bgone|\bit'?s|\bit is|\bby|\bat|\buntil|\btill?|\bjetzt(?: ist?)?|\bum|\bbis"
                        rf"|\bil est|à) (?P<h>\d{{1,2}}){_NO_UNIT}")
# "seven forty-five out", "eight now", "eleven it goes": times beside another one.
_TRAILED = re.compile(r"(?:^|(?<=[ (]))(?P<h>1[0-2]|[1-9])(?:[ .](?P<m>[0-5]\d))?(?= (?:now|off|out(?! of)|away"
                      r"|at the latest|(?:it|she|he|i|we) (?:goes|go|flies|leaves?|departs?|rolls?))\b)")
_BARE_NOW = re.compile(rf"(?:\bnow|\bit'?s|\bit is|\bjetzt(?: ist)?)(?: now)? (?P<h>1[0-2]|[1-9]){_NO_UNIT}")
_UNTIL_BARE = re.compile(rf" (?:to|till?|until|bis|à) (?P<h>\d{{1,2}}){_NO_UNIT}")  # "midnight to five"
_BARE_DEADLINE = re.compile(rf"\b(?:by|until|till?|before|bis|(?:leav\w+|go(?:es|ing)?|depart\w*|out|off|ready|back"
                            rf"|due|starts?|begins?|opens?|closes?) at|(?:los|fertig|weg) um)"
                            rf" (?P<h>1[0-2]|[1-9]){_NO_UNIT}")


def clock_times(form: str) -> list[Clock]:
    """The clock times of a form, in order and without overlaps."""
    found: list[Clock] = []
    for pattern in (*_CLOCKS, _SPACED):
        for m in pattern.finditer(form):
            free = all(m.end() <= c.start or m.start() >= c.end for c in found)
            if free and _stands_free(m, form) and (clock := _clock(m)) is not None:
                found.append(clock)
    if len(found) < 2:
        found += _incomplete(form, found)
    return sorted(found)


def _stands_free(m: re.Match, form: str) -> bool:
    before = form[:m.start()]
    if m.re is _SPACED and before and not SPACED_LEAD.search(before):
        return False
    return not re.search(r"[a-zà-ÿ\d.:]$", before)


def _incomplete(form: str, found: list[Clock]) -> list[Clock]:
    """What is a time only beside another one: "quarter past" or a bare hour; two bare hours where both are marked."""
    if found:
        near = [_clock(m) for m in _HOURLESS.finditer(form) if m.end() <= found[0].start or m.start() >= found[0].end]
        hours = [m for m in _BARE_HOUR.finditer(form) if m.end() <= found[0].start or m.start() >= found[0].end]
        hours += [m for m in _TRAILED.finditer(form) if m.end() <= found[0].start or m.start() >= found[0].end]
        if not found[0].digits and (m := _UNTIL_BARE.match(form, found[0].end)):
            hours.append(m)
        return [c for c in near if c] or list({m.start("h"): _bare(m) for m in hours if int(m["h"]) <= 24}.values())
    present, deadline = _BARE_NOW.findall(form), _BARE_DEADLINE.findall(form)
    if len(present) != 1 or len(deadline) != 1:
        return []
    return [_bare(_BARE_NOW.search(form)), _bare(_BARE_DEADLINE.search(form))]


def _bare(m: re.Match) -> Clock:
    minute = m.groupdict().get("m")
    return Clock(m.start("h"), m.end("m" if minute else "h"), 60 * int(m["h"]) + int(minute or 0), int(m["h"]) <= 12)


def is_clock_time(form: str) -> bool:
    """Whether the form is one clock time and nothing else."""
    return [(c.start, c.end) for c in clock_times(form)] == [(0, len(form))]


def _clock(m: re.Match) -> Clock | None:
    g = m.groupdict()
    if m.re is _HOURLESS:
        words = g["past"] or g["to"]
        minute = {"half": 30, "quarter": 15}.get(words) or int(words)
        return Clock(*m.span(), minute if g["past"] else 60 - minute, hourless=True) if 0 < minute < 60 else None
    named = g.get("noon") or g.get("midnight")
    hour = int(g["h"]) if not named else 12 if g.get("noon") else 0
    minute = int(g.get("m") or 0) + int(g.get("past") or 0) - int(g.get("to") or 0)
    minute += 30 * bool(g.get("half") or g.get("demie")) - 30 * bool(g.get("halb")) - 15 * bool(g.get("dreiviertel"))
    minute += 45 * bool(g.get("dreiquart"))
    minute += 15 * bool(g.get("qpast") or g.get("quart")) - 15 * bool(g.get("qto") or g.get("moins"))
    part = g.get("ap") or g.get("part")
    if hour > 24 or not -60 < minute < 60 or g.get("ap") and not 1 <= hour <= 12:
        return None
    if part and hour <= 12:
        return Clock(*m.span(), (60 * (hour % 12 + 12 * _is_later(hour, part)) + minute) % DAY)
    sure = named or part or hour > 12 or g["h"].startswith("0")
    return Clock(*m.span(), (60 * hour + minute) % DAY, not sure, digits=bool(g.get("m") and not named))


def _is_later(hour: int, part: str) -> bool:
    """Whether the hour is one after noon: "3 pm", "nine at night", but "two at night" is not."""
    if re.fullmatch(_NIGHT, part):
        return 6 <= hour <= 11
    return part.startswith("p") or bool(re.fullmatch(_LATER, part))


def marks(form: str, times: list[Clock]) -> list[int]:
    """How surely each time is said to be the present: 3 "now", 2 "it's", 1 "still", 0 not at all.

    A mark between two times belongs to the one before it where a comma parts it from the second ("21:45 now,
    06:15"); without one, after both, Unreadable is raised.
    """
    sure = [0] * len(times)
    for i, clock in enumerate(times):
        start = times[i - 1].end if i else 0
        before = next((3 - k, m) for k, p in enumerate((*NOW_BEFORE, re.compile("$")))
                      if (m := p.search(form, start, clock.start)))
        if before[0] and i and (after := _after(form, times[i - 1])) and before[1].start() < after[1].end():
            apart = form[after[1].end():clock.start]
            if not re.search("[,.;]", apart):
                raise Unreadable("it is not clear which of the two times is the present")
            before = (0, None)
        after = _after(form, clock)
        sure[i] = max(before[0], after[0] if after else 0)
    return sure


def _after(form: str, clock: Clock) -> tuple[int, re.Match] | None:
    return next(((3 - k, m) for k, p in enumerate(NOW_AFTER) if (m := p.match(form, clock.end))), None)


def clock_gap(form: str) -> float | None:
    """Minutes from the present to the later of exactly two clock times, over midnight too.

    The present one is marked ("now", "it is", "the clock says"); without a mark the first is the start. Twelve-hour
    times take the shorter gap. Raises Unreadable where the present, the day or the half of the day is in doubt.
    """
    times = clock_times(form)
    if len(times) != 2:
        return None
    sure = marks(form, times)
    if _FROM_TO.fullmatch(form, times[0].end, times[1].start):
        sure = [1, 0]  # "6:30 to 7:20 it is"
    if sure[0] == sure[1] and (any(sure) or _DEADLINE.search(form, 0, times[0].start)
                               and not _DEADLINE.search(form, times[0].end, times[1].start)):
        raise Unreadable("it is not clear which of the two times is the present")
    first, last = times if sure[0] >= sure[1] else times[::-1]
    gap = _gap(first, last)
    if _TOMORROW.search(form) and (first.twelve_hour or last.minute >= first.minute):
        raise Unreadable("a time of tomorrow: say how many hours are left")
    return float(gap) if gap > 0 and (any(sure) or gap <= DAY / 2) else None


def _gap(first: Clock, last: Clock) -> int:
    if first.hourless or last.hourless:
        return (last.minute - first.minute) % 60
    gap = (last.minute - first.minute) % DAY
    if not first.twelve_hour and not last.twelve_hour or gap <= DAY / 2:
        return gap
    if first.digits and last.digits and first.twelve_hour != last.twelve_hour:
        raise Unreadable("one of the times may be in the morning or in the afternoon")
    return gap % (DAY // 2) or gap
