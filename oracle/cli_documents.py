"""What the command line tells people of their documents; the JSON for programs is printed by oracle.cli."""

import time
from collections.abc import Callable
from typing import Any

TELL_EVERY_S = 2.0


def pages_read(tell: Callable[[str], None]) -> Callable[[str, int, int], None]:
    """Progress over the pages of a long file: a line every two seconds."""
    last = time.monotonic()

    def telling(name: str, done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= TELL_EVERY_S:
            last = time.monotonic()
            tell(f"{name}: page {done} of {total}")

    return telling


def tell_added(report: dict[str, Any], tell: Callable[[str], None]) -> None:
    """What was added, what was refused and why, and what to do about the facts found."""
    for reason in (*report["refused"].values(), *report["remarks"]):
        tell(reason)
    for name, count in report["facts"].items():
        if count:
            tell(f"{name}: {count} facts read, none in force. See them: oracle index facts '{name}'; "
                 f"confirm them: oracle index confirm '{name}'")


def tell_facts(report: list[dict[str, Any]]) -> None:
    """A table a document on standard error."""
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    console = Console(stderr=True)
    for document in report:
        known = "" if document["known_cell"] else ", a new cell"
        title = f"{document['document']}: {document['cell'] or 'cell not named'}{known}"
        table = Table(Column("field", no_wrap=True), "value", "page", "state", "quote", "remark", title=Text(title))
        for fact in document["facts"]:
            state = f"{fact['state']}, widened" if fact["widened"] else fact["state"]
            table.add_row(*map(Text, (fact["field"], fact["value"], str(fact["page"] or ""), state, fact["quote"],
                                      "; ".join(filter(None, (fact["qualifier"], fact["why"]))))))
        console.print(table)
