"""Pledges on their way, for pages that show them."""

from tests.fakes import MCHID
from wxbackend.core.worker import Worker

WISH = {"kind": "plant", "tree_count": 2, "holder_name": "陈新叶", "display": "name", "dedication": "愿家乡常绿"}


def open_pledge(client, make, base, *, person: str = "a", **changes) -> str:
    """A pledge that waits for its money; the number."""
    body = {**WISH, "base_id": base.public_id, **changes}
    answer = client.post("/v1/pledges", json=body, headers=make.resident(person))
    assert answer.status_code == 201, answer.text
    return answer.json["number"]


def pay_pledge(client, make, pay, number: str, *, person: str = "a", **lies) -> str:
    """The resident pays and WeChat tells us; the transaction id. ``lies`` falsify what WeChat says."""
    order = client.post(f"/v1/pledges/{number}/payments", headers=make.resident(person))
    assert order.status_code == 201, order.text
    paid = pay.pay(order.json["out_trade_no"], **lies)
    told = client.post(f"/wx/pay/notify/{MCHID}", data=pay.notice_of(paid))
    assert told.status_code in {200, 204}, told.text
    return paid.transaction_id


def work(app, clock, *, draw: bool = False) -> None:
    """Do what the worker does; drawing takes a second, so only where a test looks at the picture."""
    handlers = {t: h for t, h in dict(app.extensions["xiangshu.handlers"]).items() if draw or "draw" not in t}
    if not draw:
        handlers["certificate.draw"] = lambda _payload: None
    Worker(handlers, (), clock, "test").drain()


def certified_pledge(app, client, make, pay, clock, *, base=None, draw: bool = False, **changes) -> str:
    """A pledge with trees and certificate; the number."""
    number = open_pledge(client, make, base or make.base(), **changes)
    pay_pledge(client, make, pay, number)
    work(app, clock, draw=draw)
    return number
