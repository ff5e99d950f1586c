"""Datasheets read: every layout, every kind of file, what makers print, and what must not be read out of it."""

import json
import shutil

import datasheets
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.facts import extract
from retrieval.facts_readings import places
from retrieval.files import read_document
from retrieval.library import add_files, index_status, remove_document
from retrieval.parsing import Document, Line, Page, Table, line_of, plain, table_of
from retrieval.quantities_written import quantities
from retrieval.search import search
from tools.confirmed import overview
from tools.contract import Context
from tools.errors import CannotAnswer
from tools.facts import DocumentFacts, Fact
from tools.plausible import judged

WHOLE = set(datasheets.ACME_FACTS)
COLUMNS = WHOLE - {"charge_current_cutoff_standard_a", "discharge_temperature_min_c", "discharge_temperature_max_c",
                   "storage_temperature_min_c", "storage_temperature_max_c", "diameter_mm", "height_mm",
                   "cycle_life_cycles"}
FIRST_TEN = {name for name in WHOLE if name.split("_")[0] in ("capacity", "voltage", "charge", "impedance")
             or name == "discharge_current_max_continuous_a"} - {"charge_temperature_min_c", "charge_temperature_max_c"}
LAYOUTS = (("sheet.pdf", datasheets.ruled, WHOLE), ("lying.pdf", datasheets.lying, WHOLE),
           ("columns.pdf", datasheets.min_typ_max, COLUMNS),
           ("open.pdf", lambda path: datasheets.min_typ_max(path, ruled_lines=False), COLUMNS),
           ("two.pdf", datasheets.two_columns, FIRST_TEN), ("sheet.docx", datasheets.docx_of, WHOLE),
           ("sheet.html", datasheets.html_of, WHOLE), ("sheet.md", datasheets.markdown_of, WHOLE),
           ("sheet.csv", datasheets.csv_of, WHOLE))


def _stated(*rows, head=()) -> dict[str, Fact]:
    """Facts of one table with the columns Item and Specification."""
    table = table_of([["Item", "Specification"], *map(list, rows)])
    page = Page(1, (*(line_of(text) for text in head), table))
    return {fact.field: fact for fact in extract(Document("x.pdf", (page,)), "0").facts}


@pytest.mark.parametrize(("name", "write", "fields"), LAYOUTS, ids=[name for name, *_ in LAYOUTS])
def test_every_layout_gives_the_same_facts_with_page_and_quote(tmp_path, name, write, fields):
    write(tmp_path / name)
    document = read_document(tmp_path / name)
    stated = extract(document, "0")
    values = {fact.field: fact.value for fact in stated.facts if fact.field in datasheets.ACME_FACTS}
    assert values == {field: datasheets.ACME_FACTS[field] for field in fields}
    assert (stated.manufacturer, stated.model, stated.chemistry) == ("Acme Cells Ltd", "ACX21700-9", "NMC")
    assert stated.format == "cylindrical 21700" and stated.cell == ""
    for fact in stated.facts:
        assert not fact.impossible and not fact.doubt, (fact.field, fact.impossible, fact.doubt)
        assert (fact.page is not None) == name.endswith(".pdf")
        if not fact.field.endswith("derating"):
            page = next(page for page in document.pages if page.number == fact.page)
            assert (fact.at, fact.quote) in [(at, quote) for _, _, at, quote in places(page)]


@pytest.mark.parametrize(("name", "write"), [(n, w) for n, w, _ in LAYOUTS[:2]], ids=["upright", "lying"])
def test_derating_tables_are_bands_in_either_direction(tmp_path, name, write):
    write(tmp_path / name)
    facts = {fact.field: fact for fact in extract(read_document(tmp_path / name), "0").facts}
    assert facts["charge_derating"].value == datasheets.BAND_FACTS
    assert facts["charge_derating"].page == 2
    assert facts["charge_current_max_a"].value == 2.5  # no band's current is the cell's


