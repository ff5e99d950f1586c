"""HTML, DOCX, Markdown, CSV and plain text as lines and tables."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator

from retrieval.parsing import Document, Line, Page, Table, line_of, table_of
from retrieval.passages import clean
from tools.errors import CannotAnswer

MAX_UNPACKED_BYTES = 400_000_000  # a DOCX is a ZIP archive; a small one may unpack to anything
MAX_ROWS = 20_000
_UNSEEN_TAGS = {"script", "style", "template", "noscript", "head", "iframe", "object", "embed", "svg", "canvas",
                "select", "option", "textarea", "button", "input"}
_BLOCK_TAGS = {"p", "div", "li", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "dt", "dd", "br", "tr",
               "blockquote", "pre", "figcaption", "caption", "main", "header", "footer", "ul", "ol", "dl"}
_UNSEEN_STYLE = re.compile(r"display:none|visibility:hidden|font-size:0(?![.\d]*[1-9])|opacity:0(?![.\d]*[1-9])"
                           r"|(?:left|top|text-indent):-\d{3,}|(?:^|;)color:(?:#fff(?:fff)?|white|transparent)\b")


def read_text(name: str, data: bytes) -> Document:
    """Plain text; parts of a line that tabs or three blanks set apart stay apart."""
    lines = decoded(name, data).splitlines()
    return _document(name, [line_of(*re.split(r"\t+| {3,}", line.strip())) for line in lines])


def read_csv(name: str, data: bytes) -> Document:
    """One table."""
    text = decoded(name, data)
    try:
        dialect: type[csv.Dialect] | csv.Dialect = csv.Sniffer().sniff(text[:4096], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    try:
        rows = [row for row in csv.reader(io.StringIO(text), dialect) if any(row)]
    except csv.Error as error:
        raise CannotAnswer(f"{name} is not readable as CSV: {error}.") from None
    if len(rows) > MAX_ROWS:
        raise CannotAnswer(f"{name} has {len(rows)} rows and at most {MAX_ROWS} are read as a document; charge records "
                           "and packs are read by `oracle fleet import`.")
    table = table_of(rows)
    if table is not None and not table.header and len(table.rows) > 1:
        table = Table(table.rows[0], table.rows[1:])
    return _document(name, [table])


def read_markdown(name: str, data: bytes) -> Document:
    """Markdown through its HTML, so that tables are tables; raw HTML in it is text."""
    from markdown_it import MarkdownIt

    html = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table").render(decoded(name, data))
    return _document(name, list(_html_blocks(f"<html><body>{html}</body></html>")))


def read_html(name: str, data: bytes) -> Document:
    """What a browser shows: no scripts, no hidden elements; tables as tables."""
    return _document(name, list(_html_blocks(decoded(name, data))))


def read_docx(name: str, data: bytes) -> Document:
    """Paragraphs and tables in their order; raises CannotAnswer for a damaged or inflated file."""
    import docx
    from docx.table import Table as WordTable

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED_BYTES:
                raise CannotAnswer(f"{name} unpacks to more than {MAX_UNPACKED_BYTES // 1_000_000} MB: not read.")
        blocks: list[Line | Table | None] = []
        heading = ""
        for thing in docx.Document(io.BytesIO(data)).iter_inner_content():
            if isinstance(thing, WordTable):
                blocks.append(table_of([_cells(row) for row in thing.rows], heading))
                continue
            text = "".join(run.text for run in thing.runs if not run.font.hidden) or thing.text * (not thing.runs)
            lines = [line_of(*re.split(r"\t+", part)) for part in text.splitlines()]
            blocks += lines
            heading = text if 0 < len(text) < 100 else ""
    except CannotAnswer:
        raise
    except Exception as error:  # python-docx raises whatever the broken part makes it raise
        raise CannotAnswer(f"{name} is not a readable DOCX ({type(error).__name__}): it may be damaged.") from None
    return _document(name, blocks)


def _cells(row) -> list[str]:
    """A row's cells; one that spans several columns is told once."""
    seen: list[object] = []
    texts = []
    for cell in row.cells:
        new = all(cell._tc is not other for other in seen)
        seen.append(cell._tc)
        texts.append(cell.text if new else "")
    return texts


def decoded(name: str, data: bytes) -> str:
    """Text of a file in UTF-8, UTF-16 or Windows-1252; raises CannotAnswer for what is no text."""
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    if b"\0" in data[:4096] and not wide:
        raise CannotAnswer(f"{name} is not a text file.")
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise CannotAnswer(f"{name} is not readable as UTF-8 text: save it as UTF-8.")


def _document(name: str, blocks: list[Line | Table | None]) -> Document:
    kept = tuple(block for block in blocks if block is not None)
    if not kept:
        raise CannotAnswer(f"{name} has no text.")
    return Document(clean(name), (Page(None, kept),))


def _html_blocks(text: str) -> Iterator[Line | Table]:
    import lxml.html
    from lxml.etree import ParserError

    try:
        parser = lxml.html.HTMLParser(huge_tree=False, remove_comments=True, remove_pis=True, encoding="utf-8")
        root = lxml.html.document_fromstring(text.encode(), parser=parser)
    except (ParserError, ValueError):
        return
    heading = ""
    for kind, content in _walk(root):
        if kind == "table":
            table = table_of(content, heading)
            if table is not None and (len(table.rows) > 1 or table.header or len(table.rows[0]) > 1):
                yield table
            elif table is not None:
                yield from filter(None, [line_of(*table.rows[0])])
            continue
        line = line_of(content)
        if line is not None:
            heading = line.text if len(line.text) < 100 else ""
            yield line


def _walk(root) -> Iterator[tuple[str, object]]:
    """("line", text) and ("table", rows) in reading order, without recursion: nesting may be deep."""
    pending: list[str] = []
    stack: list[tuple[str, object]] = [("open", root)]
    while stack:
        what, node = stack.pop()
        if what == "text":
            pending.append(str(node))
        elif what == "break":
            yield "line", "".join(pending)
            pending = []
        elif isinstance(node.tag, str) and not _unseen(node):
            if node.tag == "table" and not node.xpath(".//table"):
                yield "line", "".join(pending)
                pending = []
                yield "table", [[_seen_text(cell) for cell in row.xpath("./td|./th")] for row in node.iter("tr")]
                continue
            edge = [("break", None)] if node.tag in _BLOCK_TAGS else []
            inner: list[tuple[str, object]] = [*edge, ("text", node.text or "")]
            for child in node:
                inner += [("open", child), ("text", child.tail or "")]
            stack += reversed([*inner, *edge])
    yield "line", "".join(pending)


def _seen_text(cell) -> str:
    parts = [cell.text or ""]
    for child in cell:
        if isinstance(child.tag, str) and not _unseen(child):
            parts.append(" " * (child.tag in _BLOCK_TAGS) + _seen_text(child))
        parts.append(child.tail or "")
    return "" if _unseen(cell) else "".join(parts)


def _unseen(node) -> bool:
    style = re.sub(r"\s+", "", (node.get("style") or "").lower())
    return node.tag in _UNSEEN_TAGS or node.get("hidden") is not None or bool(_UNSEEN_STYLE.search(style))
