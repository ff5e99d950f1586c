"""What every report carries: the commit, the machine and the prompt it was measured with."""

import os
import platform
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from oracle.prompts import prompt_hash

ROOT = Path(__file__).parent.parent
# stdout is kept for JSON; a file or pipe has no width of its own
people = Console(stderr=True, width=None if sys.stderr.isatty() else 140)


def header() -> dict[str, Any]:
    """Commit (with "+changes" where the tree differs from it), machine, prompt hash and UTC time."""
    return {"commit": commit(), "machine": machine(), "prompt": prompt_hash(),
            "time": datetime.now(UTC).isoformat(timespec="seconds")}


def commit() -> str:
    """Short hash of the checked-out commit, or "no repository"."""
    head = _output("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD")
    if not head:
        return "no repository"
    changed = _output("git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no")
    return head + ("+changes" if changed else "")


def machine() -> str:
    """Processor, cores, memory and GPU in a few words."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    gpu = _output("nvidia-smi", "--query-gpu=name", "--format=csv,noheader").splitlines()
    parts = [_processor(), f"{len(os.sched_getaffinity(0))} cores", f"{memory_gib:.0f} GiB", *gpu]
    return ", ".join(parts)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _output(*command: str) -> str:
    """What a command prints, or nothing where it is missing or fails."""
    if shutil.which(command[0]) is None:
        return ""
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20).stdout.strip()


def print_header(title: str, report: dict[str, Any]) -> None:
    """Title, commit, machine, prompt and time, for people."""
    people.print(f"[bold]{title}[/bold]")
    people.print(f"commit {report['commit']} · {report['machine']} · prompt {report['prompt']} · {report['time']}")