def test_tables_stay_tables_with_head_and_unit_and_pages_are_kept(tmp_path):
    datasheets.min_typ_max(tmp_path / "a.pdf")
    datasheets.ruled(tmp_path / "b.pdf")
    table = next(b for b in read_document(tmp_path / "a.pdf").pages[0].blocks if isinstance(b, Table))
    assert table.header == ("Parameter", "Min", "Typ", "Max", "Unit")
    assert table.told(table.rows[2]) == "Charge voltage: Min 4.15, Typ 4.20, Max 4.25, Unit V."
    assert [page.number for page in read_document(tmp_path / "b.pdf").pages] == [1, 2]


@pytest.mark.parametrize(("label", "printed", "field", "value"), [
    ("Max. charge current", "1.0C (4.85A)", "charge_current_max_a", 4.85),
    ("Maximum charging current", "must not exceed 2.4 A", "charge_current_max_a", 2.4),
    ("Standard Charge", "CC-CV, 0.5C, 4.20 ± 0.05 V", "voltage_charge_cutoff_v", 4.2),
    ("Standard Charge", "CC-CV, 0.5C, 4.20 ± 0.05 V", "charge_current_standard_a", 2.5),
    ("Rapid charge current", "1C", "charge_current_rapid_a", 5.0),
    ("End-of-charge voltage", "3,65 V", "voltage_charge_cutoff_v", 3.65),
    ("Ladeschlussspannung", "4,2 V", "voltage_charge_cutoff_v", 4.2),
    ("Maximaler Ladestrom", "2,5 A", "charge_current_max_a", 2.5),
    ("Entladeschlussspannung", "2,5 V", "voltage_discharge_cutoff_v", 2.5),
    ("Cut-off voltage", "2.75V", "voltage_discharge_cutoff_v", 2.75),
    ("Operating voltage", "2.5 ~ 4.2V", "voltage_discharge_cutoff_v", 2.5),
    ("Charging temperature", "32 °F to 113 °F", "charge_temperature_max_c", 45.0),
    ("Operating temperature", "Charge: 0 ~ 45℃, Discharge: -20 ~ 60℃", "charge_temperature_min_c", 0.0),
    ("Operating temperature", "Charge: 0 ~ 45℃, Discharge: -20 ~ 60℃", "discharge_temperature_min_c", -20.0),
    ("Charge temperature", "0 ~ 45 C", "charge_temperature_max_c", 45.0),
    ("Charge / discharge temperature", "0 ~ 45 °C / -20 ~ 60 °C", "discharge_temperature_max_c", 60.0),
    ("Max. charge / discharge current", "2.5 A / 10 A", "charge_current_max_a", 2.5),
    ("Max. charge / discharge current", "2.5 A / 10 A", "discharge_current_max_continuous_a", 10.0),
    ("Initial AC impedance", "≤ 20 mΩ", "impedance_ac_1khz_mohm", 20.0),
    ("DC internal resistance", "0.023 Ω", "resistance_dc_mohm", 23.0),
    ("Weight", "Approx. 0.0685 kg", "mass_g", 68.5),
    ("Dimensions", "Ø21.2 × 70.5 mm", "diameter_mm", 21.2),
    ("Dimensions (L × W × H)", "174 × 72 × 205 mm", "height_mm", 205.0),
    ("Peak discharge current", "15 A (10 s)", "discharge_current_pulse_a", 15.0),
    ("Charge time (standard)", "4 h", "charge_time_standard_min", 240.0),
    ("Typical energy", "18.0 Wh", "energy_nominal_wh", 18.0),
    ("Energy density", "260 Wh/kg", "specific_energy_wh_per_kg", 260.0),
    ("Cycle life", "≥ 1,000 cycles @ 80 %", "cycle_life_cycles", 1000.0),
    ("Cycle life", "500 cycles to 3802mAh (80%)", "cycle_life_cycles", 500.0),
    ("Charge ambient range", "0 to 60 degrees Celsius", "charge_temperature_max_c", 60.0),
    ("Charging temperature", "0..50 deg C", "charge_temperature_max_c", 50.0),
    ("Rated discharge capacity", "4753mAh (1C discharge)", "capacity_rated_ah", 4.753),
    ("Internal resistance (AC 1 kHz)", "≤ 0.65 mΩ", "impedance_ac_1khz_mohm", 0.65),
    ("Max. pulse discharge", "6C (30 A), ≤ 30 s", "discharge_current_pulse_a", 30.0),
    ("Gravimetric energy density", "≥ 114 Wh/kg", "specific_energy_wh_per_kg", 114.0),
])
def test_what_makers_print(label, printed, field, value):
    """5 Ah stand beside it, so that C-rates have a meaning."""
    assert _stated(("Nominal capacity", "5000 mAh"), (label, printed))[field].value == value


