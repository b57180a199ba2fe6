"""One simulator per test over keys made once, and the two unmodified SDKs pointed at it."""

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

import pytest
import requests
from requests.adapters import HTTPAdapter
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.core import Core
from wechatpy import WeChatClient

from tests.devtools.paying import NUMBER, REFUND, REFUND_URL, TOTAL
from tests.devtools.receiver import Receiver
from wxbackend.devtools.wxsim import RunningSimulator, SimClock, Simulator, World, serve_simulator
from wxbackend.devtools.wxsim.clock import CHINA
from wxbackend.devtools.wxsim.keys import private_pem, public_pem
from wxbackend.devtools.wxsim.merchants import Merchant, MiniApp, new_merchants

NOTIFY_URL = "https://xiangshu.example/wx/pay/notify"


@dataclass
class ManualWall:
    """A wall clock that moves only when told."""

    seconds: float = 1_790_000_000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Mailbox:
    """Receives notifications in place of a backend; answers each with the next status, the last one for ever."""

    statuses: list[int] = field(default_factory=lambda: [204])
    posts: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def __call__(self, url: str, headers: dict[str, str], body: bytes) -> int:
        self.posts.append((url, headers, body))
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


@pytest.fixture(scope="session")
def merchants() -> dict[str, Merchant]:
    return new_merchants(("1680000001", "1680000002"), now=1_790_000_000.0)


@pytest.fixture
def wall() -> ManualWall:
    return ManualWall()


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def new_world(merchants: dict[str, Merchant]) -> Callable[[SimClock], World]:
    def build(clock: SimClock) -> World:
        own = {mchid: replace(merchant) for mchid, merchant in merchants.items()}
        return World(MiniApp("wx5a6b7c8d9e0f1a2b", "s" * 32), own, clock)

    return build


@pytest.fixture
def simulator(new_world: Callable[[SimClock], World], mailbox: Mailbox) -> Simulator:
    """Not started: nothing is delivered until a test says ``flush``."""
    return Simulator(new_world(SimClock()), post=mailbox)


@pytest.fixture
def running(simulator: Simulator) -> Iterator[RunningSimulator]:
    with serve_simulator(simulator) as server:
        yield server


class Rebase(HTTPAdapter):
    """Sends what is meant for https://api.weixin.qq.com to the simulator; the SDK notices nothing."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        super().__init__()

    def send(self, request, *args, **kwargs):
        request.url = request.url.replace("https://api.weixin.qq.com", self.origin)
        return super().send(request, *args, **kwargs)


@pytest.fixture
def mini(running: RunningSimulator) -> Iterator[WeChatClient]:
    """The unmodified wechatpy."""
    app = running.simulator.world.app
    client = WeChatClient(app.appid, app.secret, timeout=5)
    client._http.mount("https://", Rebase(running.origin))
    yield client
    client._http.close()


def _pay_sdk(running: RunningSimulator, merchant: Merchant) -> WeChatPay:
    sdk = WeChatPay(
        wechatpay_type=WeChatPayType.MINIPROG,
        mchid=merchant.mchid,
        private_key=private_pem(merchant.key).decode(),
        cert_serial_no=merchant.serial_no,
        appid=running.simulator.world.app.appid,
        apiv3_key=merchant.apiv3_key,
        notify_url=NOTIFY_URL,
        timeout=5,
        public_key=public_pem(merchant.wechat_key).decode(),
        public_key_id=merchant.public_key_id,
    )
    sdk._core._gate_way = running.origin
    return sdk


@pytest.fixture
def merchant(simulator: Simulator) -> Merchant:
    return simulator.world.merchants["1680000001"]


@pytest.fixture
def other_merchant(simulator: Simulator) -> Merchant:
    return simulator.world.merchants["1680000002"]


@pytest.fixture
def pay_sdk(running: RunningSimulator, merchant: Merchant) -> WeChatPay:
    """The unmodified wechatpayv3 in public-key mode."""
    return _pay_sdk(running, merchant)


@pytest.fixture
def other_pay_sdk(running: RunningSimulator, other_merchant: Merchant) -> WeChatPay:
    return _pay_sdk(running, other_merchant)


class SimulatedCore(Core):
    """The certificate-mode constructor calls out at once, so the gateway has to stand before it runs."""

    gateway = ""

    @property
    def _gate_way(self) -> str:
        return self.gateway

    @_gate_way.setter
    def _gate_way(self, _official: str) -> None:
        return


@pytest.fixture
def certificate_core(running: RunningSimulator, merchant: Merchant) -> Core:
    """wechatpayv3's core in platform-certificate mode: it fetches /v3/certificates on its own."""
    redirected = type("RedirectedCore", (SimulatedCore,), {"gateway": running.origin})
    return redirected(merchant.mchid, merchant.serial_no, private_pem(merchant.key).decode(), merchant.apiv3_key)


