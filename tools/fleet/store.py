"""The fleet store: one SQLAlchemy database, read through a scope that only ever shows one tenant's rows."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Select, create_engine, event, func, make_url, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from tools.contract import Context
from tools.errors import CannotAnswer
from tools.fleet.records import ChargeRecord, from_blob
from tools.fleet.tables import Base, CellState, Fault, Month, Pack, PackState, Record, Upload
from tools.fleet.upgrade import upgrade

ASSET = re.compile(r"^(PK-\d{4})(?:-C(\d{2,3}))?$")


def fleet_url(home: Path, url: str | None = None) -> str:
    """The database's SQLAlchemy URL: `url`, or a SQLite file `fleet.db` under `home`."""
    return url or f"sqlite:///{Path(home).absolute() / 'fleet.db'}"


@lru_cache(maxsize=8)
def open_engine(url: str) -> Engine:
    """Engine with all tables made; raises CannotAnswer with the reason if the database cannot be opened."""
    try:
        if make_url(url).get_backend_name() == "sqlite" and make_url(url).database not in (None, "", ":memory:"):
            Path(make_url(url).database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, pool_pre_ping=True)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _sqlite_pragmas)
        Base.metadata.create_all(engine)
        upgrade(engine)
        return engine
    except (SQLAlchemyError, ImportError, OSError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise CannotAnswer(f"The fleet database cannot be opened: {reason}.") from None


def _sqlite_pragmas(connection, _record) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA journal_mode = WAL")  # readers go on while an import writes
    connection.execute("PRAGMA busy_timeout = 15000")


def open_fleet(context: Context) -> "Fleet":
    """The fleet as `context` may see it."""
    return Fleet(open_engine(fleet_url(context.home, context.fleet_url)), context.tenant)


def cell_id(pack_id: str, cell: int) -> str:
    """PK-0042, 7 -> PK-0042-C07."""
    return f"{pack_id}-C{cell:02d}"


class Fleet:
    """Everything one tenant may read; `tenant` None reads all tenants (an operator of the service).

    What belongs to another tenant is unknown here, not forbidden. Unknown things raise CannotAnswer with the
    nearest that exist in scope. Rows come back as detached objects of `tools.fleet.tables`.
    """

    def __init__(self, engine: Engine, tenant: str | None):
        self.engine, self.tenant = engine, tenant

    # -- reading in scope

    def mine(self, *tables) -> Select:
        """`select(tables)` of rows in scope, joined on (tenant, pack_id); the one place where scope is applied."""
        first, *rest = tables
        statement = select(first, *rest)
        for other in rest:
            statement = statement.join(
                other, (other.tenant == first.tenant) & (other.pack_id == first.pack_id))
        return statement if self.tenant is None else statement.where(first.tenant == self.tenant)

    def all(self, statement: Select) -> Sequence[Any]:
        """Scalars of a one-column statement, else rows; CannotAnswer when the database does not answer."""
        try:
            with Session(self.engine, expire_on_commit=False) as session:
                result = session.execute(statement)
                return (result.scalars() if len(statement.column_descriptions) == 1 else result).all()
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).splitlines()[0]
            raise CannotAnswer(f"The fleet database does not answer: {reason}.") from None

    # -- what there is

    def tenants(self) -> list[str]:
        """Tenants in scope."""
        return self._distinct(Pack.tenant)

    def sites(self) -> list[str]:
        """Site names in scope, sorted."""
        return self._distinct(Pack.site)

    def cell_models(self, site: str | None = None) -> list[str]:
        """Catalogue ids of the cell models in scope (at one site)."""
        return self._distinct(Pack.cell_model, *(() if site is None else (Pack.site == site,)))

    def months(self) -> list[str]:
        """Months with history in scope, oldest first, as "2026-03"."""
        return self._distinct(Month.month)

    def pack_ids(self) -> list[str]:
        """Pack ids in scope, sorted."""
        return self._distinct(Pack.pack_id)

    def count(self) -> int:
        """Packs in scope."""
        return self.all(select(func.count()).select_from(self.mine(Pack).subquery()))[0]

    def _distinct(self, column, *where) -> list[str]:
        statement = select(column).distinct().where(*where).order_by(column)
        if self.tenant is not None:
            statement = statement.where(column.class_.tenant == self.tenant)
        return list(self.all(statement))

    # -- one pack

    def pack(self, asset_id: str) -> Pack:
        """The pack of PK-0042 or of its cell PK-0042-C07; CannotAnswer if unknown or the cell does not exist."""
        match = ASSET.match(asset_id)
        if not match:
            raise CannotAnswer(f"{asset_id} is not a pack or cell id; a pack is written PK-0042, a cell PK-0042-C07.")
        pack_id, cell = match[1], int(match[2] or 0)
        found = self.all(self.mine(Pack).where(Pack.pack_id == pack_id))
        if not found:
            raise CannotAnswer(self._unknown_pack(pack_id))
        if len(found) > 1:
            owners = ", ".join(p.tenant for p in found)
            raise CannotAnswer(f"{pack_id} exists for more than one tenant ({owners}): say which tenant to read.")
        if match[2] and not 1 <= cell <= found[0].series:
            raise CannotAnswer(f"{pack_id} has no cell {cell}: its cells are {cell_id(pack_id, 1)} to "
                               f"{cell_id(pack_id, found[0].series)}.")
        return found[0]

    def state(self, pack: Pack) -> PackState:
        """Latest telemetry; CannotAnswer if the pack never sent any."""
        found = self.all(self._of(pack, PackState))
        if not found:
            raise CannotAnswer(f"{pack.pack_id} has sent no telemetry yet: give state of charge and temperature.")
        return found[0]

    def cells(self, pack: Pack) -> list[CellState]:
        """State of each cell (series group) that reports one, by position."""
        return list(self.all(self._of(pack, CellState).order_by(CellState.cell)))

    def faults(self, pack: Pack) -> list[Fault]:
        return list(self.all(self._of(pack, Fault).order_by(Fault.id)))

    def history(self, pack: Pack) -> list[Month]:
        """Months of a pack, oldest first."""
        return list(self.all(self._of(pack, Month).order_by(Month.month)))

    def records(self, pack: Pack, last: int | None = None) -> list[ChargeRecord]:
        """Stored charge records, oldest first; only the `last` newest if given."""
        rows = self.all(self._of(pack, Record).order_by(Record.started.desc(), Record.id.desc()).limit(last))
        return [from_blob(row.data, row.started) for row in reversed(rows)]

    def record_times(self, pack: Pack, days: int) -> list[tuple[int, datetime]]:
        """(id, started) of the charge records of the last `days` before the newest, oldest first."""
        statement = select(Record.id, Record.started).where(Record.tenant == pack.tenant,
                                                            Record.pack_id == pack.pack_id)
        newest = self.all(statement.order_by(Record.started.desc()).limit(1))
        if not newest:
            return []
        since = newest[0].started - timedelta(days=days)
        rows = self.all(statement.where(Record.started >= since).order_by(Record.started, Record.id))
        return [(row.id, row.started) for row in rows]

    def record_rows(self, pack: Pack, ids: Sequence[int]) -> list[Record]:
        """Stored charge records of these ids, not unpacked, oldest first."""
        return list(self.all(self._of(pack, Record).where(Record.id.in_(ids)).order_by(Record.started, Record.id)))

    def peer_history(self, pack: Pack, months: Sequence[str]) -> list[Month]:
        """Those months of the other packs of the same owner, site and cell model."""
        statement = (select(Month).join(Pack, (Pack.tenant == Month.tenant) & (Pack.pack_id == Month.pack_id))
                     .where(Pack.tenant == pack.tenant, Pack.site == pack.site, Pack.cell_model == pack.cell_model,
                            Pack.pack_id != pack.pack_id, Month.month.in_(months)))
        return list(self.all(statement))

    def _of(self, pack: Pack, table) -> Select:
        return select(table).where(table.tenant == pack.tenant, table.pack_id == pack.pack_id)

    def _unknown_pack(self, pack_id: str) -> str:
        ids = self.pack_ids()
        if not ids:
            return f"{pack_id} is unknown: this fleet has no packs yet; import some or build the demonstration fleet."
        near = ", ".join(_nearest_ids(pack_id, ids))
        return f"{pack_id} is unknown; the nearest of {len(ids)} packs are {near}."

    # -- names as people write them

    def site_named(self, name: str) -> str:
        """The site in scope that `name` means, whatever its case; CannotAnswer with the nearest if none does."""
        sites = self.sites()
        for site in sites:
            if _folded(site) == _folded(name):
                return site
        if not sites:
            raise CannotAnswer(f"No site {name!r}: this fleet has no packs yet.")
        raise CannotAnswer(f"No site {name!r}; the nearest is {_closest(name, sites)} (sites: {', '.join(sites)}).")

    # -- uploads

    def upload(self, upload_id: str) -> Upload:
        """An uploaded charge record; CannotAnswer if unknown in scope."""
        statement = select(Upload).where(Upload.upload_id == upload_id)
        found = self.all(statement if self.tenant is None else statement.where(Upload.tenant == self.tenant))
        if len(found) == 1:
            return found[0]
        ids = self._distinct(Upload.upload_id)
        known = f"the nearest is {_closest(upload_id, ids)}" if ids else "nothing has been uploaded yet"
        raise CannotAnswer(f"There is no upload {upload_id}; {known}.")

    # -- summaries

    def month_summary(self, site: str, cell_model: str, month: str) -> dict[str, Any]:
        """Facts about the packs of one site and cell model in one month, see `tools.fleet.summary`."""
        from tools.fleet.summary import month_summary

        return month_summary(self, site, cell_model, month)


def _folded(text: str) -> str:
    return re.sub(r"[^\w]", "", text.casefold())


def _closest(name: str, choices: Sequence[str]) -> str:
    from rapidfuzz import fuzz, process

    return process.extractOne(name, choices, scorer=fuzz.ratio, processor=_folded)[0]


def _nearest_ids(pack_id: str, ids: Sequence[str], count: int = 3) -> list[str]:
    """Ids one slip of the finger away first, then the numerically nearest."""
    from rapidfuzz.distance import DamerauLevenshtein

    number = int(pack_id[3:])
    return sorted(ids, key=lambda i: (DamerauLevenshtein.distance(i, pack_id) > 1, abs(int(i[3:]) - number)))[:count]
