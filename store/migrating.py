"""Bringing a database to the tables this version knows, and telling whether it is there."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from store.database import Database
from store.schema import Base


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def head_revision() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()


def current_revision(database: Database) -> str | None:
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def migrate(database: Database, *, revision: str = "head") -> None:
    """Brings the database to `revision`. Two processes that start at once do it one after the other."""
    with database.writing_connection() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7018017)")
        command.upgrade(_config(connection), revision)


def downgrade(database: Database, revision: str) -> None:
    with database.writing_connection() as connection:
        command.downgrade(_config(connection), revision)


def is_current(database: Database) -> bool:
    return current_revision(database) == head_revision()


def differences(database: Database) -> list[object]:
    """What autogenerate would still change: empty when migrations and schema say the same."""
    with database.engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))


def write_revision(database: Database, message: str) -> None:
    """Writes a migration for what the schema has and the database lacks (`make migration`)."""
    with database.writing_connection() as connection:
        command.revision(_config(connection), message=message, autogenerate=True)
