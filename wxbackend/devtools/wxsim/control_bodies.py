"""Bodies of the control API; an unknown field is refused, so that a misspelt fault cannot pass unnoticed."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from wxbackend.devtools.wxsim.faults import Fault
from wxbackend.devtools.wxsim.faults_named import named_fault
from wxbackend.devtools.wxsim.merchants import SignMode
from wxbackend.devtools.wxsim.notices import MOST_COPIES, Handling
from wxbackend.devtools.wxsim.notices_forged import Forgery
from wxbackend.devtools.wxsim.notices_named import named_fields
from wxbackend.devtools.wxsim.pay_mistakes import Mistake


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
    """How a notification travels, see notices.Handling; what is given goes before what ``trouble`` names."""

    trouble: str | None = None
    copies: int = Field(default=1, ge=1, le=MOST_COPIES)
    second_id: bool = False
    delay_s: float = Field(default=0, ge=0)
    hold: bool = False
    drop: bool = False
    forge: Forgery | None = None
    sign_mode: SignMode | None = None
    override: dict[str, Any] = Field(default_factory=dict)
    event_type: str | None = Field(default=None, min_length=1, max_length=32)
    url: str | None = None

    def handling(self) -> Handling:
        """Raises BadNotice for an unknown trouble."""
        named = named_fields(self.trouble)
        given = {name: getattr(self, name) for name in self.model_fields_set & HANDLING_FIELDS}
        override = {**named.get("override", {}), **self.override}
        return Handling(**(named | given | {"override": override}))


HANDLING_FIELDS = set(HandlingBody.model_fields) - {"trouble"}


class PlanBody(HandlingBody):
    event: Literal["payment", "refund", "any"] = "payment"
    times: int = Field(default=1, ge=1, le=10_000)


class NotifyBody(HandlingBody):
    """``claim`` lets a forger tell of a payment that never was."""

    out_trade_no: str
    mchid: str | None = None
    claim: bool = False


class ResendBody(ControlBody):
    verbatim: bool = False


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
    """See faults.Fault; what is given goes before what ``name`` brings."""

    name: str | None = None
    path: str | None = None
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] | None = None
    host: str | None = None
    skip: int = Field(default=0, ge=0)
    times: int = 1
    json_: dict[str, Any] | None = Field(default=None, alias="json")
    status: int | None = Field(default=None, ge=100, le=599)
    code: str = "SYSTEM_ERROR"
    message: str = "系统异常，请稍后重试"
    hang_s: float = Field(default=0, ge=0, le=3600)
    drop: bool = False
    truncate: bool = False
    mistake: Mistake | None = None
    after: bool = False

    def fault(self) -> Fault:
        """Raises BadFault."""
        given = self.model_dump(by_alias=True, include=self.model_fields_set - {"name"})
        return Fault(**({"path": ""} | named_fault(self.name) | given))

    @model_validator(mode="after")
    def _name_or_path(self) -> Self:
        if self.name is None and self.path is None:
            raise ValueError("give name or path")
        return self


class ClockBody(ControlBody):
    advance_s: float = Field(default=0, ge=0)
    skew_s: float | None = None
    speed: float | None = Field(default=None, gt=0, le=1_000_000)


class AppBody(ControlBody):
    secret: str | None = Field(default=None, min_length=1)


class MerchantBody(ControlBody):
    """``apiv3_key`` resets the key that seals notifications."""

    sign_mode: SignMode | None = None
    apiv3_key: str | None = Field(default=None, pattern=r"^[0-9A-Za-z]{32}$")
