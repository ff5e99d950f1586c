"""The fleet: packs, their telemetry and charge records, each row owned by a tenant and read through a scope."""

from tools.fleet.records import ChargeRecord
from tools.fleet.store import Fleet, fleet_url, open_engine, open_fleet

__all__ = ["ChargeRecord", "Fleet", "fleet_url", "open_engine", "open_fleet"]
