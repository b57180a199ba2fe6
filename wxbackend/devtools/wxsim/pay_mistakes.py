"""Answers of WeChat Pay whose deed is true and whose signature is not."""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from wxbackend.devtools.wxsim.clock import random_hex
from wxbackend.devtools.wxsim.notices_forged import STALE_BY_S, random_signature
from wxbackend.devtools.wxsim.pay_site import answer_signer
from wxbackend.devtools.wxsim.wire import Answer, Request
from wxbackend.devtools.wxsim.world import World


class Mistake(StrEnum):
    """What is wrong with the signature of an answer."""

    UNSIGNED = "unsigned"
    RANDOM_SIGNATURE = "random-signature"
    TAMPERED_BODY = "tampered-body"
    STALE = "stale"  # properly signed, an hour ago
    FUTURE = "future"
    UNKNOWN_SERIAL = "unknown-serial"  # properly signed, under a serial nobody issued


def mistaken(world: World, request: Request, answer: Answer, mistake: Mistake) -> Answer:
    """The answer with that mistake; one that carries no signature stays as it is."""
    if "Wechatpay-Signature" not in answer.headers:
        return answer
    if mistake is Mistake.UNSIGNED:
        return replace(answer, headers=_unsigned(answer.headers))
    if mistake is Mistake.RANDOM_SIGNATURE:
        return replace(answer, headers=dict(answer.headers) | {"Wechatpay-Signature": random_signature()})
    if mistake is Mistake.TAMPERED_BODY:
        nonce = {"Wechatpay-Nonce": random_hex(32)}  # an empty body has nothing to tamper with
        return replace(answer, body=answer.body.replace(b":", b" :", 1), headers=dict(answer.headers) | nonce)
    return _signed_again(world, request, answer, mistake)


def _unsigned(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if not name.startswith("Wechatpay-")}


def _signed_again(world: World, request: Request, answer: Answer, mistake: Mistake) -> Answer:
    signer = answer_signer(world, request)
    if signer is None:
        return answer
    if mistake is Mistake.UNKNOWN_SERIAL:
        signer = replace(signer, serial=random_hex(40).upper())
    off_s = {Mistake.STALE: -STALE_BY_S, Mistake.FUTURE: STALE_BY_S}.get(mistake, 0)
    fresh = signer.signed_headers(answer.body, timestamp=int(world.clock.signing_now()) + off_s)
    return replace(answer, headers=dict(answer.headers) | fresh)
