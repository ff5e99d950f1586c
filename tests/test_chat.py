"""The chat as a person meets it: a real Chromium against the page, with an agent whose script is known.

`browser` tests need Chromium and its driver; the `served` one asks the real model.
"""

import json
import re
import shutil
import socket
import threading
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest

from oracle.chat import EMPTY_HINT, EXAMPLES, STOPPED, conversation, launch, problem_sentence, respond
from oracle.chat_facts import facts, reasons, warning
from oracle.chat_tables import label_of, number_text, result_html, value_text
from oracle.chat_view import Turn, signature
from oracle.errors import ModelUnavailable
from oracle.events import Answered, ToolCalled, ToolReturned
from tests.test_plots import CHARGE, LIFE
from tools.contract import Context
from tools.errors import CannotAnswer
from tools.fleet import open_fleet

QUESTION = "PK-0042 is at 12 degrees and 20 percent, I leave in 40 minutes, how hard can I charge it?"
HOSTILE = '<img src=x onerror="document.title=1"> ~~gone~~ <script>1</script>'
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync")
PLAN = CHARGE | {
    "asset_id": "PK-0042", "pack_current_a": 60.0, "parallel": 12, "c_rate": 1.0, "charge_time_min": 38.42,
    "reached_soc_percent": 80.0, "deadline_min": 40.0, "deadline_met": True, "max_temperature_c": 17.04,
    "min_anode_potential_v": 0.0104, "binding_constraint": "lithium plating (anode potential)",
    "verified_by": "PyBaMM DFN", "assumptions": ["Assumed: target 80 %."]}
PACKS = {"count": 2, "packs": [{"asset_id": "PK-0013", "site": HOSTILE, "soh_percent": 82.9},
                               {"asset_id": "PK-0027", "site": "Hamburg", "soh_percent": 81.5}]}
CITED = [{"n": 1, "document": "LG M50LT datasheet", "page": 4, "passage": "Charge between 0 and 45 °C. " + HOSTILE}]


class ScriptedAgent:
    """Answers by key word; a question with "wait" waits at its tool until `release` is set."""

    def __init__(self, context=None):
        self.context = context
        self.release, self.asked, self.failed = threading.Event(), [], False

    def stream(self, messages):
        self.asked.append(messages)
        question = messages[-1]["content"]
        if "fail" in question and not self.failed:
            self.failed = True
            yield ToolCalled(1, "get_status", {"asset_id": "PK-0042"})
            raise ZeroDivisionError("secret detail")
        name, arguments, result = self._tool(question)
        yield ToolCalled(1, name, arguments)
        if "wait" in question:
            assert self.release.wait(30)
        yield ToolReturned(1, name, result)
        call = {"step": 1, "name": name, "arguments": arguments, "result": result}
        yield Answered(f"Charge with 5 A. {HOSTILE}", [call], CITED, {"grounded": True}, "audit-7f3a")

    def _tool(self, question):
        if "packs" in question:
            return "find_packs", {"soh_below_percent": 85}, PACKS
        if "last" in question:
            return "forecast_life", {"asset_id": "PK-0007"}, LIFE
        if "9999" in question:
            return "get_status", {"asset_id": "PK-9999"}, {"error": "There is no pack PK-9999."}
        return "recommend_charging_current", {"asset_id": "PK-0042", "soc_percent": 20.0, "time_limit_min": 40.0}, PLAN


class Page:
    """The chat in a browser, by what a person sees."""

    def __init__(self, driver, url):
        self.driver, self.url = driver, url

    def open(self, width=1280, height=900):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
        self.driver.get(self.url)
        self.wait(lambda: self.all("#question textarea") and self.all("#chat .example"))
        return self

    def all(self, css):
        return self.driver.find_elements("css selector", css)

    def ask(self, text):
        box = self.all("#question textarea")[0]
        box.send_keys(text)
        box.send_keys("\ue007")  # Enter

    def text(self):
        return self.all("#chat")[0].text

    def wait(self, condition, seconds=30):
        from selenium.common.exceptions import StaleElementReferenceException as Stale
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.driver, seconds, 0.05, ignored_exceptions=(Stale, IndexError)).until(
            lambda _: condition())

    def answered(self, seconds=30):
        self.wait(lambda: self.all(".audit"), seconds)
        return self

    def script(self, code):
        return self.driver.execute_script(code)


