"""Where the value of an argument comes from: a person's words or an earlier result. What has no source is not used."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tools.contract import quantity_of
from tools.errors import BadArgument
from tools.words import reading
from tools.words.spans import UNIT_AFTER, is_bare, locate, same, spans
from tools.words.text import AMOUNT, fold, forms, one_line
from tools.words.turns import apart, cell_named

__all__ = ["locate", "spans", "unsaid"]

_SUFFIX = {  # how a result's field of the quantity ends
    "percent": "percent", "soh": "percent", "celsius": "_c", "ampere": "_a", "c_rate": "c_rate", "minutes": "_min",
    "years": "years", "millivolt": "_mv", "cycles_per_week": "per_week", "count": "",
}
_SEVERAL_UNITS = ("celsius", "minutes", "years", "ampere", "millivolt")
_SURELY_MINUTES = 15  # a bare number this large is no number of hours, even after "in two hours"
SUPERLATIVE = re.compile(one_line(
    r"""\b(?!rest|test|forest|request|latest|past|last|first)\w+est\b|\b(?:most|least|worst|best|champion|single)\b
    |\b(?:bigg?|hott?|low|high|larg|cold|warm|weak|strong|old|short|long|small)(?:ist|ets)\b
    |\b(?!existe)\w{3,}[sß]te[rsnm]?\b|\btops\b|\bat the (?:very )?(?:top|bottom)\b|\b(?:the|a) record\b
    |\b(?:le|la) (?:(?:plus|moins|mieux)\b|[+-] (?=[^\W\d_]))|\bcel(?:ui|le)\b.*\bles (?:plus|moins|mieux)\b
    |\bthe less (?:\w+ed|worn|healthy|full|hot|warm|cold|old)\b
    |(?<!\d)(?<!\d )\b(?:max|min)(?:imum|imal)?\.? (?:of )?(?:the )?(?:cycles?|spread|temp(?:erature)?|so[ch]|charge
    |health|wear|gap|imbalance|fade)\b(?! ?(?:above|over|below|under|of|is|limit|allowed|rate|current|voltage|[\d<>=]))
    |meilleure?|pire|最|一番|\b(?:(?:el|la|il|o|a) |l')(?:\w+ )?
    (?:más|più|mais|menos?) (?!d[eio]\b|que\b)\w+\b(?! (?:que|pos\w+)\b| d[eo] \d)
    |\b(?:el|la|il|o|a) (?:peor|mejor|peggiore?|miglior|pior|melhor)|\bnaj\w+sz(?:y|a|e|ego|ej|ym|ą)\b
    |\ben (?:sıcak|soğuk|zayıf|güçlü|eski|yeni|kötü|iyi|düşük|yüksek|büyük|küçük|dolu|boş
    |sağlıklı)\b"""), re.IGNORECASE)
TWICE_HALF = re.compile(one_line(
    r"""\b(?:double|halve|(?:twice|half)(?: of)? (?:that|the|this|as|it)|doppelt\w*|halb so|die hälfte|deux fois plus
    |moitié moins)\b|一半|两倍"""), re.IGNORECASE)
MORE_LESS = re.compile(one_line(
    r"""\b(?:add|another|(?:more|less|fewer|longer|shorter|later)(?! than)|plus|minus|on top|shift|raise
    |(?:degrees?|grad) (?:colder|warmer|hotter|cooler|kälter|wärmer)(?! (?:than|als)\b)
    |increase|lower|reduce|extend\w*|up by|down by|mehr|weniger|länger|kürzer|de plus|de moins|encore)\b
    |[再多少]"""), re.IGNORECASE)
_PRIORITY_WORDS = {
    "fastest": one_line(
        r"""fast|quick|asap|hurry|rush|speed|soon|record|short|min(?:imum|imal)?\.? time|least time|time[- ]optimal
        |flat[- ]out\b(?! of)|full (?:tilt|throttle)
        |for time|time (?:as|is) the only|no time|little time|pronto|rapid|hasty|haste|urgent
        |schnell|eilig|eile|\beilt\b|zügig|flott|kürzest|vite|rapide|press|rápid|快|赶|急|抓紧|尽早
        |cuanto antes|antes posible|(?:con|tengo|hay) prisa|veloc[ei]\b|velocemente|prima possibile|al più presto|fretta
        |depressa|quanto antes|snel(?!l)|haast|spoed|szybk|najszybciej|pośpie|pilne|hızlı|acele\b|çabuk|早く|急速"""),
    "longest_life": one_line(
        r"""gentl|protect|preserv|life|longev|care|kind|soft|mild|sparing|spare|slow|healthiest|least|hurt|wear|age\b
        |aging|ageing|old(?!uğ)|young|damage|degrad|harm|last(?:s|ed|ing)?\b|live|surviv|suffer|pamper|long as|durab
        |baby|\b(?:be|is) nice to\b
        |conserv|stress|easy on|(?:battery|cell|pack)[- ]?friendly|look(?:ing)? after (?:it|her|him|them)\b
        |(?:that|which|it|barely|hardly) ages\b|sav(?:e|es|ing) (?:the|my|our|its|this|that) (?:batter|cell|pack)
        |leiden|schadet|ab[iî]m|sans (?:la |le |l')?(?:forcer|brusquer|pousser|fatiguer)|menag|duree de vie
        |fai(?:re|s|tes) l(?:a |e |es |')durer
        |batteriefreundlich|geschont|schonung|longév|faire durer|que dure\b
        |\w*schonend|altern|leb(?:t|en)|hält|halten|schon|sanft|lebensdauer|ménag|douce
        |doux|durée de vie|préserv|cuida|vida|温和|轻柔|柔和|悠着|别太猛|保护|寿命|不着急|慢|伤
        |suave|proteg|delicat|dolcemente|poup[ae]|voorzichtig|ontzie|levensduur|zachtjes|delikatn|oszczędza|ochron|chronić
        |żywotno|nazik|korumak|koruyarak|ömr|wenig(?:er|st\w*)? verschlei[sß]|verschlei[sß](?:arm|frei)
        |vieilli(?:sse|r) bien
        |\bdur(?:e|ent|er)(?: plus)? longtemps|(?:doi(?:t|vent)|veut qu\w* .{0,30}) ?dur(?:er|e|ent)\b|sin forzar
        |con suavidad
        |用得?久|多[活用]几年|延寿|優しく|やさしく|長持ち|いたわ"""),
    "balanced": one_line(
        r"""balanc|compromis|middle|mid[- ]?way|half ?way|in[- ]between|something between|golden mean|trade
        |neither|not too|equal|weigh|same weight
        |between (?:the )?(?:\w+ )?(?:speed|haste|time|wear|life|longevity|care|ageing|aging|fast|gentle) and\b
        |zwischen (?:tempo|eile|schnell\w*|schonung|schonend\w*|lebensdauer) und\b
        |entre (?:la )?(?:vitesse|rapidité|usure|longévité|durée de vie) et\b
        |medium|moderate|both time|both speed|mittel|ausgewogen|kompromiss|équilibr|ni .* ni
        |均衡|平衡|折中|适中|兼顾|取个?中间
        |equilibr|(?:término|punto) medio|via di mezzo|compromesso|meio[- ]termo|balans|evenwicht|middenweg|zrównoważ
        |dengeli|バランス"""),
}


def unsaid(raw: Mapping[str, Any], canonical: Mapping[str, Any], model, conversation: Sequence[str],
           earlier_results: Sequence[Any]) -> list[str]:
    """Names of the arguments whose value stands neither in the conversation nor in an earlier result.

    `raw` are the arguments as the language model wrote them, `canonical` the same after `tools.words.canonical`,
    `conversation` the texts that count as sources, oldest first: best the person's own turns alone, as what a tool
    said comes with `earlier_results`. Sorting, fault and document-kind arguments and queries always pass.
    Raises BadArgument for a number without a unit where the person last used another unit for such values.
    """
    texts = [text for text in conversation if text]
    for name, words in raw.items():
        if name in canonical:
            _refuse_lost_unit(name, words, canonical[name], quantity_of(model.model_fields[name]), texts)
    return [name for name, value in canonical.items()
            if not _said(name, raw.get(name), value, quantity_of(model.model_fields[name]), texts, earlier_results)
            and not _in_results(value, quantity_of(model.model_fields[name]), earlier_results)]


def _said(name: str, words: Any, value: Any, quantity: str | None, texts: Sequence[str],
          results: Sequence[Any] = ()) -> bool:
    if quantity is None:
        return name != "priority" or priority_said(value, texts)
    if quantity == "query":
        return True
    if quantity == "cell_model":
        return _cell_said(value, texts)
    if quantity == "site":
        return _site_said(value, texts)
    if any(same(v, value) for text in texts for _, _, v in spans(text, quantity)):
        return True
    if quantity == "asset_id":
        return any(_stands_in(fold(str(words)), text) for text in texts) or bool(texts) and (
            apart(value, quantity, texts) is not None or _cell_of_pack_in_results(value, texts, results))
    if quantity == "count" and value == 1 and any(SUPERLATIVE.search(text) for text in texts):
        return True
    return apart(value, quantity, texts) is not None or _derived(name, value, quantity, texts)


def _stands_in(phrase: str, text: str) -> bool:
    """The phrase stands in the text as whole words and without a unit behind it."""
    folded = fold(text)
    return bool(phrase) and any(not UNIT_AFTER.match(folded, m.end())
                                for m in re.finditer(rf"(?<![\w.,/-]){re.escape(phrase)}(?!\w)", folded))


def _refuse_lost_unit(name: str, words: Any, value: Any, quantity: str | None, texts: Sequence[str]) -> None:
    """"Above 95 °F?" ... "and over 86?": 86 may be °F or °C, so it needs its unit."""
    if quantity not in _SEVERAL_UNITS or not _unitless(str(words)):
        return
    found = [(text[a:b], v) for text in texts for a, b, v in spans(text, quantity)]
    units = [(said, v) for said, v in found if not _unitless(said)]
    if quantity == "celsius" and not units:  # "it is in Fahrenheit and the display shows 50"
        units = [("50 " + m[0], 10.0) for text in texts if (m := re.search("fahrenheit|华氏", text, re.IGNORECASE))]
    bare = [v for said, v in found if _unitless(said)]
    if not units or any(same(v, value) for _, v in units) or not any(same(v, value) for v in bare):
        return
    unit = _foreign_unit(units[-1][0], quantity)
    if unit and not (quantity == "minutes" and value >= _SURELY_MINUTES):
        raise BadArgument(name, f"{name}: {words} has no unit, and the one used before is {unit!r}: "
                                f'write "{words} {unit}" if that is meant, else the number with its unit.')


def _unitless(words: str) -> bool:
    """A number alone, or with "degrees", which may be of either scale."""
    return is_bare(re.sub(r"(?<=\w) ?(?:°|deg|degrees?|grad|degrés?|grados?|度)$", "", fold(words)))


def _foreign_unit(said: str, quantity: str) -> str | None:
    """The unit word of "95 °F", "18 months" or "500 mA"; None where the number is in the canonical unit."""
    for form in forms(said):
        article = "|an?" if quantity == "minutes" else ""  # "18 times a week" is no number of years
        m = re.fullmatch(rf"(?:{AMOUNT}{article})(?: of)?(?: an?(?= ))? ?([^\d]+)", form)
        if m and reading(f"7 {m[1]}", quantity) not in (None, 7.0):
            return said[-len(m[1]):].strip()
    return None


def _cell_of_pack_in_results(asset_id: str, texts: Sequence[str], results: Sequence[Any]) -> bool:
    """"The hottest pack?" ... "cell 3 of it": the pack stands in a result, its cell in the question."""
    pack, _, cell = asset_id.rpartition("-C")
    return bool(pack) and _in_results(pack, "asset_id", results) and cell_named(int(cell), texts[-1])


def _derived(name: str, value: float, quantity: str, texts: Sequence[str]) -> bool:
    """Twice, half, more or less than what was said, where the last turn asks for that; a depth between two charges."""
    if not texts:
        return False
    said = {float(v) for text in texts for _, _, v in spans(text, quantity)}
    if TWICE_HALF.search(texts[-1]) and any(same(v * f, value) for v in said for f in (0.5, 2.0)):
        return True
    steps = {float(v) for _, _, v in spans(texts[-1], quantity)}
    if MORE_LESS.search(texts[-1]) and any(same(v + sign * s, value) for v in said for s in steps for sign in (1, -1)):
        return True
    return name.startswith("depth_of_discharge") and any(same(abs(a - b), value) for a in said for b in said if a != b)


def priority_said(priority: str, conversation: Sequence[str]) -> bool:
    """Whether the conversation asks for this priority in words."""
    words = _PRIORITY_WORDS.get(str(priority))
    at_word_start = rf"(?:\b|(?<=[぀-ヿ一-鿿])|(?=[぀-ヿ一-鿿]))(?:{words})"
    return words is None or any(re.search(at_word_start, fold(text)) for text in conversation)


def _cell_said(name: str, conversation: Sequence[str]) -> bool:
    """A cell type is said when one of its telling words is: a type number, or else any longer word."""
    words = re.findall(r"[^\W_]+", fold(name))
    telling = [w for w in words if re.search(r"\d", w) and len(w) > 1] or [w for w in words if len(w) > 2] or words
    return any(_word_said(word, text) for word in telling for text in conversation)


def _site_said(name: str, conversation: Sequence[str]) -> bool:
    words = re.findall(r"[^\W_]+", fold(name))
    return any(all(_word_said(word, text) for word in words) for text in conversation)


def _word_said(word: str, text: str) -> bool:
    """The word stands in the text, apart from spaces and dashes inside it, or a long one with a slip of the pen."""
    from rapidfuzz.fuzz import ratio

    spaced = r"[\W_]*".join(map(re.escape, word))
    folded = fold(text)
    if re.search(rf"(?<!\d){spaced}(?!\d|[^\W\d_一-鿿]{{2}})", folded):
        return True
    is_plain = len(word) >= 5 and word.isalpha()
    return is_plain and any(ratio(word, other) >= 85 for other in re.findall(r"[^\W_]+", folded))


def _in_results(value: Any, quantity: str | None, results: Sequence[Any]) -> bool:
    return quantity is not None and any(_in_result(value, quantity, "", result) for result in results)


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
