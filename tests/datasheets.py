"""Datasheets of cells that do not exist, laid out as makers lay theirs out, for the tests of reading them."""

import io

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

STYLE = getSampleStyleSheet()
GRID = TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black), ("FONTSIZE", (0, 0), (-1, -1), 8)])

# An NMC 21700 cell, each line as (item, specification, remark).
ACME = (
    ("Nominal capacity", "5,000 mAh", "0.2C discharge"), ("Minimum capacity", "4850mAh", ""),
    ("Nominal voltage", "3.60 V", ""), ("Charging voltage", "4.20 ± 0.05 V", "CC-CV"),
    ("Discharge cut-off voltage", "2.50 V", ""), ("Standard charge current", "0.3C (1.5A)", ""),
    ("Max. charge current", "0.5C (2.5A)", "25 to 45 °C"), ("Charge cut-off current", "100 mA", ""),
    ("Max. continuous discharge current", "2C (10 A)", ""), ("AC impedance (1 kHz)", "15 ± 6 mohm", "after charge"),
    ("Operating temperature", "Charge: 0 ~ 45 °C  Discharge: -20 ~ 60 °C", ""),
    ("Storage temperature", "1 month: -20 ~ 60 °C; 1 year: -20 ~ 25 °C", ""), ("Weight", "68.0 ± 1.0 g", ""),
    ("Diameter", "21.20 mm", "max."), ("Height", "70.5 ± 0.2 mm", ""), ("Cycle life", "≥ 800 cycles", "80 % capacity"))
ACME_FACTS = {
    "capacity_nominal_ah": 5.0, "capacity_minimum_ah": 4.85, "voltage_nominal_v": 3.6, "voltage_charge_cutoff_v": 4.2,
    "voltage_discharge_cutoff_v": 2.5, "charge_current_standard_a": 1.5, "charge_current_max_a": 2.5,
    "charge_current_cutoff_standard_a": 0.1, "discharge_current_max_continuous_a": 10.0, "impedance_ac_1khz_mohm": 15.0,
    "charge_temperature_min_c": 0.0, "charge_temperature_max_c": 45.0, "discharge_temperature_min_c": -20.0,
    "discharge_temperature_max_c": 60.0, "storage_temperature_min_c": -20.0, "storage_temperature_max_c": 25.0,
    "mass_g": 68.0, "diameter_mm": 21.2, "height_mm": 70.5, "cycle_life_cycles": 800.0}
ACME_HEAD = ("Product Specification", "Manufacturer: Acme Cells Ltd", "Model: ACX21700-9", "Chemistry: NMC / graphite")
BANDS = (("0 ~ 10 °C", "0.1C"), ("10 ~ 25 °C", "0.3C"), ("25 ~ 45 °C", "0.5C"))
BAND_FACTS = ({"temp_min_c": 0.0, "temp_max_c": 10.0, "c_rate_max": 0.1},
              {"temp_min_c": 10.0, "temp_max_c": 25.0, "c_rate_max": 0.3},
              {"temp_min_c": 25.0, "temp_max_c": 45.0, "c_rate_max": 0.5})
PROSE = ("Cells shall be stored dry and away from sunlight, and inspected before they are used for the first time. "
         "Store half charged where the cell will rest for longer than a month, and check the voltage every season. ")


def ruled(path, items=ACME, head=ACME_HEAD, bands=BANDS):
    """A numbered table with rules, then a derating table."""
    story = [Paragraph(line, STYLE["Normal"]) for line in head]
    story += [Spacer(1, 12), Paragraph("General", STYLE["Heading3"])]
    rows = [["No.", "Item", "Specification", "Remark"], *([str(n), *row] for n, row in enumerate(items, start=1))]
    story += [Table(rows, style=GRID), PageBreak(), Paragraph("Charging current by temperature", STYLE["Heading3"])]
    if bands:
        story.append(Table([["Cell temperature", "Charging current"], *bands], style=GRID))
    _built(path, story)


def lying(path, items=ACME, head=ACME_HEAD):
    """Label and value without rules; the derating table with temperatures as its heads."""
    canvas = Canvas(str(path), pagesize=A4)
    for n, line in enumerate(head):
        canvas.drawString(60, 790 - 16 * n, line)
    for n, (label, value, _) in enumerate(items):
        canvas.drawString(60, 700 - 18 * n, label)
        canvas.drawString(330, 700 - 18 * n, value)
    canvas.showPage()
    temperatures, currents = zip(*BANDS, strict=True)
    table = Table([["Temperature", *temperatures], ["Max. charge current", *currents]], style=GRID)
    table.wrapOn(canvas, 400, 200)
    table.drawOn(canvas, 60, 700)
    canvas.save()


