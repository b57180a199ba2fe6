"""How a call to WeChat can fail. All leave as 502 problems; what WeChat said goes to the log, never to the caller."""

from typing import ClassVar

from wxbackend.core.errors import UpstreamFailed


class WxError(UpstreamFailed):
    """``str(error)`` is for the log and carries no secret; ``retryable`` says whether asking again later may help."""

    retryable: ClassVar[bool] = False

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.args = (reason,)
        self.reason = reason


class WxUnavailable(WxError):
    """No usable answer: no connection, a timeout, a 5xx, 202, -1, a body cut short. The outcome is unknown."""

    code, title = "wechat-unavailable", "微信服务暂不可用，请稍后再试"
    retryable = True
    retry_after_s = 5

    def __init__(self, reason: str, *, timed_out: bool = False, busy: bool = False) -> None:
        """``busy`` when WeChat said -1: then nothing was done."""
        super().__init__(reason)
        self.timed_out = timed_out
        self.busy = busy


class WxRateLimited(WxError):
    code, title = "wechat-rate-limited", "微信接口调用过于频繁，请稍后再试"
    retryable = True
    retry_after_s = 60


class WxForged(WxError):
    """An answer that WeChat did not sign, or that is about something else than what we asked."""

    code, title = "wechat-forged", "微信返回的数据未通过验证，请稍后再试"


class WxRejected(WxError):
    """A definite refusal. ``wx_code`` is WeChat's code as text, such as ``"40029"`` or ``"ORDERPAID"``."""

    code, title = "wechat-rejected", "微信拒绝了该请求"

    def __init__(self, wx_code: str, message: str = "", http: int | None = None) -> None:
        super().__init__(f"{wx_code} {message} (http {http})")
        self.wx_code = wx_code
        self.message = message
        self.http = http


class WxMisconfigured(WxRejected):
    """Our appid, secret, keys or clock are wrong: only an operator can mend it."""

    code, title = "wechat-misconfigured", "微信接口配置有误，请联系管理员"
