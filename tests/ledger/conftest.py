"""One database a module, for tests that roll back or that keep to names of their own."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine

from tests.databases import Template
from wxbackend.core.db import engine_options


@pytest.fixture(scope="module")
def engine(template: Template) -> Iterator[Engine]:
    """A fresh copy of the migrated database, with the settings of the application's connections."""
    with template.copy() as url:
        made = create_engine(url, **engine_options(url))
        yield made
        made.dispose()
