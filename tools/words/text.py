"""Folding of written text, number words to digits, and amounts such as "two and a half" or "3/4".

Number words come from text2num (English, German, French); Chinese numerals, vulgar fractions and the
decimal comma are read here because it does not know them.
"""

import re
import unicodedata
from functools import lru_cache


def one_line(pattern: str) -> str:
    """A regular expression written over several lines, without the line breaks and their indentation."""
    return "".join(line.strip("\n").lstrip() for line in pattern.splitlines())


NUM = r"(?:\d+(?:[.,]\d+)*|[.,]\d+)"
_PARTS = {
    "half": 1 / 2, "halves": 1 / 2, "halb": 1 / 2, "halbe": 1 / 2, "halber": 1 / 2, "halbes": 1 / 2, "halben": 1 / 2,
    "hälfte": 1 / 2, "demi": 1 / 2, "demie": 1 / 2, "moitié": 1 / 2, "半": 1 / 2, "mitad": 1 / 2, "media": 1 / 2,
    "medio": 1 / 2, "drittel": 1 / 3, "tiers": 1 / 3, "tercio": 1 / 3, "tercios": 1 / 3,
    "quarter": 1 / 4, "quarters": 1 / 4, "fourth": 1 / 4, "fourths": 1 / 4,
    "viertel": 1 / 4, "quart": 1 / 4, "quarts": 1 / 4, "dreiviertel": 3 / 4, "fünftel": 1 / 5, "zehntel": 1 / 10,
    "dritteln": 1 / 3, "vierteln": 1 / 4, "fünfteln": 1 / 5, "zehnteln": 1 / 10, "cuarto": 1 / 4, "cuartos": 1 / 4,
    "mezzo": 1 / 2, "mezza": 1 / 2, "meio": 1 / 2, "meia": 1 / 2, "metade": 1 / 2, "halve": 1 / 2, "helft": 1 / 2,
    "kwart": 1 / 4, "pół": 1 / 2, "yarım": 1 / 2, "çeyrek": 1 / 4,
    "hundertstel": 1 / 100, "tausendstel": 1 / 1000, "fuenftel": 1 / 5, "fuenfteln": 1 / 5, "hälfti": 1 / 2,
    "haelfte": 1 / 2, "moitie": 1 / 2, "sechstel": 1 / 6, "sechsteln": 1 / 6, "siebtel": 1 / 7, "siebteln": 1 / 7,
    "achtel": 1 / 8, "achteln": 1 / 8, "neuntel": 1 / 9, "neunteln": 1 / 9,
}
PART = rf"(?:{'|'.join(sorted(_PARTS, key=len, reverse=True))}|\d+(?:rd|th)s?|\d+i?ème?s?|\d+º)(?!s\b)"
_AND = r"(?:and|n|'n|&|und|et|y|e|en|i)"
# The order matters: a mixed number before its whole part, a counted part before a bare one.
_MIXED = rf"(?:{NUM} \d+/\d+|{NUM} {_AND} (?:an? |1 |{NUM} )?{PART})"
AMOUNT = (rf"(?:{_MIXED}|{NUM}/{NUM}|{NUM} ?个?{PART}"
          rf"|(?:an? |la |die |der )?{PART}(?! (?:past|vor|nach|to|over|voor)\b)|{NUM})")
