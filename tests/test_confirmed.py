"""Facts of documents act on a charge only once a person confirmed them, and widen nothing unasked."""

import datasheets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.facts import extract
from retrieval.files import read_document
from tools.cells import find_cell, load_catalogue, using
from tools.confirmed import catalogue_of, confirm, forget, keep, overview, withdraw
from tools.contract import Context
from tools.envelope import limits
from tools.errors import BadArgument, CannotAnswer
from tools.facts import DocumentFacts, Fact
from tools.own_cells import laid_over, loosened

M50LT = find_cell("LG M50LT")  # LG 2021-LSD-MBD-b00002: 0.3C from 0 to 25 °C, 0.7C = 3.36 A from 25 to 45 °C, 4.2 V

# Wrong values of public automatic datasheet extractions (battinfo-records, battery-data) and the makers' own.
EXTRACTION_ERRORS = (
    ("LG M50LT", "charge_current_max_a", 0.0029), ("LG M50LT", "impedance_ac_1khz_mohm", 6.0),
    ("LG M50LT", "mass_g", 1.0),
    ("LG MJ1", "diameter_mm", 0.3), ("Samsung 30Q", "voltage_charge_cutoff_v", 8.2),
    ("Samsung 30Q", "discharge_current_max_continuous_a", 1.8),
    ("Samsung 35E", "discharge_current_max_continuous_a", 13.0),
    ("EVE LF280K", "mass_g", 200.0), ("EVE LF105", "mass_g", 50.0), ("HiNa 32140", "diameter_mm", 0.2),
    ("Kokam 7.5Ah", "capacity_nominal_ah", 0.15625))


@pytest.fixture
def acme(tmp_path):
    """A home whose tenant north added the datasheet of a cell that nobody knows."""
    datasheets.ruled(tmp_path / "acme.pdf")
    keep(tmp_path, extract(read_document(tmp_path / "acme.pdf"), "first", "north"))
    return tmp_path


def _said(home, tenant="north", document="sheet.pdf", cell="LG M50LT", digest="0", chemistry="not stated", **values):
    """A document about a known cell that states these values on page 1."""
    facts = tuple(Fact(field=name, value=value, page=1, quote=f"{name} {value}") for name, value in values.items())
    return keep(home, DocumentFacts(document=document, digest=digest, tenant=tenant, facts=facts, chemistry=chemistry,
                                    cell=find_cell(cell).id if cell else ""))


def _current_a(home, tenant, name="LG M50LT", temperature_c=30.0, envelope="datasheet"):
    with using(catalogue_of(home, tenant)):
        return limits(find_cell(name), temperature_c, 50, envelope).max_current_a


def test_unconfirmed_documents_change_nothing(tmp_path):
    for n, (cell, field, value) in enumerate(EXTRACTION_ERRORS):
        _said(tmp_path, document=f"{n}.pdf", cell=cell, **{field: value})
    _said(tmp_path, charge_current_max_a=500.0, charge_temperature_min_c=-30.0, voltage_charge_cutoff_v=4.3)
    assert catalogue_of(tmp_path, "north") == load_catalogue()
    with pytest.raises(CannotAnswer, match="No cell"), using(catalogue_of(tmp_path, "north")):
        find_cell("ACX21700-9")


def test_a_new_cell_enters_the_catalogue_of_its_tenant_once_confirmed(acme):
    report = confirm(acme, "north", "acme.pdf")
    assert report["cell"] == "Acme ACX21700-9" and report["left"] == [] and report["note"] is None
    assert len(report["confirmed"]) == 21
    for temperature_c, current_a in ((-1, 0), (5, 0.5), (15, 1.5), (30, 2.5), (46, 0)):  # 0.1C, 0.3C, 0.5C of 5 Ah
        assert _current_a(acme, "north", "acx21700-9", temperature_c) == pytest.approx(current_a)
    with using(catalogue_of(acme, "north")):
        limit = limits(find_cell("Acme ACX21700-9"), 15, 50)
    assert "confirmed from acme.pdf, page 2" in limit.max_current_source
    assert "confirmed from acme.pdf, page 1" in limit.max_voltage_source
    with pytest.raises(CannotAnswer), using(catalogue_of(acme, "south")):
        find_cell("ACX21700-9")
    assert _current_a(acme, None, "acx21700-9", 30) == pytest.approx(2.5)  # the operator sees every tenant's cells