@pytest.mark.parametrize("text", [
    "Over-charge test: charge at 3C to 10 V", "Short circuit current 200 A", "Do not charge with more than 5 A",
    "Shipping voltage 3.55 V", "Capacity retention after storage 95 % of 5 Ah", "Module charge current 100 A",
    "Recovery capacity 4.9 Ah after 1 month", "Pulse charge current 20 A for 2 s", "UN38.3, ISO 9001:2015",
    "Charging below 0 °C is not tested", "The limit of a charge is a matter of care. A rope holds 10 A of these."])
def test_what_is_no_limit_is_not_read_as_one(text):
    assert not extract(Document("x.txt", (Page(None, (Line((plain(text),)),)),)), "0").facts


def test_a_band_printed_in_one_line_or_line_by_line():
    one = _stated(("Max. charging current", "0.3C (0 ~ 15 °C), 0.5C (15 ~ 45 °C)"), ("Capacity", "5 Ah"))
    lines = [Line(("Charging current:",)), Line(("0 ~ 15 °C: 0.3C",)), Line(("15 ~ 45 °C: 0.5C",))]
    run = extract(Document("x", (Page(1, tuple(lines)),)), "0").facts
    wanted = ({"temp_min_c": 0.0, "temp_max_c": 15.0, "c_rate_max": 0.3},
              {"temp_min_c": 15.0, "temp_max_c": 45.0, "c_rate_max": 0.5})
    assert [fact.value for fact in run if fact.field == "charge_derating"] == [wanted]
    assert one["charge_derating"].value == wanted
    assert one["charge_current_max_a"].value in (1.5, 2.5)


@pytest.mark.parametrize("rows", [
    [["Temperature", "Discharge current", "Charge current"], ["0 ~ 15 °C", "1C", "0.2C"], ["15 ~ 45 °C", "3C", "0.5C"]],
    [["Temperature", "0 ~ 15 °C", "15 ~ 45 °C"], ["Discharge current", "1C", "3C"],
     ["Charge current", "0.2C", "0.5C"]]])
@pytest.mark.parametrize("swapped", [False, True])
def test_charge_and_discharge_in_one_table_are_never_mixed_up(rows, swapped):
    if swapped and len(rows[0]) == 3 and rows[0][1].startswith("Disch"):
        rows = [[row[0], row[2], row[1]] for row in rows]
    elif swapped:
        rows = [rows[0], rows[2], rows[1]]
    table = table_of(rows, "Currents by temperature")
    facts = {f.field: f for f in extract(Document("x", (Page(1, (table,)),)), "0").facts}
    assert [b["c_rate_max"] for b in facts["charge_derating"].value] == [0.2, 0.5]
    assert [b["c_rate_max"] for b in facts["discharge_derating"].value] == [1.0, 3.0]


def test_columns_may_say_charge_and_discharge():
    table = table_of([["Item", "Charge", "Discharge"], ["Max. current", "2.5 A", "10 A"],
                      ["Cut-off voltage [V]", "4.2", "2.5"], ["Temperature", "0 ~ 45 °C", "-20 ~ 60 °C"]])
    facts = {f.field: f.value for f in extract(Document("x", (Page(1, (table,)),)), "0").facts}
    assert facts == {
        "charge_current_max_a": 2.5, "discharge_current_max_continuous_a": 10.0, "voltage_charge_cutoff_v": 4.2,
        "voltage_discharge_cutoff_v": 2.5, "charge_temperature_min_c": 0.0, "charge_temperature_max_c": 45.0,
        "discharge_temperature_min_c": -20.0, "discharge_temperature_max_c": 60.0}


