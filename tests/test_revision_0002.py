"""Revision 0002 on a database with rows in it: nothing is lost, and every guard still stands."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.core.empty import Empty
from tests.databases import ENGINES
from wxbackend.core.db import db
from wxbackend.core.ports import Ports
from wxbackend.core.settings import Settings
from wxbackend.factory import create_app

#: A county with one paid pledge, as the first revision kept it.
ROWS = """
INSERT INTO region (code, level, name) VALUES ('445200000000', 'city', '某市');
INSERT INTO region (code, level, name, parent_code) VALUES ('445281000000', 'county', '某县', '445200000000');
INSERT INTO species (id, public_id, name) VALUES (1, 's', '香樟');
INSERT INTO payee (id, public_id, name, mchid, county_code) VALUES (1, 'p', '某单位', '1900000109', '445281000000');
INSERT INTO campaign (id, public_id, name, summary, county_code, payee_id, legal_basis, filing_number, starts_on,
  ends_on, status, created_at) VALUES (1, 'c', '某项目', '', '445281000000', 1, 'greening_committee', 'f',
  '2026-01-01', '2026-12-31', 'online', '2026-03-12 04:00:00');
INSERT INTO planting_base (id, public_id, name, campaign_id, species_id, county_code, village_code, address, price_fen,
  term_months, capacity, held, sold, status, created_at) VALUES (1, 'b', '某基地', 1, 1, '445281000000',
  '445281000000', '', 12600, 12, 10, 0, 2, 'online', '2026-03-12 04:00:00');
INSERT INTO resident (id, row_key, appid, openid_index, status, created_at) VALUES (1, 'r', 'a', 'i', 'active',
  '2026-03-12 04:00:00');
INSERT INTO pledge (id, number, kind, status, resident_id, base_id, campaign_id, county_code, tree_count,
  unit_price_fen, amount_fen, display, reward, row_key, created_at, hold_expires_at, paid_at) VALUES (1, 'P1', 'plant',
  'funded', 1, 1, 1, '445281000000', 2, 12600, 25200, 'name', 'points', 'k', '2026-03-12 04:00:00',
  '2026-03-12 04:00:00', '2026-03-12 04:00:00');
INSERT INTO pledge_move (id, pledge_id, from_status, to_status, cause, at) VALUES (1, 1, 'pending', 'funded',
  'payment', '2026-03-12 04:00:00')
"""


@pytest.fixture(params=ENGINES)
def old(request: pytest.FixtureRequest, tmp_path: Path, ports: Ports) -> Iterator[Flask]:
    """An application over a database of the first revision, with one paid pledge in it."""
    with Empty.made(request.param, tmp_path) as found:
        app = create_app(Settings(app_env="test", database_url=found.url, _env_file=None), ports)  # type: ignore[call-arg]
        with app.app_context():
            upgrade(revision="0001")
            for row in ROWS.split(";"):
                said(row)
            yield app
            db.engine.dispose()


def said(statement: str) -> None:
    with db.engine.begin() as connection:
        connection.execute(text(statement))


def asked(query: str) -> list[tuple[object, ...]]:
    with db.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_what_was_there_stays_and_new_columns_begin_at_nothing(old):
    upgrade()
    assert asked("SELECT number, status, amount_fen, refunded_fen, refunded_tree_count FROM pledge") == [
        ("P1", "funded", 25200, 0, 0)
    ]
    assert asked("SELECT sold, procured_at FROM planting_base") == [(2, None)]
    assert asked("SELECT openid_index, nickname_sealed, phone_index FROM resident") == [("i", None, None)]


def test_going_down_again_keeps_the_rows(old):
    before = asked("SELECT * FROM pledge")
    upgrade()
    downgrade(revision="0001")
    assert asked("SELECT * FROM pledge") == before


def test_new_states_are_taken_and_unknown_ones_are_not(old):
    with pytest.raises(DBAPIError):
        said("UPDATE pledge SET status = 'refunding'")
    upgrade()
    said("UPDATE pledge SET status = 'refunding'")
    with pytest.raises(DBAPIError):
        said("UPDATE pledge SET status = 'lost'")
    with pytest.raises(DBAPIError):
        said("UPDATE pledge SET refunded_fen = 25201")


def test_the_guards_of_the_first_revision_still_refuse(old):
    upgrade()
    with pytest.raises(DBAPIError):
        said("UPDATE pledge_move SET cause = 'x'")
    with pytest.raises(DBAPIError):
        said("UPDATE planting_base SET sold = 11")


def test_the_file_is_sound_afterwards(old):
    upgrade()
    if db.engine.dialect.name == "sqlite":
        assert asked("PRAGMA integrity_check") == [("ok",)]
        assert asked("PRAGMA foreign_key_check") == []
    else:
        assert asked("SELECT conname FROM pg_constraint WHERE NOT convalidated") == []