def min_typ_max(path, ruled_lines=True):
    """Columns Min, Typ, Max, Unit, with and without rules."""
    rows = [["Parameter", "Min", "Typ", "Max", "Unit"], ["Capacity", "4850", "5000", "", "mAh"],
            ["Nominal voltage", "", "3.6", "", "V"], ["Charge voltage", "4.15", "4.20", "4.25", "V"],
            ["Discharge cut-off voltage", "2.5", "", "", "V"], ["Charge current", "", "1.5", "2.5", "A"],
            ["Continuous discharge current", "", "", "10", "A"], ["AC impedance 1 kHz", "", "15", "21", "mohm"],
            ["Charge temperature", "0", "", "45", "°C"], ["Mass", "", "68", "69", "g"]]
    if ruled_lines:
        _built(path, [Paragraph(line, STYLE["Normal"]) for line in ACME_HEAD] + [Table(rows, style=GRID)])
        return
    canvas = Canvas(str(path), pagesize=A4)
    for n, line in enumerate(ACME_HEAD):
        canvas.drawString(60, 790 - 16 * n, line)
    for n, row in enumerate(rows):
        for x, cell in zip((60, 260, 320, 380, 440), row, strict=True):
            canvas.drawString(x, 700 - 18 * n, cell)
    canvas.save()


def two_columns(path, items=ACME):
    """Prose left and right; the specification as lines of prose in the right column."""
    canvas = Canvas(str(path), pagesize=A4)
    for n, line in enumerate(ACME_HEAD):
        canvas.drawString(60, 800 - 16 * n, line)
    words = (PROSE * 9).split()
    left = [" ".join(words[i:i + 9]) for i in range(0, 225, 9)]
    right = [f"{label} of this cell: {value}" for label, value, _ in items[:10]] + left[:15]
    canvas.setFont("Helvetica", 8)
    for n, (a, b) in enumerate(zip(left, right, strict=False)):
        canvas.drawString(50, 700 - 14 * n, a)
        canvas.drawString(320, 700 - 14 * n, b)
    canvas.save()


def long(path, pages):
    """A manual; its specification stands on page 2, a remark on the last page."""
    canvas = Canvas(str(path), pagesize=A4)
    for page in range(1, pages + 1):
        canvas.drawString(60, 800, f"Battery manual, page {page}")
        if page == 2:
            for n, (label, value, _) in enumerate(ACME):
                canvas.drawString(60, 760 - 18 * n, f"{label}: {value}")
        elif page == pages:
            canvas.drawString(60, 760, "The rubber gasket is renewed every eleven years.")
        canvas.showPage()
    canvas.save()


def scanned(path, text_page=False):
    """A picture of a page; with `text_page` behind a page of text."""
    canvas = Canvas(str(path), pagesize=A4)
    if text_page:
        canvas.drawString(60, 780, "Nominal capacity: 5000 mAh")
        canvas.showPage()
    canvas.drawImage(ImageReader(io.BytesIO(picture())), 0, 0, *A4)
    canvas.save()


def picture() -> bytes:
    """A JPEG with print on it."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (900, 1200), "white")
    ImageDraw.Draw(image).text((80, 100), "Max. charge current 2.5 A", fill="black", font_size=48)
    out = io.BytesIO()
    image.save(out, "JPEG")
    return out.getvalue()


def encrypted(path):
    from reportlab.lib.pdfencrypt import StandardEncryption

    canvas = Canvas(str(path), encrypt=StandardEncryption("secret", "owner"))
    canvas.drawString(60, 780, "Max. charge current 2.5 A")
    canvas.save()


def hidden(path, secret):
    """White, minute and off-page text beside one honest line."""
    canvas = Canvas(str(path), pagesize=A4)
    canvas.drawString(60, 780, "Nominal capacity: 5000 mAh")
    canvas.setFillColorRGB(1, 1, 1)
    canvas.drawString(60, 740, secret)
    canvas.setFillColorRGB(0, 0, 0)
    canvas.setFont("Helvetica", 0.8)
    canvas.drawString(60, 700, secret)
    canvas.setFont("Helvetica", 12)
    canvas.drawString(60, -400, secret)
    canvas.save()


def docx_of(path, items=ACME):
    import docx

    document = docx.Document()
    for line in ACME_HEAD:
        document.add_paragraph(line)
    table = document.add_table(rows=0, cols=3)
    for row in (("Item", "Specification", "Remark"), *items):
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    document.save(str(path))


def html_of(path, items=ACME):
    rows = "".join(f"<tr><td>{a}</td><td>{b}</td><td>{c}</td></tr>" for a, b, c in items)
    head = "".join(f"<p>{line}</p>" for line in ACME_HEAD)
    path.write_text(f"<!doctype html><html><head><title>x</title></head><body>{head}<table><tr><th>Item</th>"
                    f"<th>Specification</th><th>Remark</th></tr>{rows}</table></body></html>", encoding="utf-8")


def markdown_of(path, items=ACME):
    rows = "\n".join(f"| {a} | {b} | {c} |" for a, b, c in items)
    path.write_text("\n".join(ACME_HEAD) + f"\n\n| Item | Specification | Remark |\n|---|---|---|\n{rows}\n",
                    encoding="utf-8")


def csv_of(path, items=ACME):
    import csv

    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("Item", "Specification", "Remark"), ("Manufacturer", "Acme Cells Ltd", ""),
                                    ("Model", "ACX21700-9", ""), ("Chemistry", "NMC", ""), *items])


def _built(path, story):
    SimpleDocTemplate(str(path), pagesize=A4).build(story)
