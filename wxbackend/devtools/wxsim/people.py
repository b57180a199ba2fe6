"""WeChat users and the one-time codes their phones hand to the mini-program (wx.login, getPhoneNumber)."""

from collections import deque
from dataclasses import dataclass, field

from wxbackend.devtools.wxsim.clock import random_hex

CODE_LIFE_S = 300
MINUTE_S = 60
LOGINS_PER_MINUTE = 100
DEFAULT_PHONE = "19900000000"


class MiniRefusal(Exception):
    """An ``errcode`` of api.weixin.qq.com, which answers it with HTTP 200."""

    def __init__(self, errcode: int, errmsg: str) -> None:
        super().__init__(f"{errcode} {errmsg}")
        self.errcode = errcode
        self.errmsg = errmsg


@dataclass(slots=True)
class User:
    """``appid`` is the application this openid belongs to: another one's openid cannot pay here.

    ``visited_at`` is the last time it was seen in the mini-program; moderation forgets a visitor after two hours.
    """

    openid: str
    appid: str
    unionid: str | None = None
    phone: str = DEFAULT_PHONE
    blocked: bool = False
    visited_at: float | None = None
    logins: deque[float] = field(default_factory=deque)


@dataclass(slots=True)
class Code:
    openid: str
    made_at: float
    used: bool = False


@dataclass(slots=True)
class People:
    """Everyone who ever opened the mini-program; the caller holds the world's lock."""

    users: dict[str, User] = field(default_factory=dict)
    login_codes: dict[str, Code] = field(default_factory=dict)
    phone_codes: dict[str, Code] = field(default_factory=dict)

    def add(self, user: User) -> User:
        self.users[user.openid] = user
        return user

    def new_login_code(self, openid: str, *, now: float) -> str:
        code = "0" + random_hex(31)
        self.login_codes[code] = Code(openid, now)
        return code

    def new_phone_code(self, openid: str, *, now: float) -> str:
        code = random_hex(64)
        self.phone_codes[code] = Code(openid, now)
        return code

    def log_in(self, code: str, *, appid: str, now: float) -> User:
        """Redeem a login code; it works once, for five minutes, for the mini-program it was made for."""
        entry = self.login_codes.get(code)
        if entry is None or now - entry.made_at > CODE_LIFE_S:
            raise MiniRefusal(40029, "invalid code")
        if entry.used:
            raise MiniRefusal(40163, "code been used")
        user = self.users[entry.openid]
        if user.appid != appid:
            raise MiniRefusal(40029, "invalid code")
        if user.blocked:
            raise MiniRefusal(40226, "code blocked")
        _count_login(user, now=now)
        entry.used = True
        user.visited_at = now
        return user

    def tell_phone(self, code: str, *, openid: str | None, now: float) -> User:
        """Redeem a phone code; with ``openid`` it must be that user's, and stays usable if it is not."""
        entry = self.phone_codes.get(code)
        if entry is None or entry.used or now - entry.made_at > CODE_LIFE_S:
            raise MiniRefusal(40029, "invalid code")
        if openid is not None and openid != entry.openid:
            raise MiniRefusal(40013, "invalid openid: not the user of this code")
        entry.used = True
        user = self.users[entry.openid]
        user.visited_at = now
        return user


def new_openid() -> str:
    return "o" + random_hex(27)


def _count_login(user: User, *, now: float) -> None:
    while user.logins and now - user.logins[0] >= MINUTE_S:
        user.logins.popleft()
    if len(user.logins) >= LOGINS_PER_MINUTE:
        raise MiniRefusal(45011, "api minute-quota reach limit, must slower retry next minute")
    user.logins.append(now)
