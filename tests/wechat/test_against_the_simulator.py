"""The live adapters, built as in production, against the WeChat simulator over real HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Queue
from typing import Any
from uuid import uuid4

import pytest

from wxbackend.core.wxmini import BadLoginCode, BadPhoneCode, LoginBlocked
from wxbackend.core.wxpay import (
    BadNotification,
    ClientPayParams,
    CloseOutcome,
    Notice,
    OrderNumberSpent,
    OrderPaid,
    PrepayOrder,
    TradeState,
    WrongRecipient,
)
from wxbackend.devtools.wxsim import RunningSimulator, SimClock, Simulator, serve_simulator
from wxbackend.devtools.wxsim.state import open_world, write_settings
from wxbackend.wechat.errors import WxMisconfigured
from wxbackend.wechat.live import live_gateway, live_mini
from wxbackend.wechat.mini import LiveMiniProgram
from wxbackend.wechat.pay import LiveGateway

MCHID, OTHER_MCHID = "1680000001", "1680000002"
Post = tuple[str, dict[str, str], bytes]


@contextmanager
def closing_link(mini: LiveMiniProgram) -> Iterator[None]:
    yield
    mini.disconnect()


@dataclass
class Mailbox:
    """Takes the notifications a backend would get."""

    posts: Queue[Post] = field(default_factory=Queue)

    def __call__(self, url: str, headers: dict[str, str], body: bytes) -> int:
        self.posts.put((url, headers, body))
        return 204


@dataclass
class Table:
    """Everything one test needs."""

    simulator: Simulator
    mini: LiveMiniProgram
    gateway: LiveGateway
    mailbox: Mailbox

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return self.simulator.control(method, path, body)

    def new_order(self, **changes: Any) -> PrepayOrder:
        openid = self.control("POST", "users", {})["openid"]
        order = PrepayOrder(
            mchid=MCHID,
            out_trade_no=f"P{uuid4().hex[:18].upper()}01",
            description="认种 3 棵",
            amount_fen=9900,
            openid=openid,
            expires_at=datetime.now(UTC) + timedelta(minutes=15),
            notify_url=f"https://tree.example/wx/pay/notify/{MCHID}",
        )
        return replace(order, **changes)

    def params(self, order: PrepayOrder, prepay_id: str) -> dict[str, str]:
        signed: ClientPayParams = self.gateway.pay_params(
            mchid=order.mchid, prepay_id=prepay_id, now=datetime.now(UTC), nonce=uuid4().hex
        )
        return {
            "timeStamp": signed.time_stamp,
            "nonceStr": signed.nonce_str,
            "package": signed.package,
            "signType": signed.sign_type,
            "paySign": signed.pay_sign,
        }

    def pay(self, order: PrepayOrder, **more: Any) -> None:
        prepay_id = self.gateway.prepay(order)
        self.control("POST", "pay", {"params": self.params(order, prepay_id), "openid": order.openid, **more})

    def open_next(self, mchid: str = MCHID) -> Notice:
        _, headers, body = self.mailbox.posts.get(timeout=5)
        return self.gateway.open_notice(mchid=mchid, headers=headers, body=body, now=datetime.now(UTC))


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys are made once; each simulator starts from them with an empty book."""
    folder = Path(tmp_path_factory.mktemp("wxsim"))
    open_world(folder, clock=SimClock())
    return folder


@pytest.fixture
def running(state: Path) -> Iterator[tuple[RunningSimulator, Mailbox]]:
    mailbox = Mailbox()
    with serve_simulator(Simulator(open_world(state, clock=SimClock()), post=mailbox)) as server:
        yield server, mailbox


@pytest.fixture
def table(running: tuple[RunningSimulator, Mailbox], state: Path) -> Iterator[Table]:
    server, mailbox = running
    app = server.simulator.world.app
    paths = write_settings(state, server.simulator.world, origin=server.origin)
    mini = live_mini(appid=app.appid, secret=app.secret, base_url=server.origin)
    gateway = live_gateway(appid=app.appid, merchants_file=paths.merchants_file, base_url=server.origin)
    yield Table(server.simulator, mini, gateway, mailbox)
    mini.disconnect()
    gateway.disconnect()


