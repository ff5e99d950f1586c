"""Tables of the fleet database. Every row has a tenant; packs of two tenants may carry the same id."""

from datetime import UTC, datetime

from sqlalchemy import (
    Boolean,
    DateTime,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    TypeDecorator,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcDateTime(TypeDecorator):
    """Times are UTC everywhere; SQLite forgets the zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect):
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect):
        return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    type_annotation_map = {str: String(80), float: Float, int: Integer, bool: Boolean, datetime: UtcDateTime}


def _of_pack(*extra):
    """Rows that belong to a pack go when it goes."""
    return (ForeignKeyConstraint(["tenant", "pack_id"], ["packs.tenant", "packs.pack_id"], ondelete="CASCADE"), *extra)


class Pack(Base):
    """A pack: `series` groups of `parallel` cells of one catalogue cell model. `model_name` is its display name."""

    __tablename__ = "packs"
    tenant: Mapped[str] = mapped_column(primary_key=True)
    pack_id: Mapped[str] = mapped_column(primary_key=True)
    site: Mapped[str] = mapped_column(index=True)
    cell_model: Mapped[str] = mapped_column(index=True)
    model_name: Mapped[str]
    series: Mapped[int]
    parallel: Mapped[int]
    commissioned: Mapped[str]  # ISO date
    climate: Mapped[str | None]
    use: Mapped[str | None]
    simulated: Mapped[bool]


class _Reading:
    """What telemetry says of a pack at one time."""

    soc_percent: Mapped[float]
    soh_percent: Mapped[float]
    temperature_min_c: Mapped[float]
    temperature_mean_c: Mapped[float]
    temperature_max_c: Mapped[float]
    voltage_v: Mapped[float]
    current_a: Mapped[float]
    spread_mv: Mapped[float]
    cycles: Mapped[float]  # equivalent full cycles


class PackState(_Reading, Base):
    """Latest telemetry of a pack and the newest state of health, whose origin `soh_source` names."""

    __tablename__ = "pack_state"
    __table_args__ = _of_pack()
    tenant: Mapped[str] = mapped_column(primary_key=True)
    pack_id: Mapped[str] = mapped_column(primary_key=True)
    time: Mapped[datetime]
    soh_low_percent: Mapped[float | None]
    soh_high_percent: Mapped[float | None]
    soh_source: Mapped[str]


class Telemetry(_Reading, Base):
    """Imported telemetry of a pack at one time; the newest is its state, months are written from all."""

    __tablename__ = "telemetry"
    __table_args__ = _of_pack()
    tenant: Mapped[str] = mapped_column(primary_key=True)
    pack_id: Mapped[str] = mapped_column(primary_key=True)
    time: Mapped[datetime] = mapped_column(primary_key=True)


class CellState(Base):
    """Latest telemetry of one series group, by its 1-based position; estimates only where they are known."""

    __tablename__ = "cell_state"
    __table_args__ = _of_pack()
    tenant: Mapped[str] = mapped_column(primary_key=True)
    pack_id: Mapped[str] = mapped_column(primary_key=True)
    cell: Mapped[int] = mapped_column(primary_key=True)
    voltage_v: Mapped[float]
    temperature_c: Mapped[float]
    soc_percent: Mapped[float | None]
    soh_percent: Mapped[float | None]
    resistance_mohm: Mapped[float | None]


class Record(Base):
    """A stored charge record; `data` is `tools.fleet.records.to_blob`."""

    __tablename__ = "charge_records"
    __table_args__ = _of_pack(Index("ix_records_pack", "tenant", "pack_id", "started"))
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    tenant: Mapped[str]
    pack_id: Mapped[str]
    started: Mapped[datetime]
    samples: Mapped[int]
    data: Mapped[bytes] = mapped_column(LargeBinary)


class Month(Base):
    """A pack's month ("2026-03"): health at its end, extremes and charging habits during it.

    Of an imported pack a column is None where the import does not show it, see `tools.fleet.months`.
    """

    __tablename__ = "months"
    __table_args__ = _of_pack(Index("ix_months_month", "tenant", "month"))
    tenant: Mapped[str] = mapped_column(primary_key=True)
    pack_id: Mapped[str] = mapped_column(primary_key=True)
    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    soh_percent: Mapped[float | None]
    cycles: Mapped[float | None]  # equivalent full cycles since new, at the month's end
    temperature_mean_c: Mapped[float | None]
    temperature_max_c: Mapped[float | None]
    spread_mv: Mapped[float | None]
    charges: Mapped[int | None]  # of an imported pack those logged
    charge_c_rate: Mapped[float | None]  # mean over the month's charges
    charge_temperature_min_c: Mapped[float | None]
    charge_end_soc_percent: Mapped[float | None]  # mean


class Fault(Base):
    """A fault found by the health checks (`tools.health.diagnose`); `cell` None is the whole pack."""

    __tablename__ = "faults"
    __table_args__ = _of_pack(Index("ix_faults_pack", "tenant", "pack_id"))
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    tenant: Mapped[str]
    pack_id: Mapped[str]
    fault: Mapped[str]
    severity: Mapped[str]
    cell: Mapped[int | None]
    since: Mapped[str | None] = mapped_column(String(10))  # ISO month or date
    note: Mapped[str] = mapped_column(String(400))


class Upload(Base):
    """A charge record of a single cell that a person handed in; `data` as in Record."""

    __tablename__ = "uploads"
    tenant: Mapped[str] = mapped_column(primary_key=True)
    upload_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    cell_model: Mapped[str]
    uploaded: Mapped[datetime]
    started: Mapped[datetime]
    data: Mapped[bytes] = mapped_column(LargeBinary)


class Build(Base):
    """That a demonstration fleet was built, from which seed and version of the generator."""

    __tablename__ = "builds"
    tenant: Mapped[str] = mapped_column(primary_key=True)
    seed: Mapped[int]
    version: Mapped[str]
    packs: Mapped[int]