@pytest.fixture
def openid(simulator: Simulator) -> str:
    user: dict[str, str] = simulator.control("POST", "users", {})
    return user["openid"]


@pytest.fixture
def place(pay_sdk: WeChatPay, openid: str) -> Callable[..., tuple[int, dict]]:
    """Order through the SDK; keywords replace single parameters."""

    def order(sdk: WeChatPay | None = None, **changes) -> tuple[int, dict]:
        wish = {
            "description": "认种 三棵",
            "out_trade_no": "P261121ABCDEFGHJK01",
            "amount": {"total": 29700, "currency": "CNY"},
            "payer": {"openid": openid},
        }
        status, text = (sdk or pay_sdk).pay(**(wish | changes))
        return status, json.loads(text)

    return order


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def ask(mini: WeChatClient) -> Callable[..., dict]:
    """POST a path of api.weixin.qq.com through the unmodified wechatpy."""

    def post(path: str, /, **fields) -> dict:
        return mini.post("https://api.weixin.qq.com" + path, data=fields)

    return post


@pytest.fixture
def receiver(simulator: Simulator) -> Iterator[Receiver]:
    """A backend on a socket, entered as the address of message push."""
    backend = Receiver()
    backend.start()
    simulator.control("POST", "push/settings", {"url": backend.url, "patience_s": 2})
    yield backend
    backend.stop()


@pytest.fixture
def visitor(simulator: Simulator, openid: str) -> str:
    """Somebody who is in the mini-program now."""
    simulator.control("POST", "visits", {"openid": openid})
    return openid


@pytest.fixture
def paid(place: Callable[..., tuple[int, dict]], simulator: Simulator) -> Callable[..., dict]:
    """Place an order through the SDK and pay it; its transaction."""

    def act(
        number: str = NUMBER,
        *,
        sdk: WeChatPay | None = None,
        total: int = TOTAL,
        description: str = "认种 三棵",
        **more,
    ) -> dict:
        place(sdk, out_trade_no=number, description=description, amount={"total": total, "currency": "CNY"})
        transaction: dict = simulator.control("POST", "pay", {"out_trade_no": number, **more})["transaction"]
        return transaction

    return act


@pytest.fixture
def refund(pay_sdk: WeChatPay) -> Callable[..., tuple[int, dict]]:
    """Ask for a refund through the SDK; keywords replace single parameters."""

    def ask(
        number: str = REFUND, fen: int = TOTAL, *, sdk: WeChatPay | None = None, total: int = TOTAL, **changes
    ) -> tuple[int, dict]:
        wish = {
            "out_refund_no": number,
            "amount": {"refund": fen, "total": total, "currency": "CNY"},
            "out_trade_no": NUMBER,
            "reason": "基地取消种植",
            "notify_url": REFUND_URL,
        }
        status, text = (sdk or pay_sdk).refund(**(wish | changes))
        return status, json.loads(text)

    return ask


@pytest.fixture
def today(simulator: Simulator) -> date:
    """A business day that stands at ten in the morning in China; signatures keep their own time."""
    now = datetime.fromtimestamp(simulator.world.clock.now(), CHINA)
    ten_tomorrow = datetime.combine(now.date() + timedelta(days=1), time(10, tzinfo=CHINA))
    simulator.world.clock.advance((ten_tomorrow - now).total_seconds())
    return ten_tomorrow.date()


@pytest.fixture
def fetch(pay_sdk: WeChatPay) -> Callable[..., str]:
    """Apply for a bill, download it, compare the hash, unpack it: its text."""

    def act(day: date, kind: str = "trade_bill", *, check: bool = True, **query: str) -> str:
        status, text = getattr(pay_sdk, kind)(day.isoformat(), **query)
        assert status == 200, text
        applied = json.loads(text)
        status, content = pay_sdk.download_bill(applied["download_url"])
        assert status == 200
        plain = gzip.decompress(content)
        if check:
            assert hashlib.sha1(plain, usedforsecurity=False).hexdigest() == applied["hash_value"]
        return plain.decode()

    return act
