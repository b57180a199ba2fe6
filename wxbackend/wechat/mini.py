"""``core.wxmini.MiniProgram`` over WeChat."""

import logging
import re
from collections.abc import Mapping
from typing import Any

from wxbackend.core.errors import TooMany
from wxbackend.core.wxmini import (
    BadLoginCode,
    BadPhoneCode,
    Delivery,
    LoginBlocked,
    PageUnpublished,
    Shipment,
    ShippingState,
    ShippingTooEarly,
    Suggestion,
    TextScene,
    Verdict,
    WxIdentity,
)
from wxbackend.wechat.buckets import Bucket, MemoryBucket
from wxbackend.wechat.errors import WxMisconfigured, WxRejected, WxUnavailable
from wxbackend.wechat.messages import Unfit, fit_fields
from wxbackend.wechat.mini_client import OFFICIAL_URL, MiniProgramClient
from wxbackend.wechat.shipping import DONE_BEFORE, UNKNOWN_ORDER, report_document, told_state
from wxbackend.wechat.transport import Answer

CODES_PER_SECOND = 40  # WeChat allows 5000 a minute
LONGEST_NICKNAME = 500
SCENE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]{1,32}")
PAGE = re.compile(r"[0-9A-Za-z_\-]+(/[0-9A-Za-z_\-]+)*")
WIDTHS = range(280, 1281)
CHECK_VERSION, IMAGE = 2, 2

WRONG_APPID = "40013"
LOGIN_REFUSALS = {"40029": BadLoginCode, "40163": BadLoginCode, "40226": LoginBlocked}
UNPUBLISHED = "41030"
DELIVERIES = {
    "43101": Delivery.REFUSED,
    "47003": Delivery.INVALID,
    "40037": Delivery.INVALID,
    UNPUBLISHED: Delivery.INVALID,
}

log = logging.getLogger(__name__)


