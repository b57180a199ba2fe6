"""What the factory calls. Building opens no connection, so it is safe before a fork."""

from pathlib import Path

from redis import Redis

from wxbackend.wechat.buckets import RedisBucket
from wxbackend.wechat.merchants import read_merchants
from wxbackend.wechat.mini import CODES_PER_SECOND, LiveMiniProgram
from wxbackend.wechat.mini_client import OFFICIAL_URL as MINI_URL
from wxbackend.wechat.mini_client import MiniProgramClient
from wxbackend.wechat.pay import LiveGateway
from wxbackend.wechat.pay_core import OFFICIAL_URL as PAY_URL
from wxbackend.wechat.pay_core import PayCore, pay_hosts
from wxbackend.wechat.push import LivePushOpener
from wxbackend.wechat.token_table import DatabaseTokenStore
from wxbackend.wechat.tokens import AccessTokenStore, MemoryTokenStore, RedisTokenStore, connect_redis
from wxbackend.wechat.transport import Hosts, Link

MINI_TIMEOUT_S = (2.0, 4.0)
PAY_TIMEOUT_S = (2.0, 5.0)
#: One call with all its tries; somebody waits.
MINI_WITHIN_S, PAY_WITHIN_S = 8.0, 12.0


def live_mini(
    *,
    appid: str,
    secret: str,
    base_url: str = MINI_URL,
    redis_url: str | None = None,
    has_database: bool = False,
) -> LiveMiniProgram:
    """Tokens and permits are shared through Redis; without it tokens are, where there is a database to do it."""
    redis = connect_redis(redis_url) if redis_url else None
    link = Link(Hosts(base_url), timeout_s=MINI_TIMEOUT_S, within_s=MINI_WITHIN_S)
    store = _token_store(appid, redis, has_database=has_database)
    bucket = RedisBucket(redis, name=f"codes:{appid}", per_second=CODES_PER_SECOND) if redis else None
    return LiveMiniProgram(MiniProgramClient(appid=appid, secret=secret, store=store, link=link), codes=bucket)


def live_gateway(
    *, appid: str, merchants_file: Path | None, base_url: str = PAY_URL, backup_url: str | None = None
) -> LiveGateway:
    """Without a file there is no merchant, and every order is refused. Raises ``BadMerchants`` with every fault.

    ``backup_url`` is for addresses other than WeChat Pay's own, which has its own second host.
    """
    hosts = pay_hosts(base_url, backup_url)
    merchants = read_merchants(merchants_file) if merchants_file else ()
    cores = [PayCore(merchant, Link(hosts, timeout_s=PAY_TIMEOUT_S, within_s=PAY_WITHIN_S)) for merchant in merchants]
    return LiveGateway(appid=appid, cores=cores)


def live_push(*, appid: str, token: str, aes_key: str) -> LivePushOpener:
    return LivePushOpener(appid=appid, token=token, aes_key=aes_key)


def _token_store(appid: str, redis: Redis | None, *, has_database: bool) -> AccessTokenStore:
    if redis is not None:
        return RedisTokenStore(redis, appid=appid)
    return DatabaseTokenStore(appid=appid) if has_database else MemoryTokenStore()
