"""What the factory calls. Building opens no connection, so it is safe before a fork."""

from pathlib import Path

from wxbackend.wechat.merchants import read_merchants
from wxbackend.wechat.mini import LiveMiniProgram
from wxbackend.wechat.mini_client import OFFICIAL_URL as MINI_URL
from wxbackend.wechat.mini_client import MiniProgramClient
from wxbackend.wechat.pay import LiveGateway
from wxbackend.wechat.pay_core import OFFICIAL_URL as PAY_URL
from wxbackend.wechat.pay_core import PayCore, pay_hosts
from wxbackend.wechat.push import LivePushOpener
from wxbackend.wechat.tokens import AccessTokenStore, MemoryTokenStore, RedisTokenStore, connect_redis
from wxbackend.wechat.transport import Hosts, Link

MINI_TIMEOUT_S = (2.0, 4.0)
PAY_TIMEOUT_S = (2.0, 5.0)


def live_mini(*, appid: str, secret: str, base_url: str = MINI_URL, redis_url: str | None = None) -> LiveMiniProgram:
    link = Link(Hosts(base_url), timeout_s=MINI_TIMEOUT_S)
    store = _token_store(appid, redis_url)
    return LiveMiniProgram(MiniProgramClient(appid=appid, secret=secret, store=store, link=link))


def live_gateway(*, appid: str, merchants_file: Path | None, base_url: str = PAY_URL) -> LiveGateway:
    """Without a file there is no merchant, and every order is refused. Raises ``BadMerchants`` with every fault."""
    hosts = pay_hosts(base_url)
    merchants = read_merchants(merchants_file) if merchants_file else ()
    cores = [PayCore(merchant, Link(hosts, timeout_s=PAY_TIMEOUT_S)) for merchant in merchants]
    return LiveGateway(appid=appid, cores=cores)


def live_push(*, appid: str, token: str, aes_key: str) -> LivePushOpener:
    return LivePushOpener(appid=appid, token=token, aes_key=aes_key)


def _token_store(appid: str, redis_url: str | None) -> AccessTokenStore:
    """Without Redis every process fetches for itself: stable_token gives all of them the same token."""
    if not redis_url:
        return MemoryTokenStore()
    return RedisTokenStore(connect_redis(redis_url), appid=appid)