class LiveMiniProgram:
    """Threads may share it. Building it opens no connection."""

    def __init__(self, client: MiniProgramClient, *, codes: Bucket | None = None) -> None:
        self._client = client
        self._codes = codes or MemoryBucket(CODES_PER_SECOND)

    @property
    def appid(self) -> str:
        return str(self._client.appid)

    def check_text(self, text: str, *, openid: str, scene: TextScene, nickname: str | None = None) -> Verdict:
        question = {"version": CHECK_VERSION, "scene": int(scene), "openid": openid, "content": text}
        if nickname:
            question["nickname"] = nickname[:LONGEST_NICKNAME]
        answer = self._judged("/wxa/msg_sec_check", question)
        result = answer.get("result")
        try:
            suggestion = Suggestion(result["suggest"]) if isinstance(result, dict) else None
        except (KeyError, ValueError):
            suggestion = None
        if suggestion is None or not isinstance(result, dict):
            raise WxUnavailable("msg_sec_check answered without a verdict")
        label = result.get("label")
        trace_id = str(answer.get("trace_id", ""))
        return Verdict(suggestion=suggestion, label=label if isinstance(label, int) else 0, trace_id=trace_id)

    def submit_image(self, url: str, *, openid: str, scene: TextScene) -> str:
        question = {"version": CHECK_VERSION, "scene": int(scene), "openid": openid}
        answer = self._judged("/wxa/media_check_async", {**question, "media_url": url, "media_type": IMAGE})
        trace_id = answer.get("trace_id")
        if not isinstance(trace_id, str) or not trace_id:
            raise WxUnavailable("media_check_async answered without a trace id")
        return trace_id

    def _judged(self, path: str, question: Mapping[str, Any]) -> Mapping[str, Any]:
        """61010 is a person who has not been here for two hours; a refusal of any kind leaves the matter open."""
        try:
            return self._post(path, question)
        except WxMisconfigured:
            raise
        except WxRejected as refusal:
            raise WxUnavailable(f"not checked: {refusal}") from refusal

    def mini_code(self, *, scene: str, page: str, width_px: int) -> bytes:
        if not SCENE.fullmatch(scene) or not PAGE.fullmatch(page) or width_px not in WIDTHS:
            raise ValueError(f"not a mini-program code: {scene!r} {page!r} {width_px}")
        if not self._codes.take():
            raise TooMany
        wish = {"scene": scene, "page": page, "width": width_px, "check_path": True, "env_version": "release"}
        try:
            answer = self._client.post(_url("/wxa/getwxacodeunlimit"), data=wish)
        except WxRejected as refusal:
            if refusal.wx_code == UNPUBLISHED:
                raise PageUnpublished from refusal
            raise
        if not isinstance(answer, Answer):
            raise WxUnavailable("getwxacodeunlimit answered without a picture")
        return answer.content

    def send_message(self, *, openid: str, template_id: str, fields: Mapping[str, str], page: str) -> Delivery:
        """A message that may have arrived is not sent again: it would use up another consent."""
        try:
            data = {name: {"value": value} for name, value in fit_fields(fields).items()}
        except Unfit as fault:
            log.warning("message of template %s not sent: %s", template_id, fault)
            return Delivery.INVALID
        letter = {"touser": openid, "template_id": template_id, "page": page.removeprefix("/"), "data": data}
        try:
            self._post("/cgi-bin/message/subscribe/send", {**letter, "lang": "zh_CN"}, once_only=True)
        except WxRejected as refusal:
            outcome = DELIVERIES.get(refusal.wx_code)
            if outcome is None:
                raise
            log.info("message of template %s: %s", template_id, refusal)
            return outcome
        return Delivery.SENT

    def is_trade_managed(self) -> bool:
        answer = self._post("/wxa/sec/order/is_trade_managed", {"appid": self.appid})
        managed = answer.get("is_trade_managed")
        if not isinstance(managed, bool):
            raise WxUnavailable("is_trade_managed answered without a word on it")
        return managed

    def report_shipping(self, shipment: Shipment) -> None:
        try:
            self._post("/wxa/sec/order/upload_shipping_info", report_document(shipment))
        except WxRejected as refusal:
            if refusal.wx_code == UNKNOWN_ORDER:
                raise ShippingTooEarly from refusal
            if refusal.wx_code not in DONE_BEFORE:
                raise

    def shipping_state(self, *, transaction_id: str) -> ShippingState:
        try:
            answer = self._post("/wxa/sec/order/get_order", {"transaction_id": transaction_id})
        except WxRejected as refusal:
            if refusal.wx_code == UNKNOWN_ORDER:
                return ShippingState.UNKNOWN
            raise
        state = told_state(answer)
        if state is None:
            raise WxUnavailable("get_order answered without a known state")
        return state

    def _post(self, path: str, question: Mapping[str, Any], *, once_only: bool = False) -> dict[str, Any]:
        answer = self._client.post(_url(path), data=dict(question), once_only=once_only)
        if not isinstance(answer, dict):
            raise WxUnavailable(f"{path} answered a picture")
        return answer

    def login(self, code: str) -> WxIdentity:
        try:
            answer = self._client.wxa.code_to_session(code)
        except WxRejected as refusal:
            known = LOGIN_REFUSALS.get(refusal.wx_code)
            if known is None:
                raise
            raise known from refusal
        openid, unionid = answer.get("openid"), answer.get("unionid")
        if not isinstance(openid, str) or not openid:
            raise WxUnavailable("jscode2session answered without an openid")
        return WxIdentity(openid=openid, unionid=unionid if isinstance(unionid, str) else None)

    def phone(self, code: str, *, openid: str) -> str:
        """Both arguments come from the caller, so any definite refusal is about them.

        WeChat publishes no number for a code that belongs to somebody else; 40013 is one of another program.
        """
        _ = self._client.access_token  # fetched first: a wrong appid of ours is 40013 as well, and shows here
        try:
            answer = self._post("/wxa/business/getuserphonenumber", {"code": code, "openid": openid})
        except WxRejected as refusal:
            if isinstance(refusal, WxMisconfigured) and refusal.wx_code != WRONG_APPID:
                raise
            raise BadPhoneCode from refusal
        return self._phone_number(answer)

    def _phone_number(self, answer: Mapping[str, Any]) -> str:
        info = answer.get("phone_info")
        if not isinstance(info, dict) or not isinstance(info.get("phoneNumber"), str):
            raise WxUnavailable("getuserphonenumber answered without a number")
        watermark = info.get("watermark")
        if isinstance(watermark, dict) and watermark.get("appid") != self.appid:
            raise BadPhoneCode
        return str(info["phoneNumber"])

    def disconnect(self) -> None:
        """Let go of the pooled connections."""
        self._client.disconnect()


def _url(path: str) -> str:
    """Official: the library puts its own base before anything else."""
    return OFFICIAL_URL + path
