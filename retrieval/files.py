"""A person's own files as pages of text: Markdown, text, CSV, HTML and PDF."""

import csv
import io
from html.parser import HTMLParser
from pathlib import Path

from retrieval.passages import clean
from tools.errors import CannotAnswer

MAX_BYTES = 50_000_000
Page = tuple[int | None, str]  # page number (PDF only), cleaned text


def read_pages(path: Path) -> list[Page]:
    """Pages with text; raises CannotAnswer with the reason and what would help."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(sorted(READERS))
        raise CannotAnswer(f"{path.name} is not a kind of file that can be read; these can: {known}.")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CannotAnswer(f"{path.name} is larger than {MAX_BYTES // 1_000_000} MB: split it.")
        data = path.read_bytes()
    except OSError as error:
        raise CannotAnswer(f"{path} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    pages = [(number, text) for number, raw in reader(path.name, data) if (text := clean(raw))]
    if not pages:
        scanned = ": it may hold scanned images only" if path.suffix.lower() == ".pdf" and data else ""
        raise CannotAnswer(f"{path.name} has no text{scanned}.")
    return pages


def _text(name: str, data: bytes) -> list[Page]:
    return [(None, _decoded(name, data))]


def _decoded(name: str, data: bytes) -> str:
    if b"\0" in data[:4096] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise CannotAnswer(f"{name} is not a text file.")
    encodings = ("utf-16",) if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise CannotAnswer(f"{name} is not readable as UTF-8 text: save it as UTF-8.")


def _markdown(name: str, data: bytes) -> list[Page]:
    """Headings, list items and table rows become sentences."""
    lines = []
    for raw in _decoded(name, data).splitlines():
        line = raw.strip().strip("|#*->` ").replace("|", "; ")
        lines.append(_ended(line) if _is_block(raw) else line)
    return [(None, "\n".join(lines))]


def _is_block(line: str) -> bool:
    return line.lstrip().startswith(("#", "|", "- ", "* ", "+ "))


def _ended(line: str) -> str:
    return line if not line or line[-1] in ".!?:;" else f"{line}."


def _csv(name: str, data: bytes) -> list[Page]:
    """Each row a sentence "column: value; column: value."."""
    text = _decoded(name, data)
    try:
        dialect = csv.Sniffer().sniff(text[:4096], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    try:
        rows = [row for row in csv.reader(io.StringIO(text), dialect) if any(row)]
    except csv.Error as error:
        raise CannotAnswer(f"{name} is not readable as CSV: {error}.") from None
    if len(rows) < 2:
        return [(None, " ".join(rows[0]) if rows else "")]
    header, *body = rows
    return [(None, " ".join("Row " + "; ".join(f"{h}: {v}" for h, v in zip(header, row, strict=False) if v) + "."
                            for row in body))]


class _Visible(HTMLParser):
    """Text a reader would see."""

    HIDDEN = ("script", "style", "template", "noscript", "head")
    BLOCKS = ("p", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "div", "td", "th")

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag, attrs):
        self._hidden += tag in self.HIDDEN

    def handle_endtag(self, tag):
        if tag in self.HIDDEN:
            self._hidden = max(0, self._hidden - 1)
        elif tag in ("td", "th"):
            self.parts.append("; ")
        elif tag in self.BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data):
        if not self._hidden:
            self.parts.append(data)


def _html(name: str, data: bytes) -> list[Page]:
    parser = _Visible()
    parser.feed(_decoded(name, data))
    parser.close()
    lines = (" ".join(line.split()).strip("; ") for line in "".join(parser.parts).split("\n"))
    return [(None, " ".join(_ended(line) for line in lines if line))]


def _pdf(name: str, data: bytes) -> list[Page]:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    if not data:
        return []
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise CannotAnswer(f"{name} is encrypted: save it without a password and add it again.")
        return [(number, page.extract_text() or "") for number, page in enumerate(reader.pages, start=1)]
    except CannotAnswer:
        raise
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, OSError) as error:
        raise CannotAnswer(f"{name} is not a readable PDF ({type(error).__name__}): it may be damaged.") from None


READERS = {".md": _markdown, ".markdown": _markdown, ".txt": _text, ".csv": _csv, ".html": _html, ".htm": _html,
           ".pdf": _pdf}