def test_fault_40_a_person_logs_in_once_per_code_without_a_token(table: Table) -> None:
    user = table.control("POST", "users", {"unionid": "u-1"})
    identity = table.mini.login(user["code"])
    assert (identity.openid, identity.unionid) == (user["openid"], "u-1")
    with pytest.raises(BadLoginCode):
        table.mini.login(user["code"])
    with pytest.raises(BadLoginCode):
        table.mini.login("never-issued")
    assert set(table.control("GET", "hits")) == {"/sns/jscode2session"}


def test_a_blocked_person_is_told_so(table: Table) -> None:
    user = table.control("POST", "users", {"blocked": True})
    with pytest.raises(LoginBlocked):
        table.mini.login(user["code"])


def test_fault_41_a_phone_code_works_for_its_owner_only(table: Table) -> None:
    owner, other = (table.control("POST", "users", {"phone": f"1380000000{n}"}) for n in range(2))
    code = table.control("POST", "phone-codes", {"openid": owner["openid"]})["code"]
    with pytest.raises(BadPhoneCode):
        table.mini.phone(code, openid=other["openid"])
    assert table.mini.phone(code, openid=owner["openid"]).endswith("13800000000")
    with pytest.raises(BadPhoneCode):
        table.mini.phone(code, openid=owner["openid"])


def test_tokens_taken_away_by_wechat_cost_one_renewal(table: Table) -> None:
    user = table.control("POST", "users", {"phone": "13800000000"})
    for _ in range(2):
        code = table.control("POST", "phone-codes", {"openid": user["openid"]})["code"]
        assert table.mini.phone(code, openid=user["openid"]).endswith("13800000000")
        table.control("POST", "tokens/invalidate", {})
    assert table.control("GET", "hits")["/cgi-bin/stable_token"] == 2


def test_an_order_is_paid_and_the_notice_equals_the_query(table: Table) -> None:
    order = table.new_order()
    table.pay(order)
    notice = table.open_next()
    found = table.gateway.query(mchid=MCHID, out_trade_no=order.out_trade_no)
    assert found is not None
    assert found.state is TradeState.SUCCESS
    assert notice.paid == found.paid
    assert notice.paid is not None
    assert (notice.paid.total_fen, notice.paid.currency, notice.paid.payer_openid) == (9900, "CNY", order.openid)
    assert table.gateway.close(mchid=MCHID, out_trade_no=order.out_trade_no) is CloseOutcome.ALREADY_PAID
    with pytest.raises(OrderPaid):
        table.gateway.prepay(order)


def test_a_coupon_lowers_what_the_payer_paid_only(table: Table) -> None:
    table.pay(table.new_order(), coupon_fen=500)
    paid = table.open_next().paid
    assert paid is not None
    assert (paid.total_fen, paid.payer_total_fen) == (9900, 9400)


def test_the_same_order_again_gets_another_prepay_id_and_a_changed_one_does_not(table: Table) -> None:
    order = table.new_order()
    assert table.gateway.prepay(order) != table.gateway.prepay(order)
    with pytest.raises(OrderNumberSpent):
        table.gateway.prepay(replace(order, amount_fen=1))


def test_an_unpaid_order_closes_and_its_number_is_spent(table: Table) -> None:
    order = table.new_order()
    table.gateway.prepay(order)
    before = table.gateway.query(mchid=MCHID, out_trade_no=order.out_trade_no)
    assert before is not None
    assert (before.state, before.paid) == (TradeState.NOTPAY, None)
    for _ in range(2):
        assert table.gateway.close(mchid=MCHID, out_trade_no=order.out_trade_no) is CloseOutcome.CLOSED
    after = table.gateway.query(mchid=MCHID, out_trade_no=order.out_trade_no)
    assert after is not None
    assert after.state is TradeState.CLOSED
    with pytest.raises(OrderNumberSpent):
        table.gateway.prepay(order)


def test_an_order_cannot_be_closed_while_the_password_is_typed(table: Table) -> None:
    order = table.new_order()
    prepay_id = table.gateway.prepay(order)
    table.control("POST", "pay", {"params": table.params(order, prepay_id), "openid": order.openid, "step": "begin"})
    assert table.gateway.close(mchid=MCHID, out_trade_no=order.out_trade_no) is CloseOutcome.BUSY