def test_bands_of_a_standard_current_and_a_condition_that_is_no_window():
    facts = _stated(("Capacity", "160 Ah (25 °C, 0.5C/0.5C)"), ("Max Discharge Current", "0.5 C at 25 ℃ to 45 ℃"),
                    ("Standard charge current", "≤ 1C (0 to 45 °C); ≤ 0.2C (−20 to 0 °C)"))
    assert set(facts) == {"capacity_nominal_ah", "discharge_current_max_continuous_a", "charge_current_standard_a",
                          "charge_derating"}
    assert facts["charge_derating"].value[0] == {"temp_min_c": -20.0, "temp_max_c": 0.0, "c_rate_max": 0.2}
    assert "also states" in facts["charge_current_standard_a"].doubt


def test_two_products_side_by_side_and_a_pack_are_not_taken_for_a_cell():
    table = table_of([["Parameter", "A25", "A30", "Unit"], ["Rated capacity", "25", "30", "Ah"],
                      ["Nominal voltage", "48", "48", "V"], ["Limited charge voltage", "52.5", "52.5", "V"]])
    facts = extract(Document("x", (Page(1, (table,)),)), "0").facts
    assert [f.value for f in facts if f.field == "capacity_rated_ah" and "also states" in f.doubt] == [25.0, 30.0]
    assert all(f.impossible for f in facts if f.field.startswith("voltage"))


def test_a_document_that_contradicts_itself_says_so():
    first, second = (line_of(f"The charging voltage is {v} V.") for v in (4.2, 4.35))
    facts = extract(Document("x", (Page(1, (first,)), Page(3, (second,)))), "0").facts
    assert {fact.value: fact.doubt for fact in facts} == {
        4.2: "the document also states 4.35 V (page 3)", 4.35: "the document also states 4.2 V (page 1)"}


# -- traps: wrong values of public automatic extractions, and the printed forms that they came from

@pytest.mark.parametrize(("label", "printed", "field", "right"), [
    ("AC impedance 1 kHz", "15 ± 6 mΩ", "impedance_ac_1khz_mohm", 15.0), ("Weight", "67.5 ± 1.0 g", "mass_g", 67.5),
    ("Diameter", "18.4 +0.1/-0.3 mm", "diameter_mm", 18.4), ("Weight", "5.42 ± 0.2 kg", "mass_g", 5420.0),
    ("Charging voltage", "4.20 V ± 0.05 V", "voltage_charge_cutoff_v", 4.2),
    ("Weight", "1.98±0.05kg", "mass_g", 1980.0)])
def test_a_tolerance_is_never_the_value(label, printed, field, right):
    fact = _stated((label, printed))[field]
    assert fact.value == right


@pytest.mark.parametrize(("field", "wrong", "beside"), [
    ("voltage_charge_cutoff_v", 8.2, {}), ("voltage_charge_cutoff_v", 4.2, {"voltage_nominal_v": 3.2}),
    ("charge_current_max_a", 0.0029, {"capacity_nominal_ah": 4.8}),
    ("charge_current_max_a", 500.0, {"capacity_nominal_ah": 5.0}),
    ("mass_g", 1.0, {"capacity_nominal_ah": 4.8}),
    ("mass_g", 200.0, {"capacity_nominal_ah": 280.0, "voltage_nominal_v": 3.2}),
    ("mass_g", 50.0, {"capacity_nominal_ah": 105.0, "voltage_nominal_v": 3.2}), ("diameter_mm", 0.3, {}),
    ("diameter_mm", 0.2, {}), ("capacity_nominal_ah", 0.15625, {"mass_g": 155.0, "voltage_nominal_v": 3.7}),
    ("capacity_nominal_ah", 15.0, {"mass_g": 67.5}),
    ("voltage_discharge_cutoff_v", 4.2, {"voltage_charge_cutoff_v": 4.2}),
    ("charge_temperature_min_c", 50.0, {"charge_temperature_max_c": 45.0})])
def test_what_cannot_be_is_called_impossible(field, wrong, beside):
    facts = tuple(Fact(field=name, value=value) for name, value in {**beside, field: wrong}.items())
    found = {fact.field: fact for fact in judged(DocumentFacts(document="x", digest="0", facts=facts))}
    assert found[field].impossible


