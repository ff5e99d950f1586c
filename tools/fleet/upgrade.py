"""A database made by an earlier version: columns that may be empty by now are let be empty; no row changes."""

from sqlalchemy import Connection, Engine, Table, inspect
from sqlalchemy.schema import CreateIndex, CreateTable

from tools.fleet.tables import Month


def upgrade(engine: Engine) -> None:
    """Do what is left to do, which in a database of today is nothing."""
    if not _too_strict(engine, Month.__table__):
        return
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":  # begins no transaction of its own before it alters a table
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        for column in _too_strict(connection, Month.__table__):
            if engine.dialect.name == "sqlite":
                _written_anew(connection, Month.__table__)
                break
            connection.exec_driver_sql(f"ALTER TABLE {Month.__tablename__} ALTER COLUMN {column} DROP NOT NULL")
        connection.commit()


def _too_strict(bind: Engine | Connection, table: Table) -> list[str]:
    """Columns that must not be empty in the database, but may be by today's definition."""
    return [column["name"] for column in inspect(bind).get_columns(table.name)
            if not column["nullable"] and table.columns[column["name"]].nullable]


def _written_anew(connection: Connection, table: Table) -> None:
    """SQLite cannot alter a column: the table is written again under its name."""
    names = ", ".join(column["name"] for column in inspect(connection).get_columns(table.name))
    for index in table.indexes:
        connection.exec_driver_sql(f"DROP INDEX IF EXISTS {index.name}")
    connection.exec_driver_sql(f"ALTER TABLE {table.name} RENAME TO {table.name}_before")
    connection.execute(CreateTable(table))
    connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {table.name}_before")
    connection.exec_driver_sql(f"DROP TABLE {table.name}_before")
    for index in table.indexes:
        connection.execute(CreateIndex(index))
