"""How a resident is recognised: the resolver behind the ``resident`` policy."""

from flask import request

from wxbackend.core.caller import Caller
from wxbackend.core.db import reading
from wxbackend.core.errors import NotSignedIn
from wxbackend.core.policies import Policy
from wxbackend.core.ports import ports, vault
from wxbackend.identity import service as identity

SCHEME = "Bearer "


def signed_in_resident(_policy: Policy) -> Caller:
    """Read the bearer token's session, in a transaction of its own. Cookies are ignored here."""
    header = request.headers.get("Authorization", "")
    if not header.startswith(SCHEME):
        raise NotSignedIn
    with reading() as session:
        who = identity.recognise(session, token=header.removeprefix(SCHEME), safe=vault(), now=ports().now())
    return Caller(kind="resident", id=who.resident_id, session_id=who.session_id, openid=who.openid)