def test_an_order_nobody_placed_is_unknown(table: Table) -> None:
    number = table.new_order().out_trade_no
    assert table.gateway.query(mchid=MCHID, out_trade_no=number) is None
    assert table.gateway.close(mchid=MCHID, out_trade_no=number) is CloseOutcome.UNKNOWN


def test_two_merchants_keep_their_orders_apart(table: Table) -> None:
    order = table.new_order(mchid=OTHER_MCHID)
    table.pay(order)
    assert table.gateway.query(mchid=MCHID, out_trade_no=order.out_trade_no) is None
    assert table.open_next(mchid=OTHER_MCHID).mchid == OTHER_MCHID


@pytest.mark.parametrize(
    "forge",
    [
        "random-signature",
        "signtest",
        "tampered-body",
        "wrong-apiv3-key",
        "unknown-serial",
        "unknown-public-key",
        "stale-timestamp",
    ],
)
def test_forged_notices_are_refused_without_a_call(table: Table, forge: str) -> None:
    order = table.new_order()
    table.pay(order, notify=False)
    hits = table.control("GET", "hits")
    table.control("POST", "notify", {"out_trade_no": order.out_trade_no, "forge": forge})
    with pytest.raises(BadNotification) as raised:
        table.open_next()
    assert raised.value.stale_order == (order.out_trade_no if forge == "stale-timestamp" else None)
    assert raised.value.serial_unknown is forge.startswith("unknown")
    assert table.control("GET", "hits") == hits


@pytest.mark.parametrize("override", [{"mchid": OTHER_MCHID}, {"appid": "wx-another"}])
def test_a_notice_for_somebody_else_is_named_so(table: Table, override: dict[str, str]) -> None:
    order = table.new_order()
    table.pay(order, notify=False)
    table.control("POST", "notify", {"out_trade_no": order.out_trade_no, "override": override})
    with pytest.raises(WrongRecipient):
        table.open_next()


def test_notices_signed_by_either_key_open_during_the_switch(table: Table) -> None:
    order = table.new_order()
    table.pay(order, notify=False)
    opened = []
    for mode in ("public_key", "platform_certificate"):
        table.control("POST", "notify", {"out_trade_no": order.out_trade_no, "sign_mode": mode})
        opened.append(table.open_next().paid)
    assert opened[0] == opened[1] is not None


@pytest.mark.parametrize(
    "fault",
    [
        {"drop": True},
        {"drop": True, "after": True},
        {"truncate": True},
        {"status": 503},
        {"status": 500, "after": True},
    ],
    ids=["drop", "drop after", "truncate", "503", "500 after"],
)
def test_a_prepay_survives_one_fault_even_when_the_first_had_arrived(table: Table, fault: dict[str, Any]) -> None:
    order = table.new_order()
    table.control("POST", "faults", {"path": "/v3/pay/transactions/jsapi", "times": 1, **fault})
    table.pay(order)
    assert table.open_next().out_trade_no == order.out_trade_no


@pytest.mark.parametrize("skew_s", [-400, 400])
def test_a_clock_that_is_wrong_is_the_operators_fault(table: Table, skew_s: int) -> None:
    table.control("POST", "clock", {"skew_s": skew_s})
    with pytest.raises(WxMisconfigured) as raised:
        table.gateway.prepay(table.new_order())
    assert (raised.value.wx_code, raised.value.http) == ("SIGN_ERROR", 401)


def test_without_redis_a_phone_is_still_traded(running: tuple[RunningSimulator, Mailbox]) -> None:
    """Also: building opens no connection, or this Redis would be missed at once."""
    simulator, origin = running[0].simulator, running[0].origin
    app = simulator.world.app
    mini = live_mini(appid=app.appid, secret=app.secret, base_url=origin, redis_url="redis://127.0.0.1:9/0")
    user = simulator.control("POST", "users", {"phone": "13800000000"})
    with closing_link(mini):
        for _ in range(2):
            code = simulator.control("POST", "phone-codes", {"openid": user["openid"]})["code"]
            assert mini.phone(code, openid=user["openid"]).endswith("13800000000")
    assert simulator.control("GET", "hits")["/cgi-bin/stable_token"] == 1


def test_building_calls_nobody(table: Table) -> None:
    assert table.control("GET", "hits") == {}