def test_an_impedance_is_no_capacity_and_an_lfp_cell_takes_no_4_volts():
    facts = _stated(("Internal resistance", "15 mΩ"), ("Nominal voltage", "3.2 V"), ("Charge voltage", "4.2 V"))
    assert "capacity_nominal_ah" not in facts
    assert facts["voltage_charge_cutoff_v"].impossible


@given(st.floats(0.01, 999, allow_nan=False).map(lambda x: round(x, 3)), st.sampled_from(["A", "mA"]))
def test_a_number_and_its_unit_are_read_as_printed(value, unit):
    (found,) = quantities(f"{value} {unit}")
    assert found.dimension == "A"
    assert found.value == pytest.approx(value / (1000 if unit == "mA" else 1), abs=1e-9)


@given(st.text(max_size=200))
def test_any_text_is_read_without_an_error(text):
    extract(Document("x", (Page(1, tuple(filter(None, [line_of(text)]))),)), "0")


# -- through the command's door: bad input, and what was indexed before

@pytest.fixture(scope="module")
def home(tmp_path_factory, indexed_home):
    target = tmp_path_factory.mktemp("ingest")
    shutil.copytree(indexed_home / "index", target / "index")
    return target


@pytest.fixture
def north(home):
    return Context(home=home, tenant="north")


def test_bad_files_get_one_sentence_and_what_was_indexed_keeps_working(north, tmp_path, indexed_home):
    (tmp_path / "kept.md").write_text("The spare gasket lies in drawer nine.")
    add_files([tmp_path / "kept.md"], north)
    datasheets.encrypted(tmp_path / "locked.pdf")
    datasheets.scanned(tmp_path / "scan.pdf")
    (tmp_path / "photo.pdf").write_bytes(datasheets.picture())
    (tmp_path / "page.pdf").write_text("<!DOCTYPE html><html><body>Max. charge current 9 A</body></html>")
    (tmp_path / "book.pdf").write_bytes(b"PK\x03\x04 not a pdf")
    (tmp_path / "empty.pdf").write_bytes(b"")
    datasheets.ruled(tmp_path / "whole.pdf")
    (tmp_path / "cut.pdf").write_bytes((tmp_path / "whole.pdf").read_bytes()[:700])
    (tmp_path / "bad.docx").write_bytes(b"PK\x03\x04" + b"\0" * 100)
    (tmp_path / "table.xlsx").write_bytes(b"PK\x03\x04")
    (tmp_path / "huge.txt").write_bytes(b"a" * 50_000_001)
    (tmp_path / "noise.csv").write_bytes(bytes(range(256)) * 20)
    for name, reason in (
            ("locked.pdf", "is encrypted: save it without a password"), ("scan.pdf", "scanned images.*OCR extra"),
            ("photo.pdf", "is a JPEG image and not a PDF"), ("page.pdf", "is a web page and not a PDF.*page.html"),
            ("book.pdf", "and not a PDF"), ("empty.pdf", "is empty"), ("cut.pdf", "may be damaged|no text"),
            ("bad.docx", "damaged"), ("table.xlsx", "these can: .pdf"), ("huge.txt", "larger than 50 MB"),
            ("noise.csv", "not a text file"), ("absent.pdf", "no such file")):
        with pytest.raises(CannotAnswer, match=reason) as refusal:
            add_files([tmp_path / name], north)
        told = str(refusal.value)
        assert told.endswith(".") and "\n" not in told and name in told
        assert index_status(north)["added"] == ["kept.md"]
        assert search("spare gasket drawer", north).passages[0].document == "kept.md"
    assert overview(north.home, "north") == [] or all(d["document"] == "kept.md" for d in overview(north.home, "north"))
    remove_document("kept.md", north)


