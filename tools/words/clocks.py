"""Clock times in words and digits, and the minutes between the present and a deadline."""

import re

from tools.words.text import one_line

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
_NOW_BEFORE = re.compile(one_line(
    r"""(?:\bnow|\bit'?s|\bit is|currently|clock says|\bjetzt|\bgerade|\bes ist|maintenant|il est|现在|at present)
    (?: (?:is|ist|es|um|at|just|about|already|now|actually|gone|only))*[ ,:]*$"""))
_NOW_AFTER = re.compile(r" ?(?:(?:right|just|here) )?(?:now|here|jetzt|maintenant|already)\b")
_BARE_HOUR = re.compile(one_line(
    r"""(?:\bnow|\bit'?s|\bit is|\bby|\bat|\buntil|\btill|\bjetzt(?: ist?)?|\bum|\bbis|\bil est|à) (?P<h>\d{1,2})\b
    (?! ?(?:%|°|percent|prozent|[a-z]{1,2}\b|deg|min|hour|amp|[:.]\d))"""))


def clock_times(form: str) -> list[tuple[int, int, int, bool]]:
    """(start, end, minute of day, whether 12 hours later is meant as well as may be), without overlaps."""
    found: list[tuple[int, int, int, bool]] = []
    for pattern in _CLOCKS:
        for m in pattern.finditer(form):
            free = all(m.end() <= a or m.start() >= b for a, b, _, _ in found)
            if free and not re.search(r"[a-zà-ÿ\d.:]$", form[:m.start()]) and (time := _minute_of_day(m)) is not None:
                found.append((m.start(), m.end(), *time))
    if len(found) == 1:
        taken = found[0]
        for m in _BARE_HOUR.finditer(form):
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
