"""How staff are recognised: the resolver behind the ``staff`` policies, and the cookie it reads."""

from collections.abc import Mapping

from flask import Response, g, request

from wxbackend.core.caller import Caller
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import NotAllowed, NotSignedIn
from wxbackend.core.policies import Policy
from wxbackend.core.ports import ports, settings
from wxbackend.staff import sessions
from wxbackend.staff.rules import SESSION_LIFE, scopes_of


def cookie_name() -> str:
    """``__Host-``: the browser takes it only over https, for this host alone and for every path."""
    return "__Host-xs_staff" if settings().is_production else "xs_staff"


def cookie_token() -> str | None:
    return request.cookies.get(cookie_name())


def set_cookie(response: Response, token: str) -> None:
    response.set_cookie(
        cookie_name(),
        token,
        max_age=int(SESSION_LIFE.total_seconds()),
        path="/",
        secure=settings().is_production,
        httponly=True,
        samesite="Lax",
    )


def drop_cookie(response: Response) -> None:
    response.delete_cookie(cookie_name(), path="/", secure=settings().is_production, httponly=True, samesite="Lax")


def signed_in_staff(policy: Policy) -> Caller:
    """The caller of this request. Raises ``NotSignedIn``, or ``NotAllowed`` without the policy's permission."""
    token = cookie_token()
    if not token:
        raise NotSignedIn
    now = ports().now()
    with reading() as session:
        who = sessions.recognise(session, token=token, now=now)
    if who.needs_touch:
        with transaction() as session:
            sessions.touch(session, session_id=who.session_id, now=now)
    g.staff, g.staff_scopes = who, scopes_of(who.grants)
    return caller_for(policy.permission)


def current_scopes() -> Mapping[str, tuple[str, ...]]:
    """The region prefixes in which the signed-in person holds each permission."""
    found: Mapping[str, tuple[str, ...]] = g.staff_scopes
    return found


def caller_for(permission: str | None) -> Caller:
    """The signed-in person as holder of ``permission``; ``None`` asks for nothing and gives every region held."""
    who: sessions.SignedInStaff = g.staff
    scopes = current_scopes()
    if permission is not None and permission not in scopes:
        raise NotAllowed
    everywhere = tuple(sorted({prefix for _, prefix in who.grants}))
    return Caller(
        kind="staff",
        id=who.staff_id,
        session_id=who.session_id,
        name=who.display_name,
        prefixes=everywhere if permission is None else scopes[permission],
        permissions=frozenset(scopes),
        confirmed=who.confirmed,
    )
