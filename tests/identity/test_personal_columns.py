"""Which columns hold personal data is said on the models, and nothing personal is stored in the clear unsaid."""

import re

import pytest

from models import Base
from wxbackend.core.crypto import SEALED
from wxbackend.core.rotation import OWN_PLACES, ROW_KEY

PERSONAL = re.compile(
    r"name|phone|mobile|openid|unionid|wechat|address|e_?mail|id_?card|identity|birth|gender|sex|nick|avatar|portrait"
    r"|holder|payer|donor|dedication|device|ip$|contact|title"
)
CLASSES = {"P1", "P2", "P3"}
#: Named like personal data, and why they are none, or are not sealed.
IN_THE_CLEAR = {
    "access_token.lock_holder": "a process",
    "campaign.name": "a campaign's",
    "inbox_message.title": "of a kind of message; names nobody",
    "issuer.name": "an authority's",
    "job_lease.holder": "a process",
    "job_lease.name": "a timetable",
    "legal_text.title": "a text's",
    "outbox_message.lease_holder": "a process",
    "payee.name": "an organisation's",
    "payment_attempt.payer_index": "a keyed digest: whose payment the order was placed for",
    "payment_attempt.payer_total_fen": "money",
    "planting_base.address": "of land",
    "planting_base.name": "of land",
    "platform_fault.name": "a fault's",
    "pledge.dedication": "meant for the public after review; erased with the person",
    "pledge.dedication_status": "a status",
    "region.name": "a place",
    "resident.openid_index": "a keyed digest: finds an account by its openid",
    "resident.phone_index": "a keyed digest: finds an account by its phone; erased with the person",
    "resident_session.device": "shown to its owner; deleted with the session",
    "species.name": "a species",
    "staff.display_name": "staff act in public office; shown in the console",
    "staff.username": "chosen by the administrator",
}


def columns():
    return [
        (f"{table.name}.{column.name}", column) for table in Base.metadata.sorted_tables for column in table.columns
    ]


def test_columns_named_like_personal_data_are_sealed_or_explained():
    bare = {name for name, column in columns() if PERSONAL.search(column.name) and not column.name.endswith(SEALED)}
    assert bare == IN_THE_CLEAR.keys()


def test_sealed_columns_say_what_class_of_data_they_hold():
    unsaid = {name for name, column in columns() if column.name.endswith(SEALED) and "pii" not in column.info}
    assert unsaid == {"staff.totp_sealed"}  # a secret, but nobody's personal data


def test_classes_are_known_ones():
    assert {column.info["pii"] for _, column in columns() if "pii" in column.info} <= CLASSES


def test_data_of_the_two_higher_classes_is_sealed():
    in_the_clear = {name for name, column in columns() if column.info.get("pii") in {"P2", "P3"}} - {
        name for name, column in columns() if column.name.endswith(SEALED)
    }
    assert in_the_clear == {"staff.display_name"}


@pytest.mark.parametrize("table", list(Base.metadata.sorted_tables), ids=lambda table: table.name)
def test_sealed_fields_are_bound_to_a_row_key_that_is_unique(table):
    if not any(column.name.endswith(SEALED) for column in table.columns):
        assert table.name not in OWN_PLACES
    elif table.name not in OWN_PLACES:
        assert table.columns[ROW_KEY].unique
        assert not table.columns[ROW_KEY].nullable
