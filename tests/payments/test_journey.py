"""The whole way of a pledge, over HTTP, with the fakes."""

from wxbackend.core.ports import ports
from wxbackend.core.worker import Worker


def worker(app, clock):
    return Worker(app.extensions["xiangshu.handlers"], (), clock, "test")


def test_resident_plants_three_trees_and_holds_a_certificate(app, client, make, pay, clock):
    base, me = make.base(), make.resident()
    body = {"kind": "plant", "base_id": base.public_id, "tree_count": 3, "holder_name": "林小苗", "display": "name"}
    opened = client.post("/v1/pledges", json=body, headers=me)
    assert (opened.status_code, opened.json["amount_fen"]) == (201, 15_000), opened.text
    number = opened.json["number"]
    order = client.post(f"/v1/pledges/{number}/payments", headers=me)
    assert order.status_code == 201, order.text
    notice = pay.notice_of(pay.pay(order.json["out_trade_no"]))
    for _ in range(2):
        told = client.post("/wx/pay/notify/1900000109", data=notice)
        assert told.status_code == 204, told.text
    assert client.get(f"/v1/pledges/{number}", headers=me).json["status"] == "funded"
    worker(app, clock).drain()
    pledge = client.get(f"/v1/pledges/{number}", headers=me).json
    assert pledge["status"] == "allocated"
    assert len(pledge["trees"]) == 3
    [certificate] = pledge["certificates"]
    assert pledge["points"] == {"green": 15, "honour": 150}
    png = client.get(f"/v1/certificates/{certificate['serial']}.png", headers=me)
    assert png.data.startswith(b"\x89PNG"), png.text
    token = client.get("/v1/me/certificates", headers=me).json["items"][0]["token"]
    verdict = client.get(f"/v1/verify/{token}").json
    assert (verdict["status"], verdict["holder_masked"], verdict["trees"]) == ("valid", "林*", 3)
    assert ports().storage.files
