"""Which cell a document is about: a known one by its name, else the maker, model and chemistry it states."""

import re
from pathlib import PurePath
from typing import Any

from retrieval.names import cells_named
from retrieval.parsing import Document, Table
from tools.cells import MAKER_WORDS, load_catalogue

_MODEL = re.compile(r"^(?:(?:product|battery|cell)\s*)?(?:(?:model|type|part|typ|product|name|bezeichnung|designation)"
                    r"\s*){1,2}(?:name|no\.?|number|nr\.?)?\s*:?\s*$", re.I)
_MAKER = re.compile(r"^(?:manufacturer|maker|supplier|company|made by|brand|hersteller)\s*:?\s*$", re.I)
_TITLE_MODEL = re.compile(r"\b(?=[A-Z0-9/-]*\d)(?=[A-Z0-9/-]*[A-Z])[A-Z][A-Z0-9/-]{3,23}\b")
_CHEMISTRIES = (("LFP", r"LiFePO4|\bLFP\b|iron phosphate|eisenphosphat"), ("LTO", r"\bLTO\b|titanate|titanat"),
                ("NMC", r"\bNMC|\bNCM|LiNi\w*Mn\w*Co|nickel.manganese.cobalt"), ("NCA", r"\bNCA\b|LiNi\w*CoAl"),
                ("Na-ion", r"sodium.ion|\bNa-?ion|natrium-?ion"))
_FORMATS = (("pouch", r"\bpouch"), ("prismatic", r"prismatic|prismatisch"), ("cylindrical", r"cylindrical|zylindrisch"))
_SIZE_CODE = re.compile(r"(?<!\d)(18650|21700|26650|26700|32140|32700|4680|4695|46\d{2})(?!\d)")
MAX_NAME = 40


def identity_of(document: Document) -> dict[str, Any]:
    """{cell, manufacturer, model, chemistry, format} for `DocumentFacts`."""
    first = [page for page in document.pages if page.blocks][:3]
    pairs = [pair for page in first for block in page.blocks for pair in _pairs(block)]
    text = " ".join(" ".join(block.header + tuple(c for row in block.rows for c in row)) if isinstance(block, Table)
                    else block.text for page in first for block in page.blocks)[:20_000]
    stem = PurePath(document.name).stem.replace("_", " ")
    model = next((value for label, value in pairs if _MODEL.match(label) and _is_name(value)), "")
    maker = next((value for label, value in pairs if _MAKER.match(label) and _is_name(value)), "") or _known_maker(text)
    said = (f"{maker} {model}", model, stem) if model else (stem, text[:1500])
    model = model or _title_model(first, stem)
    return {"cell": _known_cell(*said), "manufacturer": maker[:MAX_NAME],
            "model": model[:MAX_NAME], "chemistry": _chemistry(text), "format": _format(text, model)}


def _pairs(block) -> list[tuple[str, str]]:
    """(label, value) pairs of a row or of a line "label: value"."""
    if isinstance(block, Table):
        return [(row[i], row[i + 1]) for row in block.rows for i in range(len(row) - 1) if row[i] and row[i + 1]]
    if len(block.segments) > 1:
        return [(block.segments[i], block.segments[i + 1]) for i in range(len(block.segments) - 1)]
    label, colon, value = block.text.partition(":")
    return [(label, value.strip())] if colon and value.strip() else []


def _is_name(text: str) -> bool:
    return 2 <= len(text) <= MAX_NAME and bool(re.search(r"[A-Za-z]", text)) and not re.search(r"[<>{}\[\]|]", text)


def _title_model(pages, stem: str) -> str:
    """The first part number in the first lines, else the file's name."""
    for page in pages[:1]:
        for block in page.blocks[:6]:
            text = block.title if isinstance(block, Table) else block.text
            for found in _TITLE_MODEL.findall(text):
                if not re.fullmatch(r"(?:ISO|UN|IEC|UL|GB|CC|CV|REV|V|PAGE|ROHS)[-/]?\d.*|\d+[A-Z]?", found):
                    return found
    return stem if _is_name(stem) else ""


def _known_cell(*texts: str) -> str:
    """Id of the one catalogue cell that the first telling text names; a text that names several tells none."""
    for said in texts:
        names, _ = cells_named(said)
        if len(names) == 1:
            return next(cell.id for cell in load_catalogue() if cell.name in names)
        if names:
            return ""
    return ""


def _known_maker(text: str) -> str:
    """The catalogue's maker that the beginning of the text names."""
    words = re.findall(r"[a-z0-9]+", text[:1500].lower())
    return next((MAKER_WORDS[word] for word in words if word in MAKER_WORDS and len(word) > 2), "")


def _chemistry(text: str) -> str:
    found = [name for name, pattern in _CHEMISTRIES if re.search(pattern, text, re.I)]
    return found[0] if len(found) == 1 else "not stated"


def _format(text: str, model: str) -> str:
    shape = next((name for name, pattern in _FORMATS if re.search(pattern, text, re.I)), "")
    code = _SIZE_CODE.search(model) or _SIZE_CODE.search(text[:3000])
    return " ".join(filter(None, (shape or ("cylindrical" if code else ""), code[1] if code else "")))
