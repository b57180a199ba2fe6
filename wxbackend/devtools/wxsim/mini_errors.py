"""How the real host words the errors that a fault can order."""

from types import MappingProxyType

from wxbackend.devtools.wxsim.clock import random_hex


class BadOrder(Exception):
    """An order of the control API that cannot be carried out; ``code`` says why in a word."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


ERRMSGS = MappingProxyType(
    {
        -1: "system error",
        40001: "invalid credential, access_token is invalid or not latest",
        40003: "invalid openid",
        40013: "invalid appid",
        40014: "invalid access_token",
        40029: "invalid code",
        40037: "invalid template_id",
        40125: "invalid appsecret",
        40163: "code been used",
        40164: "invalid ip 127.0.0.1, not in whitelist",
        40226: "code blocked",
        41030: "invalid page",
        42001: "access_token expired",
        43101: "user refuse to accept the msg",
        45009: "reach max api daily quota limit",
        45011: "api minute-quota reach limit, must slower retry next minute",
        47003: "argument invalid!",
        48001: "api unauthorized",
        50002: "user limited",
        61004: "access clientip is not registered",
        61010: "code is expired",
    }
)


def errmsg_of(errcode: int) -> str:
    """With the request id that the real host appends, by which its support finds a call."""
    return f"{ERRMSGS.get(errcode, 'error')}, rid: {random_hex(8)}-{random_hex(8)}-{random_hex(8)}"