def test_a_tool_answers_on_a_confirmed_cell_and_on_no_other(acme):
    from retrieval.toolset import tool_named

    simulate = tool_named("simulate_charge")
    asked = simulate.parse({"cell_model": "ACX21700-9", "current_a": 2.0, "soc_start_percent": 20,
                            "soc_end_percent": 40})
    north = Context(home=acme, tenant="north")
    with pytest.raises(CannotAnswer, match="No cell 'ACX21700-9'"):
        simulate.run(asked, north)
    confirm(acme, "north", "acme.pdf")
    result = simulate.run(asked, north)
    assert result.cell_model == "Acme ACX21700-9"
    with pytest.raises(CannotAnswer, match="No cell"):
        simulate.run(asked, Context(home=acme, tenant="south"))


def test_a_new_cell_needs_capacity_and_charge_voltage(acme):
    report = confirm(acme, "north", "acme.pdf", ["charge_current_max_a", "capacity_nominal_ah"])
    assert "takes a confirmed voltage_charge_cutoff_v" in report["note"]
    with pytest.raises(CannotAnswer), using(catalogue_of(acme, "north")):
        find_cell("ACX21700-9")
    assert confirm(acme, "north", "acme.pdf", ["voltage_charge_cutoff_v"])["note"] is None
    # No window, no bands, no standard current confirmed: the usual 0 to 45 degC and the sheet's maximum.
    assert _current_a(acme, "north", "ACX21700-9", 30) == pytest.approx(2.5)


def test_a_maximum_for_warm_cells_only_holds_for_warm_cells_only(tmp_path):
    datasheets.ruled(tmp_path / "acme.pdf", bands=())  # "0.5C (2.5A)", remark "25 to 45 °C"
    keep(tmp_path, extract(read_document(tmp_path / "acme.pdf"), "0", "north"))
    confirm(tmp_path, "north", "acme.pdf")
    assert _current_a(tmp_path, "north", "ACX21700-9", 30) == pytest.approx(2.5)
    assert _current_a(tmp_path, "north", "ACX21700-9", 10) == pytest.approx(1.5)  # the standard current


def test_a_tighter_limit_takes_effect_and_shows_both_values(tmp_path):
    _said(tmp_path, charge_current_max_a=2.0)
    (done,) = confirm(tmp_path, "north", "sheet.pdf")["confirmed"]
    assert done["effect"] == "tightens"
    with using(catalogue_of(tmp_path, "north")):
        cell = find_cell("M50LT")
        limit = limits(cell, 30, 50)
    assert limit.max_current_a == 2.0
    assert "confirmed from sheet.pdf, page 1; the catalogue states 3.36 A" in limit.max_current_source
    assert {v["value"] for c in cell.conflicts for v in c["values"] if c["field"] == "charge_current_max_a"} == {
        "3.36 A", "2 A"}
    assert _current_a(tmp_path, "south") == 3.36
    assert _current_a(tmp_path, None) == 2.0  # what one tenant's sheet forbids, the operator does not recommend


def test_a_wider_limit_takes_name_and_widen_and_keeps_both_values(tmp_path):
    band = {"temp_min_c": 0.0, "temp_max_c": 45.0, "c_rate_max": 1.0}
    _said(tmp_path, charge_current_max_a=4.8, charge_derating=(band,))
    for names, widen in (((), False), ((), True), (("charge_derating", "charge_current_max_a"), False)):
        report = confirm(tmp_path, "north", "sheet.pdf", names, widen=widen)
        assert [done["effect"] for done in report["confirmed"]] == ["differs"]  # the bands bind before the maximum does
        assert ["--widen" in left["why"] for left in report["left"]] == [True]
        assert _current_a(tmp_path, "north") == 3.36
    assert "3.36 A instead of 1.44 A" in report["left"][0]["why"]
    confirm(tmp_path, "north", "sheet.pdf", ["charge_current_max_a", "charge_derating"], widen=True)
    assert _current_a(tmp_path, "north") == 4.8
    with using(catalogue_of(tmp_path, "north")):
        cell = find_cell("M50LT")
        assert "the catalogue states 3.36 A" in limits(cell, 30, 50).max_current_source
    assert any(c["field"] == "charge_current_max_a" for c in cell.conflicts)
    assert _current_a(tmp_path, None) == 3.36 and _current_a(tmp_path, "south") == 3.36
    withdraw(tmp_path, "north", "sheet.pdf")
    assert _current_a(tmp_path, "north") == 3.36


