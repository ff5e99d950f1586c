"""Reads one untrusted PDF or DOCX in a process of its own, with bounds on its time and memory.

`python -m retrieval.parsing_child pdf NAME < file` writes JSON lines: {"page", "of"} as it goes, at the end
{"document"} or {"refused": sentence}.
"""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable

from retrieval.parsing import Document, document_of
from tools.errors import CannotAnswer

MAX_SECONDS = 300
MAX_MEMORY_BYTES = 3 << 30


def read_apart(kind: str, name: str, data: bytes, progress: Callable[[int, int], None] | None = None) -> Document:
    """The file as read by a child process; raises CannotAnswer when it refuses, dies or takes too long."""
    child = subprocess.Popen([sys.executable, "-m", "retrieval.parsing_child", kind, name], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    late = threading.Timer(MAX_SECONDS, child.kill)
    feeding = threading.Thread(target=_feed, args=(child.stdin, data), daemon=True)
    late.start()
    feeding.start()
    last: dict = {}
    try:
        for line in child.stdout:
            last = json.loads(line)
            if progress and "page" in last:
                progress(last["page"], last["of"])
        child.wait()
    finally:  # an interrupt too: leave no process behind
        took_too_long = not late.is_alive()
        late.cancel()
        child.kill()
        child.wait()
        child.stdout.close()
    if "document" in last:
        return document_of(last["document"])
    why = f"took longer than {MAX_SECONDS} s" if took_too_long else "could not be read within the memory allowed"
    raise CannotAnswer(last.get("refused") or f"{name} {why}: it may be damaged.")


def _feed(pipe, data: bytes) -> None:
    try:
        pipe.write(data)
        pipe.close()
    except OSError:  # the child died first; its end is told elsewhere
        pass


def _bound() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limits; the time limit still holds
        return
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _tell(message: dict) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Read the file from standard input."""
    kind, name = sys.argv[1:]
    logging.disable(logging.CRITICAL)
    _bound()
    data = sys.stdin.buffer.read()
    try:
        if kind == "pdf":
            from retrieval.parsing_pdf import read_pdf

            document = read_pdf(name, data, lambda page, of: _tell({"page": page, "of": of}))
        else:
            from retrieval.parsing_markup import read_docx

            document = read_docx(name, data)
        _tell({"document": document.record()})
    except CannotAnswer as reason:
        _tell({"refused": str(reason)})


if __name__ == "__main__":
    main()
