"""Everything we refuse on purpose: one tree of problems, each with a status, a code and a Chinese title (RFC 9457)."""

from typing import Any, ClassVar


class Problem(Exception):
    """An expected refusal. ``detail`` is for the caller; ``extra`` become members of the problem document."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "服务器内部错误"
    retry_after_s: ClassVar[int | None] = None

    def __init__(self, detail: str = "", **extra: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.extra = extra

    @property
    def body(self) -> dict[str, Any]:
        """The problem document without ``instance`` and ``request_id``, which belong to one request."""
        said = {"detail": self.detail} if self.detail else {}
        return {
            "type": f"/problems#{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            **said,
            **self.extra,
        }


class BadRequest(Problem):
    status, code, title = 400, "bad-request", "请求无法识别"


class NotSignedIn(Problem):
    status, code, title = 401, "not-signed-in", "请先登录"


class NotAllowed(Problem):
    status, code, title = 403, "not-allowed", "没有权限进行该操作"


class NotFound(Problem):
    status, code, title = 404, "not-found", "未找到"


class MethodNotAllowed(Problem):
    status, code, title = 405, "method-not-allowed", "不支持该请求方法"


class Conflict(Problem):
    status, code, title = 409, "conflict", "当前状态不允许该操作"


class IllegalMove(Conflict):
    code = "illegal-move"


class TooLarge(Problem):
    status, code, title = 413, "too-large", "请求内容过大"


class UnsupportedMedia(Problem):
    status, code, title = 415, "unsupported-media-type", "请求格式不受支持"


class InvalidInput(Problem):
    """Bad input. ``errors`` lists every fault as ``{"field": "/body/tree_count", "message": "…"}``."""

    status, code, title = 422, "invalid-input", "请求内容有误"

    @classmethod
    def at(cls, field: str, message: str) -> "InvalidInput":
        """One fault at ``field``, a JSON pointer into the request such as ``/body/holder_name``."""
        return cls(message, errors=[{"field": field, "message": message}])


class TooMany(Problem):
    status, code, title = 429, "too-many-requests", "操作过于频繁，请稍后再试"
    retry_after_s = 60


class UpstreamFailed(Problem):
    status, code, title = 502, "upstream-failed", "微信服务暂不可用，请稍后再试"


class Busy(Problem):
    status, code, title = 503, "busy", "系统繁忙，请稍后再试"
    retry_after_s = 2
