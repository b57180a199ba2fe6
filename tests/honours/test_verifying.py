"""What anybody may learn of a certificate, with our help or without it."""

import json
from base64 import urlsafe_b64decode

import pytest
from sqlalchemy import update

from certificates.codes import make_token
from certificates.signature import BadSignature, is_listed, verify
from models import Certificate
from tests.statements import counted
from wxbackend.core.caller import Caller
from wxbackend.core.db import transaction
from wxbackend.core.ports import ports
from wxbackend.honours import service as honours
from wxbackend.honours.rules import content_hash, name_digest
from wxbackend.honours.tools import issuing_tools

STAFF = Caller(kind="staff", id=1, session_id=1, name="cheng")
NOTHING = dict.fromkeys(
    ("kind", "serial", "reason", "holder_masked", "year", "trees", "issuer", "issued_on"),
) | {"status": "unknown"}


@pytest.fixture
def me(walk):
    return walk.make.resident()


@pytest.fixture
def mine(walk, me):
    """A certificate for three trees, as its owner gets it."""
    walk.fulfilled(walk.open(walk.make.base(), me, tree_count=3, holder_name="林小苗"), me)
    [certificate] = walk.client.get("/v1/me/certificates", headers=me).json["items"]
    return certificate


def verdict(walk, token):
    answer = walk.client.get(f"/v1/verify/{token}")
    assert answer.status_code == 200, answer.text
    return answer.json


def page(walk, token, prefix="c"):
    return walk.client.get(f"/{prefix}/{token}")


def keys(walk):
    return walk.client.get("/.well-known/jwks.json").json


def jws(walk, mine, me):
    return walk.client.get(f"/v1/certificates/{mine['serial']}.jws", headers=me).text


def is_on_the_list(walk, mine, me):
    """As a stranger sees it: the signed certificate names its place in a signed list."""
    status = verify(jws(walk, mine, me), keys(walk))["status"]
    path = status["list"].partition("/v1/")[2]
    claims = verify(walk.client.get(f"/v1/{path}").text, keys(walk))
    assert claims["sub"] == status["list"]
    return is_listed(claims["status_list"]["lst"], status["index"])


def test_a_valid_certificate_tells_what_is_on_it_and_masks_the_name(walk, mine):
    assert verdict(walk, mine["token"]) == {
        "kind": "RZ",
        "serial": mine["serial"],
        "status": "valid",
        "reason": None,
        "holder_masked": "林*",
        "year": 2026,
        "trees": 3,
        "issuer": "示范县绿化委员会办公室",
        "issued_on": "2026-03-12",
    }


@pytest.mark.parametrize("prefix", ["c", "C"])
def test_its_page_says_so_in_either_case_and_shows_no_name(walk, mine, prefix):
    answer = page(walk, mine["token"].lower() if prefix == "c" else mine["token"], prefix)
    assert (answer.status_code, "有效" in answer.text, mine["serial"] in answer.text) == (200, True, True)
    assert ("林*" in answer.text, "林小苗" in answer.text) == (True, False)


def test_a_token_that_no_key_of_ours_made_is_unknown_without_a_statement(walk, mine):
    token = mine["token"]
    for wrong in (token[:-1] + ("0" if token[-1] != "0" else "1"), "0" * 14, "x", "'; --", "汉"):
        with counted() as statements:
            assert verdict(walk, wrong) == NOTHING
            assert page(walk, wrong).status_code == 404
        assert statements == []


def test_a_tree_s_token_is_not_a_certificate_s(walk, mine, me):
    tree = walk.trees()[0].token
    with counted() as statements:
        assert verdict(walk, tree) == NOTHING
    assert statements == []


def test_a_genuine_token_of_nothing_is_unknown(walk, mine):
    token = make_token(12345, issuing_tools().code_keys, purpose="C")
    assert verdict(walk, token) == NOTHING


def test_verifying_takes_two_statements_at_most(walk, mine):
    for path in (f"/v1/verify/{mine['token']}", f"/c/{mine['token']}"):
        with counted() as statements:
            assert walk.client.get(path).status_code == 200
        assert 0 < len(statements) <= 2, statements


def revoke(serial):
    with transaction() as session:
        honours.revoke(session, serial=serial, reason="重复申领", caller=STAFF, now=ports().now())


def supersede(serial):
    with transaction() as session:
        honours.supersede(session, serial=serial, reason="更正", caller=STAFF, tools=issuing_tools(), now=ports().now())


@pytest.mark.parametrize(("end", "status"), [(revoke, "revoked"), (supersede, "superseded")])
def test_an_ended_certificate_is_valid_nowhere(walk, mine, me, end, status):
    assert not is_on_the_list(walk, mine, me)
    end(mine["serial"])
    found = verdict(walk, mine["token"])
    assert (found["status"], found["reason"]) == (status, "重复申领" if status == "revoked" else None)
    shown = page(walk, mine["token"])
    assert (shown.status_code, "state-valid" in shown.text, f"state-{status}" in shown.text) == (200, False, True)
    assert is_on_the_list(walk, mine, me)


def test_the_signed_statement_is_what_was_frozen(walk, mine, me):
    claims = verify(jws(walk, mine, me), keys(walk))
    [row] = walk.certificates()
    assert claims["certificate"] == row.content
    assert content_hash(claims["certificate"]) == row.content_hash == mine["content_hash"]
    assert claims["sub"] == mine["serial"]


def test_the_signed_digest_proves_the_name_to_whoever_has_the_salt(walk, mine):
    [row] = walk.certificates()
    salt = issuing_tools().safe.open(row.name_salt_sealed, place=honours.salt_place(row.row_key))
    assert row.content["holder"]["digest"] == name_digest(salt, "林小苗")


def test_no_byte_of_the_signed_statement_can_be_changed(walk, mine, me):
    text, ring = jws(walk, mine, me), keys(walk)
    whole = verify(text, ring)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for place, letter in enumerate(text):
        if letter == ".":
            continue
        flipped = text[:place] + letters[(letters.index(letter) + 32) % 64] + text[place + 1 :]
        with pytest.raises(BadSignature):
            verify(flipped, ring)
    assert json.loads(urlsafe_b64decode(text.split(".")[1] + "==")) == whole


def test_lists_and_keys_are_for_everybody_and_end_somewhere(walk, mine):
    assert walk.client.get("/v1/status-lists/1").status_code == 404
    [key] = keys(walk)["keys"]
    assert (key["kty"], key["crv"], "d" in key) == ("OKP", "Ed25519", False)


def test_an_erased_holder_is_shown_as_such_and_the_signature_still_verifies(walk, mine, me):
    before = jws(walk, mine, me)
    with transaction() as session:
        session.execute(update(Certificate).values(holder_name_sealed=None, name_salt_sealed=None))
    assert verdict(walk, mine["token"])["holder_masked"] == "已注销"
    shown = page(walk, mine["token"]).text
    assert ("已注销" in shown, "林*" in shown) == (True, False)
    assert verify(before, keys(walk))["sub"] == mine["serial"]
    assert walk.client.get("/v1/me/certificates", headers=me).json["items"][0]["holder_name"] is None


def test_the_key_that_signs_is_published_before_it_has_signed_a_certificate(walk):
    [key] = walk.client.get("/.well-known/jwks.json").json["keys"]
    listed = walk.client.get("/v1/status-lists/0").text
    assert verify(listed, {"keys": [key]})["sub"].endswith("/v1/status-lists/0")