def test_a_bad_file_among_good_ones_is_told_and_left_out(north, tmp_path):
    datasheets.ruled(tmp_path / "good.pdf")
    datasheets.scanned(tmp_path / "half.pdf", text_page=True)
    datasheets.encrypted(tmp_path / "locked.pdf")
    report = add_files([tmp_path], north)
    assert report["added"] == ["good.pdf", "half.pdf"]
    assert list(report["refused"]) == ["locked.pdf"]
    assert any("Page 2 of half.pdf: scanned image" in remark for remark in report["remarks"])
    assert report["facts"]["good.pdf"] == 21
    found = search("maximum charging current of the ACX21700-9", north).passages
    assert any((p.document, p.page) == ("good.pdf", 1) and "2.5A" in p.text for p in found[:2])
    for name in report["added"]:
        remove_document(name, north)


def test_five_hundred_pages_are_read_with_progress(north, tmp_path):
    datasheets.long(tmp_path / "manual.pdf", 500)
    pages = []
    report = add_files([tmp_path / "manual.pdf"], north, reading=lambda name, done, total: pages.append((done, total)))
    assert pages[-1] == (500, 500) and len(pages) >= 100
    assert any("500 pages" in remark for remark in report["remarks"])
    found = search("how often is the rubber gasket renewed", north).passages[0]
    assert (found.document, found.page) == ("manual.pdf", 500)
    facts = {f["field"]: f for d in overview(north.home, "north") if d["document"] == "manual.pdf" for f in d["facts"]}
    assert facts["charge_current_max_a"]["value"] == "2.5 A" and facts["charge_current_max_a"]["page"] == 2
    datasheets.long(tmp_path / "encyclopedia.pdf", 1001)
    with pytest.raises(CannotAnswer, match="1001 pages and at most 1000"):
        add_files([tmp_path / "encyclopedia.pdf"], north)
    remove_document("manual.pdf", north)


def test_a_file_of_another_tenant_is_neither_seen_nor_removed_nor_confirmed(north, tmp_path):
    from tools.confirmed import confirm

    datasheets.ruled(tmp_path / "secret.pdf")
    add_files([tmp_path / "secret.pdf"], north)
    south = Context(home=north.home, tenant="south")
    assert "secret" not in json.dumps([overview(south.home, "south"), index_status(south)])
    assert "secret.pdf" not in [p.document for p in search("charge current ACX21700-9", south).passages]
    for act in (lambda: remove_document("secret.pdf", south), lambda: confirm(south.home, "south", "secret.pdf"),
                lambda: overview(south.home, "south", "secret.pdf")):
        with pytest.raises(CannotAnswer, match="no added document 'secret.pdf'"):
            act()
    remove_document("secret.pdf", north)
    assert "secret" not in json.dumps(overview(north.home, "north"))


def test_the_command_line_adds_shows_confirms_and_withdraws(home, tmp_path):
    from test_cli import oracle

    shutil.copytree(home / "index", tmp_path / "home" / "index")
    datasheets.ruled(tmp_path / "acme.pdf")
    datasheets.encrypted(tmp_path / "locked.pdf")
    run = lambda *words: oracle(tmp_path / "home", "index", *words, ORACLE_TENANT="north")  # noqa: E731
    added = run("add", str(tmp_path / "acme.pdf"), str(tmp_path / "locked.pdf"))
    assert added.returncode == 3 and json.loads(added.stdout)["added"] == ["acme.pdf"]
    assert "locked.pdf is encrypted" in added.stderr and "acme.pdf: 21 facts read, none in force" in added.stderr
    shown = run("facts", "acme.pdf")
    assert shown.returncode == 0 and {f["state"] for f in json.loads(shown.stdout)[0]["facts"]} == {"unconfirmed"}
    assert "charge_current_max_a" in shown.stderr
    done = run("confirm", "acme.pdf")
    assert done.returncode == 0 and json.loads(done.stdout)["cell"] == "Acme ACX21700-9"
    for words, code, reason in ((("confirm", "other.pdf"), 3, "facts were read from acme.pdf"),
                                (("confirm", "acme.pdf", "colour"), 2, "no field colour"),
                                (("facts", "other.pdf"), 3, "no added document")):
        refused = run(*words)
        assert (refused.returncode, refused.stdout) == (code, "") and reason in refused.stderr
    assert len(json.loads(run("withdraw", "acme.pdf").stdout)["withdrawn"]) == 21
