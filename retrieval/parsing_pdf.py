"""A PDF as pages of lines and tables, by pdfplumber; run in a process of its own (`retrieval.parsing_child`)."""

import io
import re
from collections.abc import Callable, Iterator
from typing import Any

from retrieval.parsing import Document, Line, Page, Table, line_of, table_of
from retrieval.passages import clean
from tools.errors import CannotAnswer

MAX_PAGES = 1000
LAYOUT_PAGES = 60  # datasheets are shorter; the pages of a longer document behind these are read as text alone
GAP_EM = 1.6  # a gap this many font sizes wide sets two parts of a line apart
SMALLEST_PT = 2.0  # smaller print is not for people
COLUMN_WORDS = re.compile(r"^(?:min|typ|max|nom|unit|value|spec)\w*\.?$", re.I)
Progress = Callable[[int, int], None]  # (done, total) pages


def read_pdf(name: str, data: bytes, progress: Progress | None = None) -> Document:
    """Pages with text; raises CannotAnswer for a file that is encrypted, damaged, too long or all pictures."""
    import pdfplumber
    from pdfminer.pdfdocument import PDFPasswordIncorrect
    from pdfplumber.utils.exceptions import PdfminerException

    if not data:
        raise CannotAnswer(f"{name} is empty.")
    try:
        with pdfplumber.open(io.BytesIO(data)) as pdf:
            return _document(name, data, pdf, progress)
    except CannotAnswer:
        raise
    except Exception as error:  # damaged files fail in every way there is
        cause = error.args[0] if isinstance(error, PdfminerException) and error.args else error
        if isinstance(cause, PDFPasswordIncorrect):
            raise CannotAnswer(f"{name} is encrypted: save it without a password and add it again.") from None
        raise CannotAnswer(f"{name} is not a readable PDF ({type(cause).__name__}): it may be damaged.") from None


def _document(name: str, data: bytes, pdf, progress: Progress | None) -> Document:
    total = len(pdf.pages)
    if total == 0:
        raise CannotAnswer(f"{name} is not a readable PDF: it has no pages and may be damaged.")
    if total > MAX_PAGES:
        raise CannotAnswer(f"{name} has {total} pages and at most {MAX_PAGES} are read: split it.")
    pages, pictures, hidden = [], [], 0
    for number, page in enumerate(pdf.pages[:LAYOUT_PAGES], start=1):
        seen = page.filter(_shown(page))
        hidden += sum(not c["text"].isspace() for c in page.chars) > sum(not c["text"].isspace() for c in seen.chars)
        blocks, recognised = tuple(_blocks(seen)), False
        if not blocks and page.images:
            blocks = tuple(_recognised(page))
            recognised = bool(blocks)
            pictures += [number] * (not blocks)
        pages.append(Page(number, blocks, recognised))
        page.close()
        if progress:
            progress(number, total)
    pages += _text_pages(data, total, progress)
    if not any(page.blocks for page in pages):
        why = ": its pages are scanned images" if pictures else ": it may hold scanned images only"
        raise CannotAnswer(f"{name} has no text{why}{_OCR_HINT if pictures else ''}.")
    return Document(clean(name), tuple(pages), tuple(_remarks(name, pictures, hidden, total)))


_OCR_HINT = ", which are read only where the OCR extra is installed (pip install battery-oracle[ocr])"


def _remarks(name: str, pictures: list[int], hidden: int, total: int) -> Iterator[str]:
    if pictures:
        several = "s" * (len(pictures) > 1)
        yield (f"Page{several} {', '.join(map(str, pictures))} of {name}: scanned image{several} without text, not read"
               f"{_OCR_HINT}.")
    if hidden:
        yield f"{name} holds text that a reader cannot see (white, minute or off the page): left out."
    if total > LAYOUT_PAGES:
        yield f"{name} has {total} pages: tables and facts are read from the first {LAYOUT_PAGES}, text from all."


