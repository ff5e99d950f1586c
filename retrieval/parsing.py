"""What a file is once it has been read: pages of lines and tables. Plain data, whatever the file was."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from retrieval.passages import clean

_NO_WIDTH = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\U000e0000-\U000e007f]")
_DASHES = str.maketrans({c: "-" for c in "‐‑‒–—−－﹣"} | {c: "~" for c in "～∼〜˜"} | {"º": "°", "˚": "°", "µ": "u"})


@dataclass(frozen=True)
class Line:
    """A line of text; `segments` are its parts where wide gaps set them apart, as in a table without rules."""

    segments: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join(self.segments)


@dataclass(frozen=True)
class Table:
    """A table; `header` may be empty, `title` is the heading above it. All rows have the header's length."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""

    def told(self, row: tuple[str, ...]) -> str:
        """One row in words: "Nominal capacity: Min 4.7, Typ 4.8, Unit Ah."."""
        names = self.header or ("",) * len(row)
        label, *rest = [(name, cell) for name, cell in zip(names, row, strict=True) if cell] or [("", "")]
        told = ", ".join(f"{name} {cell}".strip() for name, cell in rest)
        first = f"{label[0]} {label[1]}".strip() if label[0] and _is_number(label[1]) else label[1]
        return ended(f"{first}: {told}" if told else first)


@dataclass(frozen=True)
class Page:
    """`number` counts from 1 and is None where a file has no pages; `recognised` is the text of a scanned page."""

    number: int | None
    blocks: tuple[Line | Table, ...]
    recognised: bool = False


@dataclass(frozen=True)
class Document:
    """A file as read; `remarks` say what of it could not be read, in sentences."""

    name: str
    pages: tuple[Page, ...]
    remarks: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """As JSON; the inverse of `document_of`."""
        return {"name": self.name, "remarks": list(self.remarks), "pages": [
            {"number": p.number, "blocks": [_block_record(b) for b in p.blocks], "recognised": p.recognised}
            for p in self.pages]}


def document_of(record: dict[str, Any]) -> Document:
    """A document from its JSON."""
    pages = tuple(Page(p["number"], tuple(map(_block, p["blocks"])), p["recognised"]) for p in record["pages"])
    return Document(record["name"], pages, tuple(record["remarks"]))


def _block_record(block: Line | Table) -> list[Any]:
    return list(block.segments) if isinstance(block, Line) else [[block.title, block.header, *block.rows]]


def _block(record: list[Any]) -> Line | Table:
    if record and isinstance(record[0], list):
        title, header, *rows = record[0]
        return Table(tuple(header), tuple(map(tuple, rows)), title)
    return Line(tuple(record))


def plain(text: str) -> str:
    """One line of ordinary characters: compatibility forms (℃, Ω, full width), dashes and tildes unified,
    invisible characters and the control marks of language models taken out."""
    text = _NO_WIDTH.sub("", text.translate(_DASHES))
    return clean(unicodedata.normalize("NFKC", text))


def line_of(*segments: str) -> Line | None:
    """A line from its parts, None where nothing is left of them."""
    kept = tuple(part for part in map(plain, segments) if part)
    return Line(kept) if kept else None


def table_of(rows: list[list[str | None]], title: str = "") -> Table | None:
    """A table from its cells: cleaned, squared, without empty rows and columns, the header told from the rows."""
    cells = [[plain(cell or "") for cell in row] for row in rows]
    width = max(map(len, cells), default=0)
    cells = [row + [""] * (width - len(row)) for row in cells if any(row)]
    used = [i for i in range(width) if any(row[i] for row in cells)]
    cells = [[row[i] for i in used] for row in cells]
    if not cells:
        return None
    header: tuple[str, ...] = ()
    if len(cells) > 1 and _is_header(cells[0]):
        header, cells = tuple(cells[0]), cells[1:]
    return Table(header, tuple(map(tuple, cells)), plain(title))


HEADER_WORDS = re.compile(
    r"^(?:item|parameter|characteristic|description|property|specification|spec|symbol|condition|test|min|typ|max|nom|"
    r"unit|value|rating|remark|note|no|cell|ambient|range|"
    r"temp\w*|charg\w*|discharg\w*|current|c-?rate|soc|kennwert|einheit|wert)\b", re.I)


def _is_header(row: list[str]) -> bool:
    """Words in the table's own language and no measured value."""
    filled = [cell for cell in row if cell]
    known = sum(bool(HEADER_WORDS.match(cell)) for cell in filled)
    numbers = sum(_is_number(cell) for cell in filled)
    temperatures = sum(bool(re.search(r"\d ?°C", cell)) for cell in filled)
    return known >= 2 and not numbers or bool(known and temperatures >= 2 and temperatures + known == len(filled))


def _is_number(text: str) -> bool:
    return bool(re.match(r"[<>≤≥±+-]?\s*\d", text))


def ended(text: str) -> str:
    """With a full stop, so that the text is a sentence."""
    return text if not text or text[-1] in ".!?:;" else f"{text}."


def sentences_of(page: Page) -> Iterator[tuple[str, str]]:
    """(heading, sentence) in reading order: a table's rows and lines with gaps are a sentence each, prose runs on."""
    prose: list[str] = []
    for block in page.blocks:
        if isinstance(block, Line) and len(block.segments) == 1:
            prose.append(block.text)
            continue
        yield from (("", text) for text in _prose(prose))
        prose = []
        if isinstance(block, Table):
            yield from ((block.title, block.told(row)) for row in block.rows)
        else:
            yield "", ended(f"{block.segments[0].rstrip(':')}: {' '.join(block.segments[1:])}")
    yield from (("", text) for text in _prose(prose))


def _prose(lines: list[str]) -> Iterator[str]:
    """Lines joined into running text; one that begins anew after a short or ended one stands alone."""
    current = ""
    for line in lines:
        short = len(current.rsplit(". ", 1)[-1]) < 60
        if current and short and re.match(r"[A-ZÄÖÜ0-9•]", line) and not current.endswith((",", "-")):
            yield ended(current)
            current = line
        else:
            current = f"{current} {line}".strip()
    if current:
        yield ended(current)
