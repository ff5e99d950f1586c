"""Where the value of an argument comes from: a person's words or an earlier result. What has no source is not used.

`spans` finds everything in a text that reads as a quantity, `locate` the words that say one value, and
`unsaid` names the arguments of a call whose value was said nowhere.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from tools.contract import quantity_of
from tools.words import QUANTITIES, reading
from tools.words.durations import UNIT, clock_gap, is_clock_time
from tools.words.text import NUM, fold, forms

_MAX_CHARACTERS = 60  # of a string argument on the wire, see tools.contract
_LONGEST = 11  # tokens of the longest phrase: "thirty percent of its original capacity has been lost" is 9
_TOKEN = re.compile(r"\d+(?:[.,:]\d+)*|[一-鿿]|[^\W\d_一-鿿]+(?:['’][^\W\d_]+)*|[^\s\w]|_")
_BARE = re.compile(rf"[-+−–]?{NUM}")
# A number with one of these behind it belongs to that unit and is no bare number.
_UNIT_AFTER = re.compile(
    rf"[ -]?(?:%|percent|per cent|pct|prozent|pour cent|°|℃|℉|deg|grad|[ckf]\b|celsius|fahrenheit|kelvin|[mk]?a\b(?! (?:day|week|month|year|night))"
    rf"|amps?\b|ampere|ampère|[mk]?ah\b|m?v\b|volts?\b|millivolts?|milliamps?|k?wh?\b|m?ohms?\b|安|毫|伏|度|小时|分钟|个月|年|天|次"
    rf"|(?:{UNIT})\b|hour|minute|(?:\w+ )?(?:cycles?|times|x|mal|fois|charges)\b(?! ?[a-z]?\d)|cyc\b|号)", re.IGNORECASE)
_MARK_BEFORE = re.compile(r"(?:\b(?:now|it['’]?s|it is|currently|clock says|jetzt|es ist|maintenant|il est)\b|现在)[\w ]{0,12}$", re.IGNORECASE)
_MARK_AFTER = re.compile(r" ?(?:(?:right|just) )?(?:now|here|jetzt|maintenant)\b", re.IGNORECASE)
_BARE_HOUR = re.compile(r"\b(?:now|it['’]?s|it is|by|at|until|till|jetzt(?: ist?)?|um|bis|il est) \w+", re.IGNORECASE)
_SUFFIX = {  # how a result's field of the quantity ends
    "percent": "percent", "soh": "percent", "celsius": "_c", "ampere": "_a", "c_rate": "c_rate", "minutes": "_min",
    "years": "years", "millivolt": "_mv", "cycles_per_week": "per_week", "count": "",
}
_SUPERLATIVE = re.compile(r"\b(?!rest|test|forest|request|latest|past|last|first|least one)\w+est\b|\b(?:most|least|worst|best|champion|single)\b"
                          r"|\b\w{3,}ste[rsnm]?\b|\b(?:le|la) (?:plus|moins)\b|meilleure?|pire|最", re.IGNORECASE)
_TWICE_HALF = re.compile(r"\b(?:double|twice|half|halve|doppelte?|halb\w*|hälfte|moitié|double)\b|一半|两倍", re.IGNORECASE)
_MORE_LESS = re.compile(r"\b(?:add|another|more|less|fewer|plus|minus|on top|shift|raise|increase|lower|reduce|extend\w*|later|longer|shorter"
                        r"|up by|down by|mehr|weniger|länger|kürzer|de plus|de moins|encore)\b|[再多少]", re.IGNORECASE)
_PRIORITY_WORDS = {
    "fastest": (
        r"fast|quick|asap|hurry|rush|speed|soon|record|short|min(?:imum|imal)?\.? time|least time|time[- ]optimal|for time"
        r"|time (?:as|is) the only|pronto|rapid|hasty|haste|urgent|no time|little time|schnell|eilig|eile|zügig|flott|kürzest"
        r"|vite|rapide|press|rápid|快|赶|急|尽早"),
    "longest_life": (
        r"gentl|protect|preserv|life|longev|care|kind|soft|mild|sparing|spare|slow|healthiest|least|hurt|wear|age\b|aging|ageing"
        r"|old|young|damage|degrad|harm|last(?:s|ed|ing)?\b|live|surviv|suffer|pamper|long as|durab|baby|conserv|stress|schon"
        r"|sanft|lebensdauer|ménag|douce|doux|durée de vie|préserv|cuida|vida|温和|保护|寿命|不着急|慢|伤"),
    "balanced": (
        r"balanc|compromis|middle|in[- ]between|something between|trade|neither|not too|equal|weigh|same weight|medium|moderate"
        r"|mittel|ausgewogen|kompromiss|équilibr|ni .* ni |均衡|平衡|折中|适中|兼顾"),
}


def spans(text: str, quantity: str) -> Iterator[tuple[int, int, float | str]]:
    """(start, end, value) of every phrase of `text` that reads as the quantity and is part of no longer one."""
    yield from _spans(text, quantity)


@lru_cache(maxsize=4096)
def _spans(text: str, quantity: str) -> tuple[tuple[int, int, float | str], ...]:
    found = list(_windows(text, quantity))
    if quantity == "minutes":
        found += _clock_windows(text)
    longest = [f for f in found if not any(_within(f, other) for other in found)]
    if quantity != "asset_id" and longest:
        ids = [s for s in _spans(text, "asset_id")]
        longest = [f for f in longest if not any(a <= f[0] and f[1] <= b for a, b, _ in ids)]
    return tuple(sorted(longest))


def _within(inner: tuple, outer: tuple) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1] and outer[:2] != inner[:2]


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
    if _UNIT_AFTER.match(text, end) or re.match(r"[:.,/]\d|-\d{3}", text[end:]):
        return True
    return bool(re.search(r"(?:\w[-–/]|#|\d[.,:]|c over |c/ ?)$", text[:start], re.IGNORECASE)) and not re.search(r"\d-$|[^\W\d_]{2,}[/-]$", text[:start])


def _is_bare(words: str) -> bool:
    return any(_BARE.fullmatch(form) for form in forms(words))


def _is_cjk(character: str) -> bool:
    return "一" <= character <= "鿿"


def _clock_windows(text: str) -> Iterator[tuple[int, int, float]]:
    """Two neighbouring clock times, with the words beside them that tell which one is the present."""
    clocks = _clocks(text)
    for (a, b), (c, d) in zip(clocks, clocks[1:], strict=False):
        wide = text[max(0, a - 30):d + 15]
        said = _gap(wide) or _gap(text[a:d])
        left = _MARK_BEFORE.search(text[:a])
        right = _MARK_AFTER.match(text, d)
        starts = [a] + ([left.start()] if left else [])
        ends = [d] + ([right.end()] if right else [])
        fitting = [(s, e) for s in starts for e in ends if e - s <= _MAX_CHARACTERS and said and _gap(text[s:e]) == said]
        if fitting:
            yield *min(fitting, key=lambda w: w[1] - w[0]), said


def _clocks(text: str) -> list[tuple[int, int]]:
    tokens = [m.span() for m in _TOKEN.finditer(text)]
    found = [(a, b) for i, (a, _) in enumerate(tokens) if _may_start(text, a) for _, b in tokens[i:i + 6]
             if _may_end(text, b) and any(is_clock_time(form) for form in forms(text[a:b]))]
    found = [f for f in found if not any(_within(f, other) for other in found)]
    if len(found) == 1:  # the other may be a bare hour: "jetzt ist sieben", "by five"
        for m in _BARE_HOUR.finditer(text):
            if (m.end() <= found[0][0] or m.start() >= found[0][1]) and _gap(text[min(m.start(), found[0][0]):max(m.end(), found[0][1])]):
                return sorted([*found, m.span()])
    return sorted(found)


def _gap(text: str) -> float | None:
    return next((gap for form in forms(text) if (gap := clock_gap(form)) is not None), None)


def locate(text: str, value: float | str, quantity: str) -> str | None:
    """The words of `text` that `read` turns into `value` (within 0.01), with their unit; None where nobody said it."""
    found = [(a, b) for a, b, v in spans(text, quantity) if _same(v, value)]
    found.sort(key=lambda s: (_is_bare(text[s[0]:s[1]]), s[0]))
    return text[found[0][0]:found[0][1]] if found else None


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, str) or isinstance(b, str):
        return str(a).lower() == str(b).lower()
    return abs(a - b) <= max(0.01, 1e-4 * abs(b))


def unsaid(raw: Mapping[str, Any], canonical: Mapping[str, Any], model, conversation: Sequence[str],
           earlier_results: Sequence[Any]) -> list[str]:
    """Names of the arguments whose value stands neither in the conversation nor in an earlier result.

    `raw` are the arguments as the language model wrote them, `canonical` the same after `tools.words.canonical`,
    `conversation` the texts of all turns. Sorting, fault and document-kind arguments and queries always pass.
    """
    return [name for name, value in canonical.items()
            if not _said(name, raw.get(name), value, quantity_of(model.model_fields[name]), conversation, earlier_results)]


def _said(name: str, words: Any, value: Any, quantity: str | None, conversation: Sequence[str], results: Sequence[Any]) -> bool:
    if quantity is None:
        return name != "priority" or _priority_said(value, conversation)
    if quantity == "query":
        return True
    if quantity in ("cell_model", "site"):
        return _name_said(value, conversation) or _in_results(value, quantity, results)
    texts = [text for text in conversation if text]
    if any(_same(v, value) for text in texts for _, _, v in spans(text, quantity)):
        return True
    if quantity == "asset_id":
        return any(_stands_in(fold(str(words)), text) for text in texts) or _in_results(value, quantity, results)
    if quantity == "count" and value == 1 and any(_SUPERLATIVE.search(text) for text in texts):
        return True
    return _unit_corrected(words, texts) or _derived(value, quantity, texts) or _in_results(value, quantity, results)


def _stands_in(phrase: str, text: str) -> bool:
    return bool(phrase) and re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", fold(text)) is not None


def _unit_corrected(words: Any, texts: Sequence[str]) -> bool:
    """"10C" ... "amps, I meant": the number stands in an earlier turn and its unit alone in the last."""
    m = re.fullmatch(rf"({NUM}) ?([^\W\d]{{2,}})", fold(str(words)))
    if m is None or len(texts) < 2 or not _stands_in(m[2], texts[-1]):
        return False
    return any(re.search(rf"(?<![\w.,]){re.escape(m[1])}(?![\d.,])", fold(text)) for text in texts[:-1])


def _derived(value: float, quantity: str, texts: Sequence[str]) -> bool:
    """Twice, half, or a sum or difference of what was said, where the last turn asks for that."""
    if not texts:
        return False
    said = {float(v) for text in texts for _, _, v in spans(text, quantity)}
    if _TWICE_HALF.search(texts[-1]) and any(_same(v * f, value) for v in said for f in (0.5, 2.0)):
        return True
    steps = {float(v) for _, _, v in spans(texts[-1], quantity)}
    if _MORE_LESS.search(texts[-1]) and any(_same(v + sign * s, value) for v in said for s in steps for sign in (1, -1)):
        return True
    return quantity == "percent" and any(_same(abs(a - b), value) for a in said for b in said if a != b)


def _priority_said(priority: str, conversation: Sequence[str]) -> bool:
    pattern = _PRIORITY_WORDS.get(str(priority))
    return pattern is None or any(re.search(rf"(?:\b|(?<=[一-鿿])|(?=[一-鿿]))(?:{pattern})", fold(text)) for text in conversation)


def _name_said(name: str, conversation: Sequence[str]) -> bool:
    """A name is said when one of its telling words stands in a text: the type number, or else any long word."""
    from rapidfuzz.fuzz import partial_ratio

    words = re.findall(r"[^\W_]+", fold(name))
    telling = [w for w in words if any(c.isdigit() for c in w) and len(w) > 1] or [w for w in words if len(w) > 2] or words
    for text in conversation:
        compact = re.sub(r"[\W_]+", "", fold(text))
        if any(w in compact for w in telling):
            return True
        if any(len(w) >= 5 and not any(c.isdigit() for c in w) and partial_ratio(w, fold(text)) >= 85 for w in telling):
            return True
    return False


def _in_results(value: Any, quantity: str, results: Sequence[Any]) -> bool:
    return any(_in_result(value, quantity, "", result) for result in results)


def _in_result(value: Any, quantity: str, key: str, found: Any) -> bool:
    if isinstance(found, Mapping):
        return any(_in_result(value, quantity, str(k), v) or isinstance(value, str) and value.lower() == str(k).lower()
                   for k, v in found.items())
    if isinstance(found, list | tuple):
        return any(_in_result(value, quantity, key, v) for v in found)
    if isinstance(found, str):
        return isinstance(value, str) and value.lower() in found.lower()
    if isinstance(value, str) or isinstance(found, bool) or not isinstance(found, int | float):
        return False
    return key.endswith(_SUFFIX[quantity]) and any(abs(round(float(found), k) - value) < 1e-6 for k in range(5))


assert set(_SUFFIX) | {"asset_id"} == set(QUANTITIES)