@pytest.mark.parametrize(("cell", "field", "wrong"), EXTRACTION_ERRORS)
def test_wrong_extractions_never_replace_the_catalogues_value(tmp_path, cell, field, wrong):
    right = find_cell(cell).facts.get(field)
    _said(tmp_path, cell=cell, **{field: wrong})
    for named in ((), (field,)):
        try:
            confirm(tmp_path, "north", "sheet.pdf", named, widen=True)
        except CannotAnswer as refusal:
            assert "cannot be right" in str(refusal)
        with using(catalogue_of(tmp_path, "north")):
            assert find_cell(cell).facts.get(field) == right
    shown = overview(tmp_path, "north", "sheet.pdf")[0]["facts"][0]
    assert shown["state"] == "impossible" or shown["effect"] == "differs"


def test_a_doubted_value_is_confirmed_by_name_only_and_a_double_one_by_value(tmp_path):
    twice = tuple(Fact(field="voltage_charge_cutoff_v", value=v, page=p, doubt="two values")
                  for v, p in ((4.1, 1), (4.15, 2)))
    keep(tmp_path, DocumentFacts(document="x.pdf", digest="0", tenant="north", cell=M50LT.id, facts=twice))
    report = confirm(tmp_path, "north", "x.pdf")
    assert report["confirmed"] == [] and len(report["left"]) == 2
    with pytest.raises(BadArgument, match="more than once: say voltage_charge_cutoff_v=4.1"):
        confirm(tmp_path, "north", "x.pdf", ["voltage_charge_cutoff_v"])
    with pytest.raises(BadArgument, match="only what a document states"):
        confirm(tmp_path, "north", "x.pdf", ["voltage_charge_cutoff_v=4.05"])
    confirm(tmp_path, "north", "x.pdf", ["voltage_charge_cutoff_v=4.1"])
    with using(catalogue_of(tmp_path, "north")):
        assert limits(find_cell("M50LT"), 25, 50).max_voltage_v == 4.1


def test_a_changed_file_confirms_nothing_and_withdraws_nothing(tmp_path):
    _said(tmp_path, charge_current_max_a=2.0)
    confirm(tmp_path, "north", "sheet.pdf")
    _said(tmp_path, digest="1", charge_current_max_a=3.0, cell="LG M50T")  # the same name, other content
    assert _current_a(tmp_path, "north") == 2.0
    (shown,) = overview(tmp_path, "north", "sheet.pdf")
    assert {f["value"]: f["state"] for f in shown["facts"]} == {"3 A": "unconfirmed", "2 A": "confirmed"}
    assert "still in force and not stated by this one: charge_current_max_a = 2 A" in shown["remarks"][0]
    assert forget(tmp_path, "north", "sheet.pdf") == 1  # the file goes, the person's word stays
    assert _current_a(tmp_path, "north") == 2.0
    withdraw(tmp_path, "north", "sheet.pdf")
    assert _current_a(tmp_path, "north") == 3.36 and overview(tmp_path, "north") == []


def test_a_known_cells_name_cannot_be_taken(tmp_path):
    values = {"voltage_charge_cutoff_v": 4.4, "capacity_nominal_ah": 6.0, "charge_current_max_a": 20.0}
    facts = tuple(Fact(field=name, value=value) for name, value in values.items())
    keep(tmp_path, DocumentFacts(document="x.pdf", digest="0", tenant="north", model="LG M50LT", facts=facts))
    with pytest.raises(CannotAnswer, match="LG M50LT of the catalogue"):
        confirm(tmp_path, "north", "x.pdf")
    assert catalogue_of(tmp_path, "north") == load_catalogue()


