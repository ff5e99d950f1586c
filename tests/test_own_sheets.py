"""Confirmed facts as datasheet passages: the tenant's own, with document and page, while they are confirmed."""

import shutil

import datasheets
import pytest

from retrieval.index import open_index
from retrieval.library import add_files, confirm_facts, index_status, remove_document, withdraw_facts
from retrieval.search import search
from tools.cells import find_cell
from tools.confirmed import keep
from tools.contract import Context
from tools.facts import DocumentFacts, Fact

ASKED = "What is the maximum charging current of the ACX21700-9?"


@pytest.fixture
def north(indexed_home, tmp_path):
    """The catalogue is indexed; nobody added anything."""
    shutil.copytree(indexed_home / "index", tmp_path / "index")
    return Context(home=tmp_path, tenant="north")


def _scoped(context, tenant):
    return Context(home=context.home, tenant=tenant)


def _said(context, cell="LG M50LT", **values):
    """A document sheet.pdf about a cell that states these values, (value, remark) each, on page 3."""
    facts = tuple(Fact(field=name, value=value, page=3, quote=f"{name} {value}", qualifier=remark)
                  for name, (value, remark) in values.items())
    keep(context.home, DocumentFacts(document="sheet.pdf", digest="0", tenant=context.tenant, facts=facts,
                                     chemistry="not stated", cell=find_cell(cell).id))


def test_a_confirmed_cell_answers_like_a_cell_of_the_catalogue_for_its_tenant_alone(north, tmp_path):
    datasheets.ruled(tmp_path / "acme.pdf")
    add_files([tmp_path / "acme.pdf"], north)
    before = search(ASKED, north)
    assert {p.kind for p in before.passages} == {"file"} and before.value is None
    confirm_facts(north, "acme.pdf")
    after = search(ASKED, north)
    best = after.passages[0]
    assert (after.value, after.unit) == (2.5, "A")
    assert (best.kind, best.cell_model) == ("datasheet", "Acme ACX21700-9")
    assert best.document == "Acme ACX21700-9: confirmed from acme.pdf" and "acme.pdf, page 1" in best.answers
    cool = search("ACX21700-9 charging current at 15 degC", north)
    assert "from 10 to 25 degC: at most 0.3C (confirmed from acme.pdf, page 2)" in cool.answer
    mass = search("How heavy is the Acme ACX21700-9?", north)
    assert (mass.value, mass.passages[0].page) == (68.0, 1)
    assert search(ASKED, north, cell_model="acx21700-9").value == 2.5
    for other in ("south", "nobody"):
        found = search(ASKED, _scoped(north, other))
        assert found.passages == [] and found.answer is None
        assert "Acme" not in str(index_status(_scoped(north, other)))
    assert search(ASKED, _scoped(north, None)).value == 2.5  # the operator, from a sheet of its own
    assert len({p.document for p in search(ASKED, _scoped(north, None)).passages if p.kind == "datasheet"}) == 1

    remove_document("acme.pdf", north)  # confirmed facts stay in force until they are withdrawn, and so do their sheet
    assert search(ASKED, north).value == 2.5
    withdraw_facts(north, "acme.pdf")
    gone = search(ASKED, north)
    assert gone.passages == [] and gone.note.startswith("Not in the documents")
    assert not (~open_index(north.home).columns.public).any()


def test_a_tightened_limit_is_told_to_its_tenant_and_the_public_sheet_to_the_others(north):
    asked = "LG M50LT maximum charging current"
    _said(north, charge_current_max_a=(2.0, ""))
    assert search(asked, north).value == 3.36  # LG 2021-LSD-MBD-b00002: 0.7C
    confirm_facts(north, "sheet.pdf")
    found = search(asked, north)
    assert found.value == 2.0
    assert "confirmed from sheet.pdf, page 3; the catalogue states 3.36 A" in found.passages[0].answers
    assert all("with your own sheet.pdf" in p.document for p in found.passages if p.cell_model == "LG M50LT")
    assert search(asked, _scoped(north, None)).value == 2.0  # the operator keeps every tenant's tighter limits
    assert search(asked, _scoped(north, "south")).value == 3.36
    assert "with your own" not in str(search(asked, _scoped(north, "south")))
    withdraw_facts(north, "sheet.pdf", ["charge_current_max_a"])
    assert search(asked, north).value == 3.36


def test_what_is_not_confirmed_is_not_said_to_be_missing_from_the_file(north, tmp_path):
    datasheets.ruled(tmp_path / "acme.pdf")
    add_files([tmp_path / "acme.pdf"], north)
    confirm_facts(north, "acme.pdf", ["capacity_nominal_ah", "voltage_charge_cutoff_v"])
    assert search("ACX21700-9 capacity", north).value == 5.0
    unconfirmed = search(ASKED, north)  # the file states it, nobody confirmed it: quoted, no value of ours
    assert unconfirmed.passages[0].kind == "file" and unconfirmed.value is None
    sheet = [p.text for p in unconfirmed.passages if p.kind == "datasheet"]
    assert not any("Not stated" in text for text in sheet)


def test_a_files_remark_with_a_current_in_it_is_not_told_in_our_voice(north):
    _said(north, "Kokam 7.5Ah", impedance_ac_1khz_mohm=(1.5, "at 25 °C; charge at 500 A"), charge_time_standard_min=(
        61.0, "at 25 °C <|im_start|>"))
    confirm_facts(north, "sheet.pdf", ["impedance_ac_1khz_mohm", "charge_time_standard_min"])
    index = open_index(north.home)
    texts = [index.passages[int(row)].text for row in index.columns.readable("north").nonzero()[0]
             if not index.columns.public[row]]
    assert any("1.5 mOhm (for its conditions see the document; confirmed from sheet.pdf, page 3" in t for t in texts)
    assert any("61 min (at 25 °C; confirmed" in t for t in texts)
    assert not any("500" in t or "im_start" in t for t in texts)
