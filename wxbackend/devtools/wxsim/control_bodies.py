"""Bodies of the control API; an unknown field is refused, so that a misspelt fault cannot pass unnoticed."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from wxbackend.devtools.wxsim.merchants import SignMode
from wxbackend.devtools.wxsim.notices import MOST_COPIES, Forgery, Handling


class ControlBody(BaseModel):
    model_config = ConfigDict(extra="forbid")


class UserBody(ControlBody):
    """An existing openid is changed, an unknown or absent one is created."""

    openid: str | None = Field(default=None, min_length=1, max_length=128)
    unionid: str | None = None
    phone: str | None = None
    blocked: bool | None = None
    appid: str | None = None


class CodeBody(ControlBody):
    openid: str


class HandlingBody(ControlBody):
    """How a notification travels, see notices.Handling."""

    copies: int = Field(default=1, ge=1, le=MOST_COPIES)
    second_id: bool = False
    delay_s: float = Field(default=0, ge=0)
    hold: bool = False
    drop: bool = False
    forge: Forgery | None = None
    sign_mode: SignMode | None = None
    override: dict[str, Any] = Field(default_factory=dict)

    def handling(self) -> Handling:
        return Handling(**{name: getattr(self, name) for name in HandlingBody.model_fields})


class PlanBody(HandlingBody):
    event: Literal["payment", "refund", "any"] = "payment"
    times: int = Field(default=1, ge=1, le=10_000)


class NotifyBody(HandlingBody):
    out_trade_no: str
    mchid: str | None = None


class PayBody(ControlBody):
    """Either the order's number, or what wx.requestPayment got, which is then checked as the phone would."""

    out_trade_no: str | None = None
    mchid: str | None = None
    params: dict[str, Any] | None = None
    openid: str | None = None
    coupon_fen: int = Field(default=0, ge=0)
    step: Literal["pay", "begin", "abandon"] = "pay"
    notify: bool = True

    @model_validator(mode="after")
    def _name_one_order(self) -> Self:
        if (self.out_trade_no is None) == (self.params is None):
            raise ValueError("give out_trade_no or params")
        return self


class ReleaseBody(ControlBody):
    numbers: list[int] | None = None


class FlushBody(ControlBody):
    until: Literal["due", "end"] = "due"


class FaultBody(ControlBody):
    """See faults.Fault."""

    path: str
    times: int = 1
    json_: dict[str, Any] | None = Field(default=None, alias="json")
    status: int | None = Field(default=None, ge=100, le=599)
    code: str = "SYSTEM_ERROR"
    message: str = "系统异常，请稍后重试"
    hang_s: float = Field(default=0, ge=0, le=3600)
    drop: bool = False
    truncate: bool = False
    after: bool = False


class ClockBody(ControlBody):
    advance_s: float = Field(default=0, ge=0)
    skew_s: float | None = None
    speed: float | None = Field(default=None, gt=0, le=1_000_000)


class AppBody(ControlBody):
    secret: str | None = Field(default=None, min_length=1)


class MerchantBody(ControlBody):
    sign_mode: SignMode
