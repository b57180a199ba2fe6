"""Sign-in and sessions."""

from flask import Response, request
from flask_openapi import APIBlueprint

from wxbackend.core.db import reading, transaction
from wxbackend.core.http import answer, no_content
from wxbackend.core.limits import by_address, limiter
from wxbackend.core.policies import allow, current_caller, public, resident
from wxbackend.core.ports import ports, settings, vault
from wxbackend.identity import service as identity
from wxbackend.identity.schemas import DevicesAnswer, SessionAnswer, SessionPath, SignInBody, user_answer

bp = APIBlueprint("identity", __name__)


@bp.post("/v1/sessions", operation_id="createSession", responses={201: SessionAnswer})
@limiter.limit("30/minute", key_func=by_address)
@allow(public)
def create_session(body: SignInBody) -> Response:
    """Trade a ``wx.login`` code for a session token."""
    ask, now = ports(), ports().now()
    who = ask.mini.login(body.code)
    new = identity.NewSession(
        token=ask.new_token(),
        public_id=ask.new_id(),
        device=request.headers.get("User-Agent", ""),
        expires_at=identity.session_end(now, days=settings().session_days),
    )
    with transaction() as session:
        found = identity.sign_in(session, appid=ask.mini.appid, who=who, new=new, safe=vault(), now=now)
        user = user_answer(found)
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