def _shown(page) -> Callable[[dict[str, Any]], bool]:
    """Whether a person sees an object: not minute, not off the page, not white on white."""
    left, top, right, bottom = page.bbox
    dark = [box for box in (*page.rects, *page.images) if box.get("fill", True) and not _white(box)]

    def shown(thing: dict[str, Any]) -> bool:
        if thing["object_type"] != "char":
            return True
        x, y = (thing["x0"] + thing["x1"]) / 2, (thing["top"] + thing["bottom"]) / 2
        if thing["size"] < SMALLEST_PT or not (left <= x <= right and top <= y <= bottom):
            return False
        return not _white(thing) or any(b["x0"] <= x <= b["x1"] and b["top"] <= y <= b["bottom"] for b in dark)

    return shown


def _white(thing: dict[str, Any]) -> bool:
    colour = thing.get("non_stroking_color")
    parts = tuple(colour) if isinstance(colour, list | tuple) else (colour,)
    if not parts or not all(isinstance(part, int | float) for part in parts):
        return False
    return all(part <= 0.02 for part in parts) if len(parts) == 4 else all(part >= 0.98 for part in parts)


def _blocks(page) -> Iterator[Line | Table]:
    """Lines and tables from top to bottom."""
    found = [(t.bbox, t.extract()) for t in page.find_tables()]
    found = [(box, rows) for box, rows in found if len(rows) > 1 and max(map(len, rows)) > 1]
    outside = page.filter(lambda o: o["object_type"] != "char" or not any(_inside(o, box) for box, _ in found))
    lines = _lines(outside)
    heading = ""
    placed = [(line[0], line) for line in lines] + [(box[1], rows) for box, rows in found]
    for _, thing in sorted(placed, key=lambda entry: entry[0]):
        if isinstance(thing, list):
            table = table_of(thing, heading)
            if table is not None:
                yield table
            heading = ""
            continue
        _, block = thing
        heading = block.text if isinstance(block, Line) and len(block.text) < 100 else ""
        yield block


def _inside(thing: dict[str, Any], box: tuple[float, float, float, float]) -> bool:
    x, y = (thing["x0"] + thing["x1"]) / 2, (thing["top"] + thing["bottom"]) / 2
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


Part = tuple[float, float, str]  # x0, x1, text


def _lines(page) -> list[tuple[float, Line | Table]]:
    """(top, block): lines cut at wide gaps; in a page of two columns the left column's first."""
    words = page.extract_words(keep_blank_chars=False, use_text_flow=False, extra_attrs=["size"], y_tolerance=3)
    gutter = _gutter(words, page.bbox)
    groups = [words] if gutter is None else [[w for w in words if w["x1"] <= gutter], [w for w in words
                                                                                     if w["x1"] > gutter]]
    placed: list[tuple[float, Line | Table]] = []
    for i, group in enumerate(groups):
        rows = list(_rows(group))
        shift = 10_000.0 * i  # tops of the right column come after all of the left one's
        placed += [(top + shift, block) for top, block in _aligned(rows)]
    return placed


def _rows(words: list[dict[str, Any]]) -> Iterator[tuple[float, list[Part]]]:
    """Words on one height, joined where the gap between them is a word's."""
    line: list[dict[str, Any]] = []
    for word in [*sorted(words, key=lambda w: ((w["top"] + w["bottom"]) / 2, w["x0"])), None]:
        if word and line and abs(_middle(word) - _middle(line[0])) <= 0.5 * max(3.0, line[0]["size"] * 0.6):
            line.append(word)
            continue
        if line:
            yield min(w["top"] for w in line), _parts(sorted(line, key=lambda w: w["x0"]))
        line = [word] if word else []


def _middle(word: dict[str, Any]) -> float:
    return (word["top"] + word["bottom"]) / 2


def _parts(line: list[dict[str, Any]]) -> list[Part]:
    parts: list[Part] = []
    for word in line:
        if parts and word["x0"] - parts[-1][1] <= GAP_EM * word["size"]:
            parts[-1] = (parts[-1][0], word["x1"], f"{parts[-1][2]} {word['text']}")
        else:
            parts.append((word["x0"], word["x1"], word["text"]))
    return parts


