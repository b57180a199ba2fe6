"""What every console page shares: rendering, forged-form checks, query reading, refusals shown where they belong."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Response, g, redirect, render_template, request, url_for
from flask_wtf.csrf import generate_csrf, validate_csrf
from pydantic import ValidationError
from wtforms import ValidationError as FormFault

from wxbackend.console import filters, navigation, words
from wxbackend.console.forms import ConsoleForm
from wxbackend.core.errors import BadRequest, Problem
from wxbackend.core.http import invalid_input
from wxbackend.core.schema import Schema

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
HOME = "/console"
SEE_OTHER = 303

Query = TypeVar("Query", bound=Schema)


class ForgedForm(BadRequest):
    code, title = "forged-form", "页面已过期或请求来源不明，请返回上一页刷新后重试"


def page(template: str, *, status: int = 200, **facts: Any) -> Response:
    """A console page with its sidebar; ``facts`` are what the template shows."""
    caller = g.get("caller")
    permissions = caller.permissions if caller else frozenset()
    html = render_template(
        f"console/{template}",
        caller=caller,
        menu=navigation.menu(permissions),
        csrf_token=generate_csrf,
        words=words,
        filters=filters,
        **facts,
    )
    return Response(html, status, content_type="text/html; charset=utf-8")


def go(endpoint: str, **values: Any) -> Response:
    """On to another page after a form was accepted."""
    return _see(url_for(f"console.{endpoint}", **values))


def go_back_to(path: str) -> Response:
    """On to ``path`` if it is one of ours, else home."""
    return _see(path if is_ours(path) else HOME)


def _see(address: str) -> Response:
    return Response(status=SEE_OTHER, headers={"Location": redirect(address).location})


def is_ours(path: str) -> bool:
    """Whether ``path`` stays on this site, below /console: what ``next`` may name."""
    parts = urlsplit(path)
    plain = not (parts.scheme or parts.netloc or "\\" in path) and path.isprintable()
    return plain and (parts.path == HOME or parts.path.startswith(f"{HOME}/"))


def read_query(kind: type[Query]) -> Query:
    """The filters in the URL. Raises ``InvalidInput``."""
    try:
        return kind.model_validate({name: text for name, text in request.args.items() if text})
    except ValidationError as error:
        raise invalid_input(error) from error


@contextmanager
def refusals_on(form: ConsoleForm) -> Iterator[None]:
    """A refusal becomes an error of the form, which is then shown again with the refusal's status."""
    try:
        yield
    except Problem as problem:
        form.refuse(problem)


def refuse_forged_forms() -> None:
    """Every request that changes something carries our token and, where the browser tells, comes from our pages."""
    if request.method in SAFE_METHODS:
        return
    origin = request.headers.get("Origin") or request.headers.get("Referer")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise ForgedForm
    try:
        validate_csrf(request.form.get("csrf_token"))
    except FormFault as fault:
        raise ForgedForm from fault
    g.csrf_valid = True
