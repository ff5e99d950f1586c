"""A person's own files: which kind each is by its content, and what it holds as pages of lines and tables."""

from collections.abc import Callable
from pathlib import Path

from retrieval.parsing import Document
from retrieval.parsing_child import read_apart
from retrieval.parsing_markup import read_csv, read_html, read_markdown, read_text
from tools.errors import CannotAnswer

MAX_BYTES = 50_000_000
KINDS = {".pdf": "pdf", ".docx": "docx", ".html": "html", ".htm": "html", ".md": "markdown", ".markdown": "markdown",
         ".csv": "csv", ".txt": "text"}
READERS = tuple(KINDS)
_TEXT_READERS = {"html": read_html, "markdown": read_markdown, "csv": read_csv, "text": read_text}
_NAMES = {"pdf": "a PDF", "docx": "a DOCX", "html": "a web page", "jpeg": "a JPEG image", "png": "a PNG image",
          "gif": "a GIF image", "tiff": "a TIFF image", "zip": "a ZIP archive", "office": "an old Office file",
          "xlsx": "an Excel workbook", "program": "a program"}
_SIGNATURES = ((b"\xff\xd8\xff", "jpeg"), (b"\x89PNG", "png"), (b"GIF8", "gif"), (b"II*\0", "tiff"), (b"MM\0*", "tiff"),
               (b"\xd0\xcf\x11\xe0", "office"), (b"\x7fELF", "program"), (b"MZ", "program"))


def read_document(path: Path, progress: Callable[[int, int], None] | None = None) -> Document:
    """The file's text and tables; raises CannotAnswer with the reason and what would help.

    `progress(done, total)` counts pages.
    """
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise CannotAnswer(f"{path.name} is not a kind of file that can be read; these can: {', '.join(READERS)}.")
    data = _bytes_of(path)
    found = _kind_of(data)
    if found is not None and found != kind and not (kind == "text" and found == "html"):
        rename = f", or rename it to {path.stem}.{found}" if found in ("pdf", "docx", "html") else ""
        raise CannotAnswer(f"{path.name} is {_NAMES[found]} and not {_NAMES.get(kind, 'text')}: save it as "
                           f"{_NAMES.get(kind, 'text')}{rename}.")
    if kind in _TEXT_READERS:
        return _TEXT_READERS[kind](path.name, data)
    return read_apart(kind, path.name, data, progress)


def _bytes_of(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise CannotAnswer(f"{path.name} is larger than {MAX_BYTES // 1_000_000} MB: split it.")
        if size == 0:
            raise CannotAnswer(f"{path.name} is empty, it has no text.")
        return path.read_bytes()
    except OSError as error:
        raise CannotAnswer(f"{path} cannot be read: {(error.strerror or str(error)).lower()}.") from None


def _kind_of(data: bytes) -> str | None:
    """Kind by content; None for what looks like text or like nothing known."""
    head = data[:1024]
    if b"%PDF-" in head:
        return "pdf"
    if head.startswith(b"PK\x03\x04"):
        return _archive(data)
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return "html" if start.startswith((b"<!doctype html", b"<html")) else None


def _archive(data: bytes) -> str:
    import io
    import zipfile

    try:
        names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    except zipfile.BadZipFile:
        return "docx"  # a damaged one: its reader says so
    return "docx" if "word/document.xml" in names else "xlsx" if "xl/workbook.xml" in names else "zip"
