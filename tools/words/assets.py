"""Asset ids in any writing: "pk 42", "pack forty-two", "cell 7 of pack 42", "42号电池包", "upload 3f9a"."""

import re

_NR = r"(?: ?(?:with )?(?:the )?(?:no|nr|num|number(?:ed)?|nummer|numéro|n°|nº|id|#|:|第)\.?)*[ _#:=.\"(-]*"
_PACK_WORD = (r"(?:the )?(?:pk|packs?|batt?|battery(?: ?packs?)?|unit|assets?|batteriepack|batterie|batería|bateria"
              r"|paquete|pila|akku(?: ?packs?)?|电池包|电池)")
_NUMBER_WORD = r"(?:(?:the |old )*(?:number|no\.|nummer|nr\.?|numéro|numero|número|n°|nº) ?|id ?[=:]? ?)"
_KIND = r"(?:(?:pack|battery|battery pack|cell|zelle|akku|batterie) )?"  # "pack PK-0042", "cell PK-0042-C07"
_PACK = rf"(?:#|p |{_KIND}{_PACK_WORD}{_NR}|{_NUMBER_WORD})(\d{{1,5}})(?:号)?"
_CHINESE_PACK = r"第?(\d{1,4}) ?号(?:电池包|电池|包)"
_CELL = rf"(?:(?:cell |zelle )?c|cell|zelle|cellule|celda|电芯){_NR}(\d{{1,3}})(?:号)?"
_COUNTED_CELL = (r"(?<!\d)第?(\d{1,3})(?:(?:号|节|个)?(?:电芯|单体)"
                 r"|(?:st|nd|rd|th|\.|e|ème|ª) (?:cell|zelle|cellule|celda))")
_OF = r"(?: ?(?:of|in|from|on|within|inside|von|vom|aus|im|in der|der|du|de la|del|de|dans|en|le|la|the|,|\(|-))* ?"
_ITS = r"(?:的|'s |(?:and |und |et |y )?(?:in it |there )?(?:the |its |die |deren |la |sa |su )?)"
_UPLOAD = (r"(?:(?:upload|file|the file) )?(?:up|uploads?|uploaded file|file|datei|fichier|上传)"
           r"(?: ?(?:id|no|nr)\.?)?([ _#:.-]*)([0-9a-f]{4,12})")
_HEX_WORDS = (r"abbe|abed|acceded?|aced|added|babe|bade|bead(?:ed)?|bedded|beef(?:ed)?|cafe|ceded?|dada|dabbed|dead"
              r"|deaf|decade|deed(?:ed)?|defaced?|ebbed|effaced?|facade|faced?|faded?|feed")


def asset_id(form: str) -> str | None:
    """PK-0042, PK-0042-C07 or UP-3f9a from one folded form; None when it names no asset."""
    pack = rf"(?:{_PACK}|{_CHINESE_PACK})"
    form = re.sub(r"(?<=^pk )(?=[\do]*\d)[\do]{4}\b", lambda m: m[0].replace("o", "0"), form)  # "PK-OO42"
    if m := re.fullmatch(rf"{pack}(?:[ ,:_/.(-]*{_ITS}(?:{_CELL}|{_COUNTED_CELL})\)?)?", form):
        return _pack(m[1] or m[2], m[3] or m[4])
    if m := re.fullmatch(rf"(?:{_CELL}|{_COUNTED_CELL}){_OF}{pack}", form):
        return _pack(m[3] or m[4], m[1] or m[2])
    if (m := re.fullmatch(_UPLOAD, form)) and (re.search(r"\d", m[2]) or "-" in m[1] or _is_code(m[1], m[2], form)):
        return f"UP-{m[2]}"
    return None


def spelt(form: str) -> str:
    """An id said in groups of digits, as "pack 3 11" or "pack 1 oh 5" of "pack three-eleven" and "pack one-oh-five"."""
    form = re.sub(r"\bdouble (oh?|\d)\b", r"\1 \1", form)
    form = re.sub(r"\boh?(?=(?: oh?)* \d)", "0", form)  # "pack oh oh 4 2"
    if m := re.fullmatch(r"(upload|file) ((?:[0-9a-f] ){3,11}[0-9a-f])", form):
        return f"{m[1]} {m[2].replace(' ', '')}"
    return re.sub(r"(?<=\d) (oh |o )?(?=\d)", lambda m: "0" if m[1] else "", form)


def in_words(words: str) -> bool:
    """Whether no number but that of a cell is in digits, as in "cell 12 of pack one-oh-five"."""
    return not re.search(r"\d", re.sub(r"^\W*(?:cell|zelle|cellule|celda) \d+\b", "", words, flags=re.IGNORECASE))


def _is_code(gap: str, letters: str, form: str) -> bool:
    """Whether hex letters without a digit are a code, as in "upload dbae", and no English word."""
    return bool(gap) and not form.startswith("up ") and not re.fullmatch(_HEX_WORDS, letters)


def _pack(pack: str, cell: str | None) -> str | None:
    if len(pack.lstrip("0") or "0") > 4:
        return None
    return f"PK-{int(pack):04d}" + (f"-C{int(cell):02d}" if cell else "")