@contextmanager
def chromium(profile):
    from selenium import webdriver

    binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver_binary = shutil.which("chromedriver")
    if not binary or not driver_binary:
        pytest.skip("Chromium and chromedriver are not installed (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver_binary))
    try:
        yield driver
    finally:
        driver.quit()


@contextmanager
def chat_of(agent):
    """URL of a running chat of this agent."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    blocks = launch(agent, "127.0.0.1", port, block=False)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        blocks.close(verbose=False)


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("chromium")) as driver:
        yield driver


@pytest.fixture(scope="module")
def served_chat(demo):
    agent = ScriptedAgent(replace(demo, envelope="physics", tenant=open_fleet(demo).tenants()[0]))
    with chat_of(agent) as url:
        yield SimpleNamespace(agent=agent, url=url)


@pytest.fixture
def page(driver, served_chat):
    served_chat.agent.asked.clear()
    served_chat.agent.release.clear()
    served_chat.agent.failed = False
    yield Page(driver, served_chat.url).open()
    served_chat.agent.release.set()


@pytest.mark.browser
def test_an_answer_with_its_step_facts_plot_and_source(page, served_chat):
    page.ask(QUESTION)
    page.answered()
    signature_text = "recommend_charging_current(asset_id=PK-0042, soc_percent=20, time_limit_min=40)"
    title = next(e for e in page.all("#chat .title") if signature_text in e.text)
    assert "Charge with 5 A." in page.text()
    for fact in ("60.0 A", "5.00 A per cell", "38.4 min", "within 40 min", "17.0 °C", "10 mV", "PyBaMM DFN"):
        assert fact in page.text()
    page.wait(lambda: len(page.all("#chat .js-plotly-plot path.js-line")) == 4)
    assert "audit-7f3a" in page.text()
    passage = page.all(".cite blockquote")[0]
    assert not passage.is_displayed()
    page.all(".cite summary")[0].click()
    assert passage.is_displayed() and "Charge between 0 and 45 °C." in passage.text
    assert not page.all("#chat .step")
    title.click()
    page.wait(lambda: "time limit" in page.all("#chat .step")[0].text)
    assert "40 min" in page.all("#chat .step")[0].text
    assert served_chat.agent.asked == [[{"role": "user", "content": QUESTION}]]


@pytest.mark.browser
def test_a_running_tool_is_shown_and_can_be_stopped(page, served_chat):
    page.ask("wait, then tell me")
    page.wait(lambda: page.all("#chat .title .loading-spinner"))
    assert "PK-0042" in page.text() and "Charge with" not in page.text()
    page.all("#question .stop-button")[0].click()
    page.wait(lambda: STOPPED in page.text())
    served_chat.agent.release.set()
    page.ask(QUESTION)
    page.answered()
    assert STOPPED in page.text()
    assert served_chat.agent.asked[-1][1] == {"role": "assistant", "content": STOPPED}


@pytest.mark.browser
def test_a_follow_up_carries_the_conversation(page, served_chat):
    page.ask("charge it")
    page.answered()
    page.ask("and the packs?")
    page.wait(lambda: len(page.all(".audit")) == 2)
    said = served_chat.agent.asked[-1]
    assert [m["role"] for m in said] == ["user", "assistant", "user"]
    assert said[1]["content"].startswith("Charge with 5 A.")


@pytest.mark.browser
def test_an_empty_question_is_ignored_with_a_hint(page, served_chat):
    page.ask("   ")
    page.wait(lambda: EMPTY_HINT in page.all("#hint")[0].text)
    assert not page.all("#chat .user-row") and not served_chat.agent.asked


@pytest.mark.browser
def test_an_error_is_one_sentence_and_nothing_is_lost(page, served_chat):
    page.ask("charge it")
    page.answered()
    page.ask("please fail now")
    page.wait(lambda: page.all("#chat .problem"))
    assert "ZeroDivisionError" in page.all("#chat .problem")[0].text
    assert "secret detail" not in page.text() and "Traceback" not in page.text()
    assert "Charge with 5 A." in page.text() and "please fail now" in page.text()
    page.all("#chat .option")[0].click()
    page.wait(lambda: len(page.all(".audit")) == 2)
    assert not page.all("#chat .problem")
    assert page.text().count("please fail now") == 1


@pytest.mark.browser
def test_a_tool_that_cannot_answer_says_so_in_its_step(page):
    page.ask("status of PK-9999")
    page.answered()
    title = page.all("#chat .title")[0]
    assert "⚠" in title.text
    title.click()
    page.wait(lambda: "There is no pack PK-9999." in page.all("#chat .step .problem")[0].text)


@pytest.mark.browser
def test_foreign_markup_is_text(page):
    page.ask(f"packs {HOSTILE}")
    page.answered()
    assert page.text().count('<img src=x onerror="document.title=1"> ~~gone~~') == 3  # question, answer, found pack
    assert not page.all("#chat img, #chat script, #chat del")
    assert page.driver.title == "Battery Oracle"


@pytest.mark.browser
def test_found_packs_are_a_table_and_a_forecast_a_figure(page):
    page.ask("which packs")
    page.answered()
    assert [row.text.split()[0] for row in page.all(".packs tbody tr")] == ["PK-0013", "PK-0027"]
    page.ask("how long will it last")
    page.wait(lambda: len(page.all("#chat .js-plotly-plot path.js-line")) >= 1)


@pytest.mark.browser
def test_an_example_asks_itself(page, served_chat):
    assert len(page.all("#chat .example")) == len(EXAMPLES)
    page.all("#chat .example")[0].click()
    page.answered()
    assert served_chat.agent.asked == [[{"role": "user", "content": EXAMPLES[0][1]}]]


@pytest.mark.browser
def test_the_header_names_scope_envelope_and_demo_fleet(page, served_chat):
    page.wait(lambda: page.all(".chip"))
    assert [e.text for e in page.all(".chip")] == [
        "Simulated demo fleet", "Physics limits", f"Tenant {served_chat.agent.context.tenant}"]


@pytest.mark.browser
def test_a_phone_shows_everything_without_sideways_scrolling(page):
    page.open(width=390, height=844)
    page.ask("which packs, and charge")
    page.answered()
    page.ask(QUESTION)
    page.wait(lambda: len(page.all("#chat .js-plotly-plot path.js-line")) == 4)
    assert page.script("return document.documentElement.scrollWidth") <= 390
    wide = page.script("return [...document.querySelectorAll('#chat .message, #chat .main-svg, #ask')]"
                       ".filter(e => e.getBoundingClientRect().right > 391).length")
    assert wide == 0
    box = page.all("#question textarea")[0].rect
    assert box["y"] + box["height"] <= 844


@pytest.mark.browser
def test_nothing_is_fetched_from_elsewhere(page, served_chat):
    page.ask(QUESTION)
    page.answered()
    page.wait(lambda: page.all("#chat .js-plotly-plot"))
    fetched = page.script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert fetched and all(re.match(re.escape(served_chat.url) + "|data:|blob:", address) for address in fetched)


@pytest.mark.browser
@pytest.mark.served
def test_the_served_model_answers_in_the_chat(driver, served_agent, tmp_path):
    with chat_of(served_agent) as url:
        page = Page(driver, url).open()
        page.ask(QUESTION)
        page.answered(seconds=400)
        driver.save_screenshot(str(tmp_path / "chat.png"))
        title = next(e for e in page.all("#chat .title") if e.text.startswith("recommend_charging_current("))
        assert "asset_id=PK-0042" in title.text
        answer = page.all("#chat .bot-row .message-content")[0].text
        title.click()
        page.wait(lambda: page.all("#chat .step .raw summary"))
        raw = page.script("return [...document.querySelectorAll('#chat .step .raw pre')].map(e => e.textContent)")
        current_a = json.loads(raw[-1])["current_a"]
        stated = [float(number) for number in re.findall(r"(\d+(?:\.\d+)?)\s*A\b", answer)]
        assert any(abs(number - current_a) <= 0.005 + 1e-9 for number in stated), (answer, current_a)
        page.wait(lambda: len(page.all("#chat .js-plotly-plot path.js-line")) == 4)


def test_an_error_keeps_the_question_in_the_conversation():
    agent, turns = ScriptedAgent(), []
    list(respond(agent, turns, "please fail"))
    assert turns[0].problem and not turns[0].running
    list(respond(agent, turns, QUESTION))
    assert conversation(turns)[:2] == [{"role": "user", "content": "please fail"},
                                       {"role": "assistant", "content": turns[0].problem}]
    assert turns[1].answered.audit_id == "audit-7f3a"


def test_the_text_grows_by_words_and_ends_whole():
    class Talker:
        def stream(self, messages):
            yield Answered("one two  three\n\nfour")

    turns: list[Turn] = []
    grown = [turns[-1].text for _ in respond(Talker(), turns, "hello")]
    assert grown[-1] == "one two  three\n\nfour"
    assert all(later.startswith(earlier) for earlier, later in zip(grown, grown[1:], strict=False))


def test_an_agent_that_ends_without_an_answer_says_so():
    turns: list[Turn] = []
    list(respond(SimpleNamespace(stream=lambda messages: iter(())), turns, "hello"))
    assert turns[0].problem.endswith(".") and not turns[0].answered


@pytest.mark.parametrize("error", [CannotAnswer("There is no pack PK-9999; the nearest is PK-0999."),
                                   ModelUnavailable("The language model does not answer at the moment.")])
def test_known_errors_keep_their_own_sentence(error):
    assert problem_sentence(error) == str(error)


@pytest.mark.parametrize(("name", "label", "unit"), [
    ("charge_time_min", "charge time", "min"), ("c_rate", "C-rate", "C"), ("spread_mv", "spread", "mV"),
    ("soh_percent", "health (SoH)", "%"), ("cycles", "cycles", ""), ("capacity_ah", "capacity", "Ah")])
def test_field_names_become_words_and_units(name, label, unit):
    assert label_of(name) == (label, unit)


@pytest.mark.parametrize(("value", "text"), [
    (38.41667, "38.42"), (12.0, "12"), (60000.0, "60000"), (12345.678, "12346"), (0.00123456, "0.001235"),
    (-3.5, "-3.5")])
def test_numbers_read_as_written_by_a_person(value, text):
    assert number_text(value) == text


def test_a_signature_keeps_six_figures():
    assert signature("simulate_charge", {"current_a": 1.23456, "has_fault": True}) == (
        "simulate_charge(current_a=1.23456, has_fault=yes)")


def test_a_value_carries_its_field_s_unit():
    assert value_text(1.5, "current_a") == "1.5 A" and value_text(None, "current_a") == "–"


def test_a_result_table_hides_curves_but_not_the_series_count():
    assert "t min" not in result_html({"series": {"t_min": [1.0]}}) and "t_min" not in result_html(
        {"series": {"t_min": [1.0]}})
    assert ">96<" in result_html({"series": 96})


def test_facts_name_the_pack_current_and_the_cell_current():
    caption, value, note = facts("recommend_charging_current", PLAN)[0]
    assert (caption, value, note) == ("Charge now with", "60.0 A", "pack; 5.00 A per cell · 1 C")
    assert facts("recommend_charging_current", {"current_a": 0.0, "pack_current_a": 0.0})[0][1:] == (
        "0 A", "no charging in this state")
    assert facts("recommend_charging_current", {"current_a": 2.5, "c_rate": 0.5})[0][1:] == (
        "2.50 A", "per cell · 0.5 C")


def test_a_missed_deadline_and_a_broken_envelope_stand_out():
    missed = {"deadline_met": False, "soc_at_deadline_percent": 49.99, "deadline_min": 60.0}
    assert warning(missed) == "Not full in time: 50 % after 60 min."
    assert warning({"envelope_warning": "Outside the envelope: 9 A."}) == "Outside the envelope: 9 A."
    assert warning(PLAN) == ""


def test_a_plan_that_nothing_simulated_says_so():
    shown = dict(reasons("recommend_charging_current", {"current_a": 2.0, "binding_constraint": "datasheet"}))
    assert shown["Checked in"] == "not simulated"
    assert "Checked in" not in dict(reasons("recommend_charging_current", {"current_a": 0.0}))


def test_facts_of_a_forecast_name_band_and_end_of_life():
    result = {"years": 10.0, "capacity_percent": 63.81, "capacity_low_percent": 51.1, "capacity_high_percent": 76.5,
              "years_to_80_percent": 3.43}
    assert facts("forecast_life", result)[:2] == [
        ("Capacity after 10 years", "63.8 %", "51 to 76 %, 90 % band"),
        ("Down to 80 %", "3.4 years", "of new capacity")]
    del result["years_to_80_percent"]
    assert facts("forecast_life", result)[1][1] == "over 40 years"


def test_the_chat_reports_nothing_home(tmp_path):
    from oracle.chat import appearance, build_chat

    assert build_chat(ScriptedAgent(Context(tmp_path))).analytics_enabled is False
    assert "http" not in appearance()["head"] and "@import" not in appearance()["css"]


def test_a_fleet_without_packs_is_not_called_simulated(tmp_path):
    from oracle.chat import _header

    assert "No packs yet" in _header(Context(tmp_path)) and "Simulated" not in _header(Context(tmp_path))