_SIGNS = str.maketrans({"−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "’": "'", "‘": "'", "′": "'", "´": "'",
                        "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "×": "x", "⁄": "/", "。": ".", "、": ","})
# Traditional characters of the words that are read; 時間 keeps its second one, as it is Japanese for an hour.
_TRADITIONAL = str.maketrans(
    "個時鐘鍾兩點華攝電號單體環節週減損餘滿沒溫護壽傷趕盡儘現當會這兒後內裡從對約過於達衛顧適輕緊別著數顆塊為傳開車離總還樣導檢歲無線禮該讓給壓",
    "个时钟钟两点华摄电号单体环节周减损余满没温护寿伤赶尽尽现当会这儿后内里从对约过于达卫顾适轻紧别着数颗块为传开车离总还样导检岁无线礼该让给压")
_CHINESE = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_TENS = {"十": 10, "百": 100, "千": 1000}
_HYPHEN = re.compile(r"(?<!\bup)(?<=[^\W\d_一-鿿])-(?=\w)|(?<=\d)-(?=[^\W\d_])")
LANGUAGES = ("en", "de", "fr")
# Other languages are read where one of their own words stands: not "once" (English), "due" (English) or "sei" (German).
_OTHER_LANGUAGES = {language: re.compile(one_line(words)) for language, words in {
    "es": r"""\b(?:cero|uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|doce|trece|catorce|quince|dieci\w+|veint\w+
    |treinta|cuarenta|cincuenta|sesenta|setenta|ochenta|noventa|cien|ciento)\b""",
    "it": r"""\b(?:tre|quattro|cinque|sette|dieci|undici|dodici|tredici|quattordici|quindici|sedici|dicia\w+|diciotto
    |venti(?!l)\w*|ventuno|ventotto|trent[aou]\w*|quarant[aou]\w*|cinquant[aou]\w*|sessant[aou]\w*|settant[aou]\w*|ottant[aou]\w*
    |novant[aou]\w*|cento|volt[ae]|gradi|ore|ora|minuti|giorni|settimane|mesi|anni)\b""",
    "pt": r"""\b(?:dois|duas|três|quatro|sete|oito|nove|dez|doze|treze|catorze|dez[ae]sseis|dez[ae]ssete|dezoito
    |dez[ae]nove|vinte|trinta|quarenta|cinquenta|sessenta|setenta|oitenta|noventa|cem|uma|graus|meia)\b""",
    "nl": r"""\b(?:een|één|twee|drie|vijf|zes|zeven|negen|twaalf|dertien|veertien|vijftien|zestien|zeventien|achttien
    |negentien|\w*twintig|\w*dertig|\w*veertig|\w*vijftig|\w*zestig|\w*zeventig|\w*tachtig|\w*negentig|honderd\w*
    |graden|uur|uren|procent|kwartier)\b|\btien(?= minuten\b)|\w[eë]nhalf\b""",
}.items()}
# Unit words that a slip of the pen must not turn into a number without its unit ("90 farenheit").
_SPELT = one_line(
    """degree degrees celsius fahrenheit percent minute minutes minuten minutos hour hours heure heures horas stunde
     stunden month months monat monate monaten weeks woche wochen semaine semaines semana semanas years jahre jahren
     années ampere amperes ampère ampères amperios milliamps millivolt millivolts volts volte volta cycle cycles kelvin
     decade decades century prozent grados""").split()
# Number words as they are often misspelt or written without an umlaut; the number reader knows "fourty".
_SLIPS = {"ninty": "ninety", "ninteen": "nineteen", "eigthy": "eighty", "eigthteen": "eighteen", "fivty": "fifty",
          "fiveteen": "fifteen", "thirthy": "thirty", "thrity": "thirty", "twentie": "twenty", "fuenf": "fünf",
          "fuenfzig": "fünfzig", "fuenfzehn": "fünfzehn", "zwoelf": "zwölf", "tweny": "twenty", "twelf": "twelve",
          "fivteen": "fifteen", "sevnty": "seventy", "eigty": "eighty", "nintey": "ninety"}
_SLIP = re.compile(rf"\b(?:{'|'.join(_SLIPS)})(?=\b|und)")
_ENGLISH_PARTS = re.compile(r"\b(hundred|thousand)(ths?)\b")  # "four hundredths" is not a four-hundredth
# "zweidrittel" is two words to the number reader; "dreiviertel" also starts a time of the day.
_GLUED_PARTS = re.compile(r"\b(?!dreiviertel)(ein|zwei|drei|vier|fünf|fuenf|sechs|sieben|acht|neun)"
                          r"((?:drit|vier|fünf|fuenf|sechs|sieb|ach|neun|zehn)teln?)\b")
_YEARS_TO_COME = re.compile(r"\b(\w{3,})jahres(?:vertrag|garantie|plan|frist|leasing|miete)s?\b")
_WORD_AFTER_NUMBER = re.compile(r"(?<=\d )[^\W\d_]{5,}|(?<=\d)[^\W\d_]{6,}|(?<=half an )[^\W\d_]{4,}")


class Unreadable(ValueError):
    """These words hold no single value; the message says why when there is more to say than that."""


def fold(text: str) -> str:
    """Lower case, compatibility forms, one kind of dash, quote and space; no outer quotes or closing punctuation."""
    if not text.isascii():
        text = "".join(_vulgar(c) for c in text.replace("，", ", ").replace("º", "°").replace("˚", "°"))
        text = simplified(unicodedata.normalize("NFKC", text)).translate(_SIGNS)
        text = re.sub(r"(?<=[A-Za-z])(?=[一-鿿])", " ", text)
    text = _HYPHEN.sub(" ", text.lower()) if "-" in text else text.lower()
    text = " ".join(text.split()).strip("\"`*,;!?").rstrip(".").strip()
    return text[1:-1] if len(text) > 2 and text[0] == text[-1] == "'" else text


def simplified(text: str) -> str:
    """Simplified characters for traditional ones, one for one: positions in the text stay."""
    return text if text.isascii() else text.translate(_TRADITIONAL)


def _vulgar(character: str) -> str:
    parts = unicodedata.decomposition(character).split()
    if parts[:1] != ["<fraction>"]:
        return character
    return " " + "".join(chr(int(p, 16)) for p in parts[1:]) + " "


@lru_cache(maxsize=65536)
def forms(text: str) -> tuple[str, ...]:
    """The folded text with number words as digits, once for every language that reads it differently."""
    folded = _SLIP.sub(lambda m: _SLIPS[m[0]], _chinese_numbers(fold(text)))
    if not re.search(r"[^\W\d_]{2}", folded):
        return (_tidy(folded),)
    languages = (*LANGUAGES, *(name for name, words in _OTHER_LANGUAGES.items() if words.search(folded)))
    digits = [_digits(folded, language) for language in languages]
    words = [set(re.findall(r"[^\W\d_]+", text)) for text in digits]
    # "twenty-nine to six" is not French although six is: a language that leaves more number words does not count.
    return tuple(dict.fromkeys(_tidy(text) for text, left in zip(digits, words, strict=True)
                               if not any(other < left for other in words)))


def _digits(text: str, language: str) -> str:
    from text_to_num import alpha2digit

    if language == "de":
        text = re.sub(r"\b(?:anderthalb|eineinhalb)", "1.5", text)
        text = re.sub(r"(\w+)einhalb", r"\1 komma fünf", text)
        text = re.sub(r"\b(ein|zwei|drei|vier|fünf)einviertel", r"\1 komma zwei fünf", text)
        text = re.sub(r"\b(ein|zwei|drei|vier|fünf)dreiviertel", r"\1 komma sieben fünf", text)
        text = re.sub(r"\b(\w+)mal\b", r"\1 mal", text)
        text = _YEARS_TO_COME.sub(r"\1 jahre", _GLUED_PARTS.sub(r"\1 \2", text))
        text = re.sub(r"\beine[rnms]?\b", "ein", text)
    if language == "en":
        text = re.sub(r"\ba (?=(?:hundred|thousand)\b)", "one ", text)  # "a hundred and four" is one number
        text = _ENGLISH_PARTS.sub(lambda m: ("100" if m[1] == "hundred" else "1000") + m[2], text)
    if language == "es":  # the number reader takes these for ordinals
        text = re.sub(r"\bcuarto(s?)\b", r"quart\1", re.sub(r"\btercios?\b", "tiers", text))
    if language == "it":
        text = re.sub(r"\bmezz'(?=ora\b)", "mezza ", re.sub(r"\bun'(?=ora\b)", "1 ", text))
    if language == "nl":
        text = re.sub(r"\b(\w+?)[eë]nhalf\b", r"\1 komma vijf", re.sub(r"\banderhalf\b", "1.5", text))
    if language == "fr":  # "dix et quatre-vingt-dix" are two numbers; only "vingt et un" and "soixante et onze" are one
        text = re.sub(r"\bd'(?=une? )", "d' ", re.sub(r"(?<=[a-z])ieme(?=s?\b)", "ième", text))
        apart = re.sub(r"\bet (?!une?\b|onze\b)", "et_ ", re.sub(r"\bcentième", "100ème", text))
        return alpha2digit(apart, language, 0).replace("et_ ", "et ")
    return alpha2digit(text, language, 0)


def _tidy(text: str) -> str:
    text = re.sub(r"(\d+) (?:point|komma|virgule|comma|coma) (\d+)", r"\1.\2", text)
    text = re.sub(r"(?:(?<=\bsoh )|(?<=\bhealth )|(?<=\bsoc )|(?<=\bat )|^)point (\d(?: \d)*)\b",
                  lambda m: "0." + m[1].replace(" ", ""), text)
    text = re.sub(r"\ban? (?=100\b|1000\b)", "", text)
    text = re.sub(r"\bplus (?=\d)", "+", text)
    text = re.sub(r"(?<=\d) ?ish\b", "", text)
    text = re.sub(r"\bbir (?=(?:saat|buçuk|gün|hafta|ay|yıl)\b)", "1 ", text)
    if not text.isascii():
        text = re.sub(r"(\d+) buçuk\b", r"\1.5", text)
        text = re.sub(r"(?:\bsıfırın altında |マイナス|氷点下|负)(?=\d)", "-", re.sub(r"\bpółtorej\b", "1.5", text))
    text = _WORD_AFTER_NUMBER.sub(lambda m: _spelt(m[0]), text)
    text = re.sub(r"^- (?=\d)", "-", text)
    minus = (r"(?<!\bau )(?<!\bal )\b(?:minus|negative|neg|moins|menos|meno|eksi|min(?= [\d.,]+ gra(?:den|ad)\b))"
             r" (?=[\d.])")
    return re.sub(minus, "-", text)


@lru_cache(maxsize=4096)
def _spelt(word: str) -> str:
    """The unit word that this one is but for one slip (two in a long one); else the word itself."""
    from rapidfuzz.distance import OSA

    if word in _SPELT:
        return word
    slips = {unit: OSA.distance(word, unit) for unit in _SPELT if unit[0] == word[0]}
    near = min(slips, key=slips.get, default=word)
    return near if slips.get(near, 9) <= 1 + (len(near) > 8) else word


def _chinese_numbers(text: str) -> str:
    """八十五 -> 85, 三点五 -> 3.5, 百分之八十 -> 80%, 三分之一 -> 1/3, 八成 -> 80%, 三点四十 -> 3点40."""
    if text.isascii():
        return text
    numeral = "[零一二三四五六七八九〇两十百千]+"
    text = re.sub("[俩仨](?=个?(?:小时|钟头|月|星期|礼拜))", lambda m: "2个" if m[0] == "俩" else "3个", text)
    text = re.sub(rf"零下(?=[\d.]|{numeral})", "-", text)
    text = re.sub(rf"百分之({numeral}(?:点{numeral})?|[\d.]+)", lambda m: f"{_chinese(m[1])}%", text)
    text = re.sub(rf"({numeral})分之({numeral})", lambda m: f"{_chinese(m[2])}/{_chinese(m[1])}", text)
    text = re.sub(r"(?<![\d十])([一二两三四五六七八九1-9])成"
                  r"([一二三四五六七八九半1-9](?![零一二三四五六七八九十百千点\d.小分度安伏毫天个年月周次号成%a-z]))?(?![员功本立为交])",
                  lambda m: f"{_digit(m[1])}{_digit(m[2] or '零')}%", text)
    # "三点四十", "两点五分" and "三点一刻" are times of the day, "三点四" and "两点五分钟" numbers.
    decimals = r"(?:点[零一二三四五六七八九〇]+(?![零一二三四五六七八九〇十百千]|刻|分(?!钟|之)))?"
    return re.sub(rf"(?<!\d){numeral}{decimals}(?!\d)", lambda m: _chinese(m[0]), text)


def _digit(character: str) -> str:
    return "5" if character == "半" else str(_CHINESE.get(character, character))


def _chinese(numeral: str) -> str:
    whole, _, decimals = numeral.partition("点")
    if re.fullmatch(r"[\d.]*", whole):
        return numeral
    tail = "." + "".join(str(_CHINESE[c]) for c in decimals if c in _CHINESE) if decimals else ""
    if not any(c in _TENS for c in whole):
        return "".join(str(_CHINESE[c]) for c in whole) + tail
    total, digit = 0, None
    for c in whole:
        if c in _TENS:
            total, digit = total + (1 if digit is None else digit) * _TENS[c], None
        else:
            digit = _CHINESE[c]
    return str(total + (digit or 0)) + tail


def number(text: str) -> float:
    """A decimal number with point or comma; raises Unreadable where a comma may mean either."""
    if re.fullmatch(r"\d{1,3}(?:,\d{3}){2,}|[1-9]\d{0,2}(?:,\d{3})+\.\d+", text):
        return float(text.replace(",", ""))
    if re.fullmatch(r"[1-9]\d{0,2},\d{3}", text):
        plain = text.replace(",", "")
        raise Unreadable(f"{text} can mean {plain} or {text.replace(',', '.')}: write it without the comma")
    plain = text.replace(",", ".")
    if plain.count(".") > 1 or len(plain) > 15:
        raise Unreadable(f"{text[:20]} is not a number")
    return float(plain)


def amount(text: str) -> float:
    """The value of an AMOUNT: "40", "3/4", "2 1/2", "two and a half", "a third", "three quarters"."""
    if m := re.fullmatch(rf"({NUM}) (\d+)/(\d+)", text):
        return number(m[1]) + _ratio(m[2], m[3])
    if m := re.fullmatch(rf"({NUM})/({NUM})", text):
        return _ratio(m[1], m[2])
    if m := re.fullmatch(rf"({NUM}) {_AND} (?:an? |1 |({NUM}) )?({PART})", text):
        return number(m[1]) + (number(m[2]) if m[2] else 1) * _part(m[3])
    if m := re.fullmatch(rf"(?:({NUM}) ?个?|an? |la |die |der )?({PART})", text):
        return (number(m[1]) if m[1] else 1) * _part(m[2])
    return number(text)


def is_fraction(text: str) -> bool:
    """Whether an AMOUNT is written as a part of a whole and not as a number."""
    return bool(re.search(PART + "|/", text))


def is_lone_part(text: str) -> bool:
    """Whether an AMOUNT is only a part, such as "half" or "a tenth": no value of a unit that is not said."""
    return is_fraction(text) and not is_mixed(text)


def is_mixed(text: str) -> bool:
    """Whether an AMOUNT is a whole number and a part, such as "81 and a half"."""
    return bool(re.match(rf"{NUM} (?:\d+/|{_AND} )", text))


def is_mixed_alone(form: str) -> bool:
    """Whether a form is such an AMOUNT and nothing else: "seven and a half"."""
    return bool(re.fullmatch(_MIXED, form))


def _part(word: str) -> float:
    if word in _PARTS:
        return _PARTS[word]
    n = int(re.match(r"\d+", word)[0][:4])
    if n < 3:
        raise Unreadable(f"{word} is not a fraction")
    return 1 / n


def _ratio(top: str, bottom: str) -> float:
    if number(bottom) == 0:
        raise Unreadable("a division by zero")
    return number(top) / number(bottom)
