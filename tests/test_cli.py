"""The command line as a process: JSON on stdout, the rest on stderr, meaningful exit codes."""

import json
import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from scripted import TOLD, calls, question, scripted_agent

from oracle.settings import child_environment

ROOT = Path(__file__).resolve().parent.parent


def oracle(home, *arguments, **variables):
    environment = child_environment({"ORACLE_HOME": str(home), "COLUMNS": "100"} | variables)
    return subprocess.run([sys.executable, "-m", "oracle.cli", *arguments], cwd=ROOT, env=environment,
                          capture_output=True, text=True, timeout=400)


def test_help_is_quick(tmp_path):
    oracle(tmp_path, "--help")  # the first run compiles
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    assert "ask" in oracle(tmp_path, "--help").stdout
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 1.0  # seconds of processor time


def test_tool_takes_words_and_gives_json(tmp_path):
    done = oracle(tmp_path, "tool", "simulate_charge", '{"cell_model": "LG M50LT", "c_rate": "C/2"}')
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["c_rate"] == pytest.approx(0.5)


@pytest.mark.parametrize("arguments, code, words", [
    (("tool", "simulate_charge", "{bad"), 2, "not JSON"),
    (("tool", "simulate", "{}"), 2, "simulate_charge"),
    (("tool", "simulate_charge", '{"cell_model": "Duracell AA"}'), 3, "Duracell AA"),
    (("tool", "simulate_charge", "{}"), 2, "asset_id"),
    (("ask", "  "), 2, "empty"),
    (("audit", "list"), 1, "no audit log"),
    (("nonsense",), 2, "nonsense")])
def test_what_goes_wrong_is_one_sentence_on_stderr(tmp_path, arguments, code, words):
    done = oracle(tmp_path, *arguments)
    assert done.returncode == code and done.stdout == ""
    assert words in done.stderr and "Traceback" not in done.stderr


def test_tools_prints_eight_schemas(tmp_path):
    schemas = json.loads(oracle(tmp_path, "tools").stdout)
    assert len(schemas) == 8 and all(s["function"]["strict"] for s in schemas)


def test_without_a_model_ask_says_how_to_get_one(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    done = oracle(tmp_path, "ask", "how healthy is PK-0042?", ORACLE_VLLM_PORT=port)
    assert done.returncode == 1 and "oracle up" in done.stderr


def test_a_taken_port_names_the_setting(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = oracle(tmp_path, "up", ORACLE_PORT=str(taken.getsockname()[1]))
    assert done.returncode == 1 and "ORACLE_PORT" in done.stderr


def test_audit_replay_exit_code(tmp_path):
    agent = scripted_agent(tmp_path, calls(("simulate_charge", {"cell_model": "LG M50LT", "c_rate": "0.5C"})), TOLD)
    answered = agent.answer(question("Simulate LG M50LT at 0.5C"))
    done = oracle(tmp_path, "audit", "replay", answered.audit_id)
    assert done.returncode == 0 and json.loads(done.stdout)["same"]
    shown = json.loads(oracle(tmp_path, "audit", "show", answered.audit_id[:6]).stdout)
    assert shown["answer"] == TOLD


def test_doctor_names_what_is_missing_and_how_to_mend_it(tmp_path):
    done = oracle(tmp_path, "doctor")
    findings = {f["what"]: f for f in json.loads(done.stdout)}
    assert done.returncode == 1 and not findings["model"]["ok"] and "oracle up" in findings["model"]["mend"]
    assert findings["pybamm"]["ok"]


def test_a_fault_of_ours_is_one_sentence_and_its_traceback_is_kept(tmp_path, monkeypatch, capsys):
    from oracle import cli

    def broken():
        raise RuntimeError("dtypes must be the same")

    monkeypatch.setattr(cli, "app", broken)
    monkeypatch.setenv("ORACLE_HOME", str(tmp_path))
    with pytest.raises(SystemExit) as left:
        cli.main()
    said = capsys.readouterr()
    assert left.value.code == 70 and said.out == ""
    assert "RuntimeError" in said.err and "Traceback" not in said.err and len(said.err.splitlines()) == 1
    assert "dtypes must be the same" in (tmp_path / "logs" / "errors.log").read_text()
