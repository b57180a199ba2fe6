"""Alembic's environment. Migrations run under the owner's URL (``MIGRATION_DATABASE_URL``), in one transaction."""

from pathlib import Path

from alembic import context
from flask import current_app
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from models import Base
from wxbackend.core.db import engine_options

settings = current_app.extensions["xiangshu.settings"]
url = settings.migration_database_url or settings.database_url


def run() -> None:
    database = make_url(url)
    if database.get_backend_name() == "sqlite" and database.database:
        Path(database.database).parent.mkdir(parents=True, exist_ok=True)
    options = {k: v for k, v in engine_options(url).items() if k == "connect_args"}
    engine = create_engine(url, poolclass=NullPool, **options)
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
        with context.begin_transaction():
            context.run_migrations()


run()
