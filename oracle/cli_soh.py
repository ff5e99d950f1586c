"""`oracle soh` and `oracle upload`: state of health from a cycler's file, and the file kept as an asset UP-..."""

import json
from pathlib import Path
from typing import Annotated

import typer

CELL = Annotated[str | None, typer.Option("--cell", help="a cell of the catalogue, e.g. LG M50LT")]
CHEMISTRY = Annotated[str | None, typer.Option(help="of a cell in no catalogue: NMC, NCA, Ni-rich, LFP, LCO, ...")]
NOMINAL = Annotated[float | None, typer.Option("--nominal-ah", help="its nominal capacity, Ah")]
LIMIT = Annotated[float | None, typer.Option("--limit-v", help="its charge limit, V (LFP 3.6, others 4.2)")]
CUTOFF = Annotated[float | None, typer.Option("--cutoff-v", help="its discharge cut-off, V: allows counting a charge")]
NEGATIVE = Annotated[bool, typer.Option("--charge-negative", help="the file counts charging current as negative")]


def register(app: typer.Typer, context, tell) -> None:
    """Add both commands; `context()` gives the settings' tool context, `tell(line)` speaks to people."""

    @app.command()
    def soh(file: Path, cell: CELL = None, chemistry: CHEMISTRY = None, nominal_ah: NOMINAL = None,
            limit_v: LIMIT = None, cutoff_v: CUTOFF = None, charge_negative: NEGATIVE = False,
            every: Annotated[bool, typer.Option("--all", help="every charge, one JSON object a line")] = False):
        """State of health from a charge record: CSV, text or Parquet; generic, Arbin, Neware or Maccor columns."""
        from tools.uploads import described, newest, read_charges

        facts, _ = described(cell, chemistry, nominal_ah, limit_v, cutoff_v)
        report, reads = _reading(file, facts, charge_negative, tell, read_charges)
        if every:
            for read in reads:
                typer.echo(json.dumps(read.shown()))
            return
        read = newest(reads)
        typer.echo(json.dumps(read.shown() | {"rows": report.rows, "rows_left_out": report.left_out}))
        raise typer.Exit(0 if read.judged.valid else 3)

    @app.command()
    def upload(file: Path, cell: CELL = None, chemistry: CHEMISTRY = None, nominal_ah: NOMINAL = None,
               limit_v: LIMIT = None, cutoff_v: CUTOFF = None, charge_negative: NEGATIVE = False):
        """Keep a charge record under an id UP-..., to ask about it: the newest charge that shows health."""
        from tools.uploads import described, newest, read_charges, store

        facts, stored = described(cell, chemistry, nominal_ah, limit_v, cutoff_v)
        _, reads = _reading(file, facts, charge_negative, tell, read_charges)
        read = newest(reads)
        upload_id = store(read, stored, file.name, context())
        tell(f'Kept as {upload_id}; ask about it: oracle ask "How healthy is {upload_id}?"')
        typer.echo(json.dumps({"upload_id": upload_id} | read.shown()))


def _reading(file: Path, facts, reverse: bool, tell, read_charges):
    """(report, charges); a line on standard error every million rows, and the reason where a charge shows nothing."""
    from tools.soh.reading import Report

    told = 0

    def progress(rows: int) -> None:
        nonlocal told
        if rows - told >= 1_000_000:
            told = rows
            tell(f"{file.name}: {rows:,} rows read")

    report = Report()
    return report, read_charges(file, facts, report, progress, reverse)
