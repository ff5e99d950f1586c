"""Datasheets dropped into the chat, as a person sees it."""

import shutil
from types import SimpleNamespace

import datasheets
import pytest

from oracle.chat import conversation
from oracle.chat_documents import DocumentTurn, added, chosen, confirmed
from tests.test_chat import Page, chat_of, chromium
from tools.cells import find_cell, using
from tools.confirmed import catalogue_of
from tools.contract import Context
from tools.envelope import limits


@pytest.fixture
def context(tmp_path, indexed_home):
    shutil.copytree(indexed_home / "index", tmp_path / "home" / "index")
    return Context(home=tmp_path / "home", tenant="north")


def _uploaded(tmp_path, context, write=datasheets.ruled, name="acme.pdf") -> DocumentTurn:
    write(tmp_path / name)
    turn = DocumentTurn([name])
    list(added(turn, [str(tmp_path / name)], context))
    return turn


def _buttons(turn) -> dict[str, str]:
    return {option["label"]: option["value"] for message in turn.messages() for option in message.get("options", ())}


def test_a_dropped_datasheet_is_shown_as_a_table_and_confirmed_by_a_button(tmp_path, context):
    turn = _uploaded(tmp_path, context)
    assert not turn.running and not (tmp_path / "acme.pdf").exists()  # the upload goes, the index keeps what was read
    table = turn.messages()[-1]["content"].value
    assert "7 | Max. charge current | 0.5C (2.5A) | 25 to 45 °C" in table and "not confirmed" in table
    assert "lowest charging temperature" in table and "charging current by temperature" in table
    (button,) = _buttons(turn).items()
    assert button[0] == "Confirm 21 facts"
    confirmed([turn], chosen(button[1]), context)
    assert "Acme ACX21700-9" in turn.outcome[0] and not _buttons(turn)
    with using(catalogue_of(context.home, "north")):
        assert limits(find_cell("ACX21700-9"), 30, 50).max_current_a == 2.5
    assert conversation([turn]) == []  # the language model is not told what a file says


def test_a_file_that_cannot_be_read_says_why(tmp_path, context):
    turn = _uploaded(tmp_path, context, datasheets.encrypted, "locked.pdf")
    assert "is encrypted" in turn.problem and turn.documents == []


def test_a_buttons_value_is_read_with_care():
    for value in (None, "", "How healthy is PK-0042?", "[]", "{}", '{"confirm": 1}', '{"confirm": {"document": "x"}}'):
        assert chosen(value) is None
    confirmed([], {"document": "x", "fields": []}, SimpleNamespace())  # a button of another conversation does nothing


@pytest.mark.browser
def test_in_a_browser(tmp_path, context):
    datasheets.ruled(tmp_path / "acme.pdf")
    with chromium(tmp_path / "chromium") as driver, chat_of(SimpleNamespace(context=context, stream=None)) as url:
        page = Page(driver, url).open()
        page.all("input[type=file][data-testid$='upload-button']")[0].send_keys(str(tmp_path / "acme.pdf"))
        page.wait(lambda: "Max. charge current" in page.text(), 90)
        page.wait(lambda: "Confirm 21 facts" in page.text())
        next(b for b in page.all("#chat button") if "Confirm 21" in b.text).click()
        page.wait(lambda: "21 facts of acme.pdf confirmed for Acme ACX21700-9" in page.text())
        page.script("""const data = new DataTransfer();
            data.items.add(new File(["Gaskets are kept dry. Max. charge current: 2 A, capacity: 5 Ah."], "note.md"));
            document.dispatchEvent(new DragEvent("drop", {bubbles: true, cancelable: true, dataTransfer: data}));""")
        page.wait(lambda: "note.md can be searched now" in page.text(), 90)