def test_two_documents_of_one_new_cell_tighten_each_other(acme, tmp_path):
    confirm(acme, "north", "acme.pdf")
    second = extract(read_document(tmp_path / "acme.pdf"), "0", "north").model_copy(update={
        "document": "rev2.pdf", "facts": (Fact(field="charge_current_max_a", value=2.0, page=1),)})
    keep(acme, second)
    confirm(acme, "north", "rev2.pdf")
    assert _current_a(acme, "north", "ACX21700-9", 30) == 2.0
    keep(acme, second.model_copy(update={"document": "rev3.pdf", "facts": (
        Fact(field="charge_temperature_max_c", value=60.0, page=1),)}))
    confirm(acme, "north", "rev3.pdf")  # would charge at 50 °C: a wider window than the first document's
    assert _current_a(acme, "north", "ACX21700-9", 50) == 0


def test_errors_name_what_there_is(acme):
    for act, reason in ((lambda: confirm(acme, "north", "other.pdf"), "facts were read from acme.pdf"),
                        (lambda: confirm(acme, "north", "acme.pdf", ["colour"]), "has no field colour; it states c"),
                        (lambda: confirm(acme, "north", "acme.pdf", ["mass_g=x"]), "'x' is not a number"),
                        (lambda: confirm(acme, "north", "acme.pdf", chemistry="lead"), "these are: NMC"),
                        (lambda: withdraw(acme, "north", "acme.pdf", ["mass_g"]), "mass_g of acme.pdf is not")):
        with pytest.raises((CannotAnswer, BadArgument), match=reason):
            act()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([c for c in load_catalogue()]), st.sampled_from([
    "charge_current_max_a", "charge_current_standard_a", "charge_current_rapid_a", "voltage_charge_cutoff_v",
    "charge_temperature_min_c", "charge_temperature_max_c", "capacity_nominal_ah", "capacity_minimum_ah"]),
    st.floats(-30, 400, allow_nan=False))
def test_no_confirmed_value_widens_any_limit_of_any_cell_unasked(cell, field, value):
    changed, effect, _ = laid_over(cell, Fact(field=field, value=value), "x.pdf")
    assert loosened(cell, changed) is None, effect
    for temperature_c in (-25, -5, 5, 20, 40, 50, 62):  # apart from `loosened` itself
        for envelope in ("datasheet", "physics"):
            try:
                before = limits(cell, temperature_c, 50, envelope).max_current_a
            except CannotAnswer:
                before = 0.0
            try:
                after = limits(changed, temperature_c, 50, envelope).max_current_a
            except CannotAnswer:
                after = 0.0
            assert after <= before * (1 + 1e-6)


def test_a_fleet_may_be_of_an_own_cell(acme, tmp_path):
    from retrieval.toolset import tool_named
    from tests.test_fleet import PACKS
    from tools.fleet.importing import ImportFailed, import_file

    (tmp_path / "packs.csv").write_text(PACKS.replace("LG M50LT", "ACX21700-9"))
    with pytest.raises(ImportFailed, match="ACX21700-9"):
        import_file(tmp_path / "packs.csv", acme, "north")
    confirm(acme, "north", "acme.pdf")
    import_file(tmp_path / "packs.csv", acme, "north")
    status = tool_named("get_status")
    told = status.run(status.parse({"asset_id": "PK-1001"}), Context(home=acme, tenant="north"))
    assert told.cell_model == "Acme ACX21700-9"


def test_what_two_people_confirm_at_once_is_kept_of_both(acme):
    from threading import Thread

    fields = ["capacity_nominal_ah", "voltage_charge_cutoff_v", "mass_g", "height_mm", "diameter_mm"]
    people = [Thread(target=confirm, args=(acme, "north", "acme.pdf", [name])) for name in fields]
    for person in people:
        person.start()
    for person in people:
        person.join()
    (shown,) = overview(acme, "north")
    assert {f["field"] for f in shown["facts"] if f["state"] == "confirmed"} == set(fields)
