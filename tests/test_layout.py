"""The packages lie in this repository and import only what they may."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("tools", "retrieval", "oracle", "finetune", "eval")


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_is_ours(name):
    assert Path(importlib.import_module(name).__file__).resolve().is_relative_to(ROOT)


def test_imports_keep_the_contracts():
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_settings_alone_read_the_environment():
    readers = {p.relative_to(ROOT).as_posix() for package in PACKAGES for p in (ROOT / package).rglob("*.py")
               if "os.environ[" in (text := p.read_text(encoding="utf-8")) and "os.environ[\"" not in text
               or "os.getenv(" in text or "os.environ.get(" in text}
    assert readers <= {"oracle/settings.py"}


def test_the_command_line_loads_nothing_heavy():
    code = "import oracle.cli, sys; print([m for m in ('torch', 'pybamm', 'langchain', 'gradio') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
