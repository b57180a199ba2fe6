"""Who calls: a value that services may know, while policies are for views."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, frozen when the policy was checked: never a row of the database.

    ``prefixes`` are the leading digits of the regions in which a staff member holds the permission at hand;
    ``confirmed`` says that a TOTP code was given within the last ten minutes.
    """

    kind: str
    id: int
    session_id: int
    openid: str | None = None
    name: str = ""
    prefixes: tuple[str, ...] = ()
    permissions: frozenset[str] = frozenset()
    confirmed: bool = False