def _aligned(rows: list[tuple[float, list[Part]]]) -> Iterator[tuple[float, Line | Table]]:
    """Lines; those under a line of column heads (Min, Typ, Max, Unit) as a table without rules."""
    at = 0
    while at < len(rows):
        top, parts = rows[at]
        end = at + 1
        if len(parts) > 2 and sum(bool(COLUMN_WORDS.match(text)) for _, _, text in parts) >= 2:
            while end < len(rows) and len(rows[end][1]) > 1:
                end += 1
            table = table_of([_in_columns(line, parts) for _, line in rows[at:end]])
            if end - at > 1 and table is not None:
                yield top, table
                at = end
                continue
        line = line_of(*(text for _, _, text in parts))
        if line is not None:
            yield top, line
        at += 1


def _in_columns(line: list[Part], heads: list[Part]) -> list[str]:
    """Each part in the column whose head is nearest; what lies left of the second head is the label."""
    cells = [""] * len(heads)
    for x0, x1, text in line:
        i = min(range(len(heads)), key=lambda n: min(abs(x0 - heads[n][0]), abs((x0 + x1) / 2 - sum(heads[n][:2]) / 2)))
        cells[i] = f"{cells[i]} {text}".strip()
    return cells


def _gutter(words: list[dict[str, Any]], box: tuple[float, float, float, float]) -> float | None:
    """Where a page of prose in two columns parts: hardly a word crosses it and both sides are full lines."""
    left, width = box[0], box[2] - box[0]
    body = [w for w in words if w["x1"] - w["x0"] < 0.5 * width]
    if len(body) < 60:
        return None
    for percent in (50, 48, 52, 46, 54, 44, 56):
        x = left + width * percent / 100
        crossing = sum(w["x0"] < x - 2 < w["x1"] or w["x0"] < x + 2 < w["x1"] for w in body)
        before, after = ([w for w in body if w["x1"] <= x], [w for w in body if w["x0"] >= x])
        if crossing <= 0.01 * len(body) and _is_prose(before, x - left) and _is_prose(after, box[2] - x):
            return x
    return None


def _is_prose(words: list[dict[str, Any]], width: float) -> bool:
    """Lines of five words or more, filling half of the column's width."""
    lines: dict[int, list[dict[str, Any]]] = {}
    for word in words:
        lines.setdefault(round(_middle(word) / 4), []).append(word)
    full = [line for line in lines.values()
            if len(line) >= 5 and max(w["x1"] for w in line) - min(w["x0"] for w in line) > 0.5 * width]
    return len(full) >= max(4, 0.4 * len(lines))


def _text_pages(data: bytes, total: int, progress: Progress | None) -> Iterator[Page]:
    """The pages behind LAYOUT_PAGES, text alone, by pypdfium2 (a hundred times as fast)."""
    if total <= LAYOUT_PAGES:
        return
    import pypdfium2

    with pypdfium2.PdfDocument(data) as pdf:
        for number in range(LAYOUT_PAGES + 1, total + 1):
            text = pdf[number - 1].get_textpage().get_text_bounded()
            yield Page(number, tuple(filter(None, map(line_of, text.splitlines()))))
            if progress:
                progress(number, total)


def _recognised(page) -> Iterator[Line]:
    """Lines of a scanned page where the OCR extra is installed, else nothing."""
    try:
        from rapidocr_onnxruntime import RapidOCR
    except ImportError:
        return
    import numpy as np

    found, _ = RapidOCR()(np.asarray(page.to_image(resolution=200).original.convert("RGB")))
    words = [{"x0": min(p[0] for p in box), "x1": max(p[0] for p in box), "top": min(p[1] for p in box),
              "bottom": max(p[1] for p in box), "size": max(p[1] for p in box) - min(p[1] for p in box), "text": text}
             for box, text, _ in found or ()]
    yield from filter(None, (line_of(*(text for _, _, text in parts)) for _, parts in _rows(words)))
