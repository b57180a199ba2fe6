"""Who may call a view. Every view names its policy; the application does not start with one that has none.

A policy only says what is needed. How a caller is recognised is told to ``enforce`` by the factory, one resolver per
kind, because residents and staff are features and this module is plumbing. Checks run before the body is validated: a
stranger with a bad body is told to sign in.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask, g, request

from wxbackend.core.caller import Caller
from wxbackend.core.limits import rejections_counted

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Policy:
    """``kind`` picks the resolver; ``permission`` is what a staff member must have been granted."""

    kind: str
    permission: str | None = None

    def __str__(self) -> str:
        return f"{self.kind}({self.permission})" if self.permission else self.kind


#: Anybody; the view must show nothing that belongs to one person.
public = Policy("public")
#: A signed-in resident.
resident = Policy("resident")
#: WeChat itself: the view verifies the signature of what it is given.
wechat = Policy("wechat")
#: Whoever operates the machines: a bearer token where one is configured.
operator = Policy("operator")
#: Any signed-in staff member.
any_staff = Policy("staff")
#: Kinds that turn nobody away at the door; WeChat least of all, whatever else comes from its address.
OPEN_KINDS = frozenset({public.kind, wechat.kind})


def staff(permission: str) -> Policy:
    """A staff member who holds ``permission`` somewhere; where, is in ``Caller.prefixes``."""
    return Policy("staff", permission)


def allow(policy: Policy) -> Callable[[View], View]:
    def mark(view: View) -> View:
        view.__policy__ = policy  # type: ignore[attr-defined]
        return view

    return mark


def policy_of(app: Flask, endpoint: str) -> Policy | None:
    found: Policy | None = getattr(app.view_functions[endpoint], "__policy__", None)
    return found


def current_caller() -> Caller:
    """The caller that the policy of this view recognised."""
    found: Caller = g.caller
    return found


Resolver = Callable[[Policy], Caller | None]


def enforce(app: Flask, resolvers: Mapping[str, Resolver]) -> None:
    """Check the policy of every request before anything else looks at it."""

    @app.before_request
    def _check() -> None:
        if request.endpoint is None:
            return  # an unknown path: the 404 or 405 follows
        policy = policy_of(app, request.endpoint)
        assert policy is not None, request.endpoint
        with nullcontext() if policy.kind in OPEN_KINDS else rejections_counted():
            g.caller = resolvers[policy.kind](policy)


def require_policies(app: Flask, resolvers: Iterable[str]) -> None:
    """Refuse to start with a view that has no policy, or one that nobody resolves."""
    known = set(resolvers)
    bare = sorted(e for e in app.view_functions if (p := policy_of(app, e)) is None or p.kind not in known)
    if bare:
        raise RuntimeError(f"views without a policy: {', '.join(bare)}")
