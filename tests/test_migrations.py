"""Migrations: up, down and up again; and what they build is what the models say, guards included."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from models import Base
from models.triggers import GUARDS
from tests.core.empty import Empty
from tests.databases import ENGINES
from wxbackend.core.db import db
from wxbackend.core.ports import Ports
from wxbackend.core.settings import ROOT, Settings
from wxbackend.factory import create_app

#: What each catalogue says about a schema, word for word: kind, name and definition.
CATALOGUES = {
    "sqlite": "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'",
    "postgresql": """
        SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) FROM pg_constraint
          WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
        UNION ALL SELECT 'index', indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
          JOIN pg_class c ON c.oid = indexrelid WHERE c.relnamespace = 'public'::regnamespace
        UNION ALL SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid) || tgenabled::text
          FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT 'function', proname, pg_get_functiondef(oid) FROM pg_proc
          WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT 'column', table_name || '.' || column_name, concat_ws(' ', ordinal_position, data_type,
          is_nullable, column_default, is_identity, collation_name)
          FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL SELECT 'table', relname, array_to_string(reloptions, ',') FROM pg_class
          WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S')""",
}


@pytest.fixture(params=ENGINES)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Empty]:
    with Empty.made(request.param, tmp_path) as found:
        yield found


@pytest.fixture
def migrating(empty: Empty, ports: Ports) -> Iterator[Flask]:
    """An application over a database that holds nothing yet."""
    app = create_app(Settings(app_env="test", database_url=empty.url, _env_file=None), ports)
    with app.app_context():
        yield app
        db.engine.dispose()


def schema_of(connection: Connection) -> dict[tuple[str, str], str]:
    """Every object of the schema with its definition, without the table of Alembic itself."""
    return {
        (kind, name): " ".join((definition or "").split())
        for kind, name, definition in connection.execute(text(CATALOGUES[connection.dialect.name]))
        if "alembic_version" not in name
    }


def migrated_schema() -> dict[tuple[str, str], str]:
    with db.engine.connect() as connection:
        return schema_of(connection)


def test_up_down_and_up_again_ends_where_it_began(migrating):
    upgrade()
    first = migrated_schema()
    downgrade(revision="base")
    assert migrated_schema() == {}
    upgrade()
    assert migrated_schema() == first


def test_every_revision_goes_down_to_the_one_before(migrating):
    for revision in reversed(list(ScriptDirectory(str(ROOT / "migrations")).walk_revisions())):
        before = migrated_schema()
        upgrade(revision=revision.revision)
        downgrade(revision=revision.down_revision or "base")
        assert migrated_schema() == before
        upgrade(revision=revision.revision)


def test_the_migrated_schema_is_the_one_of_the_models(migrating, empty, tmp_path):
    upgrade()
    with Empty.made(empty.engine, tmp_path) as other:
        engine = create_engine(other.url, poolclass=NullPool)
        with engine.begin() as connection:
            Base.metadata.create_all(connection)
            created = schema_of(connection)
    assert migrated_schema() == created


def test_the_comparison_sees_checks_partial_indexes_triggers_and_functions(migrating, empty):
    """Otherwise the test above would be content with two empty lists."""
    upgrade()
    found = migrated_schema()
    kinds = {kind for kind, _ in found}
    assert kinds >= (
        {"table", "index", "trigger"} | ({"constraint", "function"} if empty.engine == "postgres" else set())
    )
    everything = "\n".join(found.values())
    assert "held + sold" in everything
    assert re.search(r"CREATE UNIQUE INDEX uq_approval_open .* WHERE", everything)
    names = {name.split(".")[-1] for kind, name in found if kind == "trigger"}
    dialect = "postgresql" if empty.engine == "postgres" else "sqlite"
    assert names == {trigger.name for trigger in GUARDS[dialect]}


@pytest.mark.filterwarnings("ignore:.*expression-based index")  # compared word for word above
def test_alembic_finds_nothing_to_do(migrating):
    upgrade()
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_a_migration_that_fails_leaves_nothing_behind(migrating):
    """The last table of the first revision is in the way: none of those before it may stay."""
    with db.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE lot_use (id INTEGER)")
    with pytest.raises(DBAPIError):
        upgrade()
    assert {name for kind, name in migrated_schema() if kind == "table"} == {"lot_use"}


def test_dropping_everything_leaves_nothing(empty):
    engine = create_engine(empty.url, poolclass=NullPool)
    with engine.begin() as connection:
        Base.metadata.create_all(connection)
        Base.metadata.drop_all(connection)
        assert schema_of(connection) == {}


def test_revisions_are_numbered_and_form_one_line():
    scripts = list(ScriptDirectory(str(ROOT / "migrations")).walk_revisions())
    numbers = [script.revision for script in reversed(scripts)]
    assert numbers == [f"{n:04d}" for n in range(1, len(numbers) + 1)]
    assert [script.down_revision for script in reversed(scripts)] == [None, *numbers[:-1]]
    assert all(Path(script.path).name.startswith(f"{script.revision}_") for script in scripts)


def test_migrations_keep_their_own_copy_of_what_they_build():
    """A revision that asks the models for its tables would change whenever they do."""
    for file in (ROOT / "migrations" / "versions").glob("*.py"):
        assert not re.search(r"^\s*(from|import) (models|wxbackend)", file.read_text(), re.MULTILINE), file.name
