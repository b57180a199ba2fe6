"""Sign-in, sessions, and everything a resident may see, change, take along or destroy of themselves."""

from flask import Response, current_app, g, request
from flask_openapi import APIBlueprint

from wxbackend.core import audit
from wxbackend.core.db import reading, transaction
from wxbackend.core.http import answer, no_content
from wxbackend.core.limits import by_address, limiter
from wxbackend.core.policies import allow, current_caller, public, resident
from wxbackend.core.ports import ports, settings, vault
from wxbackend.core.wxmini import WxIdentity
from wxbackend.identity import erasure, exports, legal, profile
from wxbackend.identity import service as identity
from wxbackend.identity.schemas import (
    ConsentAnswer,
    ConsentBody,
    DevicesAnswer,
    ExportAnswer,
    LegalAnswer,
    MeAnswer,
    PhoneAnswer,
    PhoneBody,
    ProfileAnswer,
    SessionAnswer,
    SessionPath,
    SignInBody,
    UserAnswer,
)

bp = APIBlueprint("identity", __name__)


@limiter.limit("10/minute", key_func=lambda: g.signing_in)
def _count_sign_in() -> None:
    """One person's sign-ins. Counted once WeChat has said who it is, by a digest: no openid enters the counter."""


def _who_signs_in(code: str) -> WxIdentity:
    who = ports().mini.login(code)
    g.signing_in = vault().index.of(who.openid, purpose="sign-in limit")
    _count_sign_in()
    return who


@bp.post("/v1/sessions", operation_id="createSession", responses={201: SessionAnswer})
@limiter.limit("30/minute", key_func=by_address)
@allow(public)
def create_session(body: SignInBody) -> Response:
    """Trade a ``wx.login`` code for a session token."""
    who = _who_signs_in(body.code)
    ask, now = ports(), ports().now()
    new = identity.NewSession(
        token=ask.new_token(),
        public_id=ask.new_id(),
        device=request.headers.get("User-Agent", ""),
        expires_at=identity.session_end(now, days=settings().session_days),
    )
    with transaction() as session:
        found = identity.sign_in(session, appid=ask.mini.appid, who=who, new=new, safe=vault(), now=now)
    user = UserAnswer.of(profile.profile_of(found, safe=vault()))
    return answer(SessionAnswer(token=new.token, expires_at=new.expires_at, user=user), 201)


@bp.get("/v1/sessions", operation_id="listSessions", responses={200: DevicesAnswer})
@allow(resident)
def list_sessions() -> Response:
    """Where I am signed in."""
    caller = current_caller()
    with reading() as session:
        rows = identity.list_sessions(session, resident_id=caller.id, now=ports().now())
    return answer(DevicesAnswer.of(rows, current_id=caller.session_id))


@bp.delete("/v1/sessions/current", operation_id="endCurrentSession", responses={204: None})
@allow(resident)
def end_current_session() -> Response:
    """Sign out."""
    with transaction() as session:
        identity.end_session_by_id(session, session_id=current_caller().session_id, now=ports().now())
    return no_content()


@bp.delete("/v1/sessions/<string:session_id>", operation_id="endSession", responses={204: None})
@allow(resident)
def end_session(path: SessionPath) -> Response:
    """Sign another phone out."""
    with transaction() as session:
        identity.end_session(session, resident_id=current_caller().id, public_id=path.session_id, now=ports().now())
    return no_content()


@bp.get("/v1/me", operation_id="readMe", responses={200: MeAnswer})
@allow(resident)
def read_me() -> Response:
    """My profile, and which texts I have agreed to."""
    caller = current_caller()
    with reading() as session:
        mine = profile.read_profile(session, resident_id=caller.id, safe=vault())
        found = profile.read_standing(session, resident_id=caller.id)
        standings = legal.consents_of(session, resident_id=caller.id, now=ports().now())
    said = ProfileAnswer.with_standing(mine, found, base_url=settings().public_base_url)
    return answer(MeAnswer.with_consents(said, standings))


@bp.post("/v1/me/phone", operation_id="bindPhone", responses={200: PhoneAnswer})
@limiter.limit("5/minute;20/day")
@allow(resident)
def bind_phone(body: PhoneBody) -> Response:
    """Bind the phone number that WeChat vouches for, in place of any other."""
    caller, now = current_caller(), ports().now()
    phone = ports().mini.phone(body.code, openid=caller.openid or "")
    with transaction() as session:
        mine = profile.set_phone(session, resident_id=caller.id, phone=phone, safe=vault())
        audit.record(session, caller=caller, action="resident.bind_phone", on=("resident", str(caller.id)), now=now)
    return answer(PhoneAnswer(phone_masked=UserAnswer.of(mine).phone_masked or ""))


@bp.get("/v1/legal", operation_id="listLegalTexts", responses={200: LegalAnswer})
@allow(public)
def list_legal_texts() -> Response:
    """The texts in force, whole."""
    with reading() as session:
        rows = legal.current_texts(session, now=ports().now())
    return answer(LegalAnswer.of(rows))


@bp.post("/v1/me/consents", operation_id="giveConsent", responses={200: ConsentAnswer})
@limiter.limit("30/minute")
@allow(resident)
def give_consent(body: ConsentBody) -> Response:
    """Agree to the current version of a text. Said twice it is agreed once, so it needs no Idempotency-Key."""
    caller, now = current_caller(), ports().now()
    what = {"text": body.text, "version": body.version}
    with transaction() as session:
        given = legal.give_consent(session, resident_id=caller.id, **what, now=now)
        if given.is_new:
            me = ("resident", str(caller.id))
            audit.record(session, caller=caller, action="resident.consent", on=me, now=now, **what)
    return answer(ConsentAnswer(**what, given_at=given.at))


@bp.get("/v1/me/export", operation_id="exportMe", responses={200: ExportAnswer})
@limiter.limit("5/hour")
@allow(resident)
def export_me() -> Response:
    """A copy of everything that is stored about me."""
    sections = current_app.extensions["xiangshu.exports"]
    with reading() as session:
        copy = exports.export(session, sections=sections, whose=exports.Subject(current_caller().id, vault()))
    return answer(ExportAnswer(exported_at=ports().now(), sections=copy))


@bp.delete("/v1/me", operation_id="eraseMe", responses={204: None})
@limiter.limit("5/hour")
@allow(resident)
def erase_me() -> Response:
    """Destroy my personal data and end my account. This cannot be undone."""
    caller, now = current_caller(), ports().now()
    with transaction() as session:
        erasers = current_app.extensions["xiangshu.erasers"]
        erasure.erase(session, resident_id=caller.id, erasers=erasers, now=now)
        audit.record(session, caller=caller, action="resident.erase", on=("resident", str(caller.id)), now=now)
    return no_content()
