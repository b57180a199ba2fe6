"""A person who planted trees and holds a certificate has themselves erased: the whole way over HTTP."""

from sqlalchemy import select

from models import Certificate
from tests.identity.people import DEDICATION, HOLDER, NAME, PHONE, dump
from wxbackend.core.commands import this_worker
from wxbackend.core.db import reading

SECRETS = (PHONE, NAME, HOLDER, DEDICATION, "openid-a", "unionid-a")


def plant(client, pay, headers, base) -> dict:
    """Pledge one tree, pay for it, and let the worker allocate, issue and draw."""
    wish = {"kind": "plant", "base_id": base.public_id, "tree_count": 1, "holder_name": HOLDER, "display": "name"}
    once = {**headers, "Idempotency-Key": "once"}
    number = client.post("/v1/pledges", json=wish | {"dedication": DEDICATION}, headers=once).json["number"]
    order = client.post(f"/v1/pledges/{number}/payments", headers=headers).json
    notice = pay.notice_of(pay.pay(order["out_trade_no"]))
    assert client.post("/wx/pay/notify/1900000109", data=notice).status_code == 204
    this_worker().drain()
    return client.get("/v1/me/certificates", headers=headers).json["items"][0]


def test_certificate_still_verifies_and_names_nobody(client, make, pay, storage, safe):
    base, headers = make.base(), make.resident()
    client.patch("/v1/me", json={"name": NAME}, headers=headers)
    client.post("/v1/me/phone", json={"code": f"phone-{PHONE}"}, headers=headers)
    certificate = plant(client, pay, headers, base)
    assert len(storage.files) == 4
    before = dump(safe, storage)
    assert [secret for secret in SECRETS if secret not in before] == []

    assert client.delete("/v1/me", headers=headers).status_code == 204
    this_worker().drain()

    after = dump(safe, storage)
    assert [secret for secret in SECRETS if secret in after] == []
    assert storage.files == {}
    verdict = client.get(f"/v1/verify/{certificate['token']}").json
    assert (verdict["status"], verdict["holder_masked"]) == ("valid", "已注销")
    with reading() as session:
        assert session.scalars(select(Certificate.serial)).one() == certificate["serial"]
    anew = make.resident()
    assert client.get(f"/v1/certificates/{certificate['serial']}", headers=anew).status_code == 404
