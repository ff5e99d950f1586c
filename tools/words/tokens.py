"""The tokens of a text, and where among them a phrase may start and end."""

import re

# Characters that are words or glue to them: Chinese, the kana of Japanese and Korean syllables.
_GLUES = "぀-ヿ一-鿿가-힣"
# "PK-00427点半": a whole id with the next number glued to it, as Chinese is written.
_SEAM = r"(?<=[Pp][Kk]-)\d{4}(?=\d{1,3}[点度分小%]|,\d)"
_GLUED_ID = re.compile(rf"[Pp][Kk]-{_SEAM}")
TOKEN = re.compile(rf"{_SEAM}|(?<![\w.])\.\d+(?!\.)|\d+(?:[.,:]\d+)*|[{_GLUES}]|[^\W\d_{_GLUES}]+(?:['’][^\W\d_]+)*"
                   r"|[^\s\w]|_")
_FIELD_BEFORE = re.compile(r"(?:[%°]|\d ?°?[a-z]{1,4})/$", re.IGNORECASE)  # "34%/32°C/155min"
_GLUED_NAME = re.compile(r"\b(?:soh|soc|dod|top)$", re.IGNORECASE)  # "SOH82", "top5"
# A sign apart from its number, as in ", - 4 °C"; between two values and at the start of a line a dash is none.
_SIGN_APART = re.compile(r"[-−–] \d+(?:[.,]\d+)? ?(?:°|deg|grad)", re.IGNORECASE)
_BEFORE_SIGN = re.compile(r"(?:[,:(=]|\b(?:at|bei|à|is)) $", re.IGNORECASE)

_WEEKDAY = re.compile("(?<=[周期拜])[一二三四五六](?![次个十百点度成])")  # "周六每天" is no six a day


def may_start(text: str, at: int) -> bool:
    """Not inside a word or a number; a sign starts a number only where no word or number stands before it."""
    before = text[at - 1] if at else " "
    decimal = before != "." and re.match(r"\.\d", text[at:at + 2])  # but "50..98"
    if text[at] == "%":
        return before.isspace() and text[at + 1:at + 2].isdigit()  # Turkish "%30"
    if not (text[at].isalnum() or text[at] in "-−–+#½¼¾/每" or decimal):
        return False
    if _SIGN_APART.match(text, at) and _BEFORE_SIGN.search(text, max(0, at - 4), at):
        return True
    if text[at] in "-−–+":
        return text[at + 1:at + 2].isdigit() and (is_cjk(before) or not (before.isalnum() or before in ")%°"))
    if text[max(0, at - 3):at].lower() in ("pk-", "up-"):
        return False
    if _WEEKDAY.match(text, at):
        return False
    if _glued_id(text, at) or text[at].isdigit() and _GLUED_NAME.search(text, max(0, at - 4), at):
        return True
    if before == "/" and at > 1 and not (text[at - 2].isdigit() or _FIELD_BEFORE.search(text, max(0, at - 8), at)):
        return False
    return is_cjk(text[at]) or is_cjk(before) or not (before.isalnum() or before in "_#$€£")


def may_end(text: str, at: int) -> bool:
    """Behind a letter, a digit or a sign of a unit, and not inside a word or a number."""
    last, after = text[at - 1], text[at] if at < len(text) else " "
    if not (last.isalnum() or last in "%°'’′+℃℉½¼¾") or last in "'’" and not text[at - 2].isdigit():
        return False
    return is_cjk(last) or is_cjk(after) or _glued_id(text, at) or not (
        last.isalnum() and (after.isalnum() or after == "_"))


def _glued_id(text: str, at: int) -> bool:
    """Whether an id ends here although digits go on."""
    return at >= 7 and _GLUED_ID.match(text, at - 7) is not None


def is_cjk(character: str) -> bool:
    return re.fullmatch(f"[{_GLUES}]", character) is not None
