"""Changing the key of sealed fields."""

from dataclasses import replace

import pytest
from sqlalchemy import insert, select, text, update

from models import Base, Resident, Staff, StoredAccessToken
from tests.identity.people import NAME, PHONE, dump, resident_id_of
from tests.statements import counted
from wxbackend.commands import with_commands
from wxbackend.core.crypto import FieldCipher, Undecipherable, Vault
from wxbackend.core.db import db, reading, transaction
from wxbackend.core.rotation import count_old, reseal_batch, sealed_fields
from wxbackend.core.settings import KeyRing
from wxbackend.factory import create_app

OLD, NEW = b"o" * 32, b"n" * 32


@pytest.fixture
def settings(settings):
    """Everything begins under one key."""
    return settings.model_copy(update={"field_keys": KeyRing({"k_1": OLD})})


@pytest.fixture
def filled(client, make, furnish, safe, clock):
    """Two people with everything, a staff member with a TOTP secret, a token of WeChat: no sealed column is empty."""
    for person in ("a", "b"):
        headers = make.resident(person)
        client.patch("/v1/me", json={"name": NAME}, headers=headers)
        client.post("/v1/me/phone", json={"code": f"phone-{PHONE}"}, headers=headers)
    furnish.everything(resident_id_of(safe))
    with transaction() as session:
        sealed = safe.seal("JBSWY3DPEHPK3PXP", place="staff.totp:staff-row")
        row = {"row_key": "staff-row", "username": "keeper", "display_name": "王小树", "created_at": clock()}
        session.execute(insert(Staff).values(row | {"totp_sealed": sealed}))
        token = safe.seal("a token", place="access_token.token:wx1")
        session.execute(insert(StoredAccessToken).values(appid="wx1", token_sealed=token, expires_at=clock()))


def ring(settings, **keys: bytes):
    return settings.model_copy(update={"field_keys": KeyRing(keys)})


@pytest.fixture
def rotated_app(settings, ports):
    """The same installation after FIELD_KEYS got a new first key."""
    other = with_commands(create_app(ring(settings, k_2=NEW, k_1=OLD), ports))
    yield other
    with other.app_context():
        db.engine.dispose()


def vault_with(safe: Vault, **keys: bytes) -> Vault:
    return replace(safe, cipher=FieldCipher(keys))


def rotate(app, *arguments: str):
    with app.app_context():  # a command takes the context it finds, which is the fixture's
        return app.test_cli_runner().invoke(args=["keys", "rotate", *arguments])


def test_every_sealed_column_is_found_and_filled(filled, safe):
    assert [field.name for field in sealed_fields()] == [
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.name.endswith("_sealed")
    ]
    with reading() as session:
        under_old = {
            field.name: count_old(session, field=field, safe=vault_with(safe, k_2=NEW, k_1=OLD))
            for field in sealed_fields()
        }
    assert min(under_old.values()) > 0, under_old


@pytest.mark.parametrize("batch", ["1", "2", "200"])
def test_after_rotation_the_new_key_alone_opens_everything(filled, rotated_app, safe, storage, batch):
    before = dump(safe, storage).count(NAME)
    result = rotate(rotated_app, "--batch", batch)
    assert result.exit_code == 0, result.output
    assert "k_2" in result.output
    only_new = vault_with(safe, k_2=NEW)
    assert dump(only_new, storage).count(NAME) == before > 0
    with pytest.raises(Undecipherable):
        dump(vault_with(safe, k_1=OLD), storage)


def test_residents_see_the_same_after_rotation(client, filled, rotated_app, make):
    headers = make.resident("a")
    rotate(rotated_app)
    me = rotated_app.test_client().get("/v1/me", headers=headers).json
    assert (me["name"], me["phone_masked"]) == (NAME, "138****1234")


def test_second_rotation_writes_nothing(filled, rotated_app):
    rotate(rotated_app)
    with reading() as session:
        before = session.scalars(select(Resident.name_sealed).order_by(Resident.id)).all()
    assert rotate(rotated_app).exit_code == 0
    with reading() as session:
        assert session.scalars(select(Resident.name_sealed).order_by(Resident.id)).all() == before


def test_rotation_that_was_broken_off_goes_on_where_it_was(filled, rotated_app, safe):
    two_keys = vault_with(safe, k_2=NEW, k_1=OLD)
    field = next(field for field in sealed_fields() if field.name == "resident.openid_sealed")
    with transaction() as session:
        first = reseal_batch(session, field=field, after=None, limit=1, safe=two_keys)
    assert (first.resealed, first.last is not None) == (1, True)
    with reading() as session:
        assert count_old(session, field=field, safe=two_keys) == 1
    assert rotate(rotated_app).exit_code == 0
    with reading() as session:
        assert count_old(session, field=field, safe=two_keys) == 0


def test_value_that_no_key_opens_is_left_counted_and_told(filled, rotated_app):
    with transaction() as session:
        session.execute(update(Resident).values(name_sealed="lost:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="))
    result = rotate(rotated_app, "--batch", "1")
    assert result.exit_code == 1
    assert "resident.name_sealed: 重新加密 0，无法解密 2，剩余 2" in result.output
    with reading() as session:
        assert set(session.scalars(select(Resident.name_sealed))) == {"lost:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="}


def test_change_that_came_in_between_is_not_overwritten(filled, safe):
    """The row was read, the person gave another name, then the batch is written."""
    two_keys = vault_with(safe, k_2=NEW, k_1=OLD)
    field = next(field for field in sealed_fields() if field.name == "resident.name_sealed")
    with transaction() as session:

        def rename_meanwhile(_length: int) -> bytes:
            session.execute(text("UPDATE resident SET name_sealed = 'k_2:newer'"))
            return b"n" * 12

        reseal_batch(session, field=field, after=None, limit=1, safe=replace(two_keys, random_bytes=rename_meanwhile))
        assert set(session.scalars(select(Resident.name_sealed))) == {"k_2:newer"}


def test_key_ids_are_compared_letter_by_letter(filled, settings, ports, safe):
    """``K_1`` is not ``k_1``, and ``_`` is no joker."""
    fields = sealed_fields()
    with reading() as session:
        for current in ("K_1", "kx1", "k_"):
            renamed = vault_with(safe, **{current: NEW, "k_1": OLD})
            assert all(count_old(session, field=field, safe=renamed) > 0 for field in fields)


def test_one_batch_is_one_short_transaction(filled, safe):
    """Two statements a batch: the read, and one write of all its rows."""
    field = next(field for field in sealed_fields() if field.name == "resident.openid_sealed")
    with counted() as statements, transaction() as session:
        batch = reseal_batch(session, field=field, after=None, limit=200, safe=vault_with(safe, k_2=NEW, k_1=OLD))
    assert (batch.resealed, len(statements)) == (2, 2)
