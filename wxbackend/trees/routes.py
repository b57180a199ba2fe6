"""Public facts of trees, their codes, and the trees that are mine."""

import hashlib

from flask import Response, request
from flask_openapi import APIBlueprint

from certificates.codes import read_token
from certificates.qr import code_png, code_svg
from wxbackend.core.db import reading
from wxbackend.core.errors import NotFound
from wxbackend.core.http import answer
from wxbackend.core.limits import by_address, limiter
from wxbackend.core.policies import allow, current_caller, public, resident
from wxbackend.core.ports import settings, vault
from wxbackend.core.schema import Page, cut_page
from wxbackend.trees import facts
from wxbackend.trees.rules import code_text
from wxbackend.trees.schemas import CodeQuery, OwnTreeAnswer, OwnTreesQuery, TreeAnswer, TreePath

bp = APIBlueprint("trees", __name__)
A_DAY_S = 86_400


def canonical_token(text: str) -> str:
    """The token as it is stored, whatever the case. Raises ``NotFound``, without SQL, for one we never made."""
    token = read_token(text, purpose="T", keys=settings().code_keys)
    if token is None:
        raise NotFound("树码无效或不存在")
    return token


@bp.get("/v1/trees/<string:token>", operation_id="getTree", responses={200: TreeAnswer})
@limiter.limit("120/minute", key_func=by_address)
@allow(public)
def get_tree(path: TreePath) -> Response:
    """What everybody may know of a tree."""
    token, safe = canonical_token(path.token), vault()
    with reading() as session:
        found = facts.find_tree(session, token=token, safe=safe)
    return answer(TreeAnswer.of(found))


@bp.get("/v1/trees/<string:token>/code.png", operation_id="getTreeCodePng", responses={200: None})
@limiter.limit("120/minute", key_func=by_address)
@allow(public)
def get_code_png(path: TreePath, query: CodeQuery) -> Response:
    """The tree's code as a picture of two colours."""
    text = _text_of_code(path.token)
    return _unchanging(code_png(text, scale=query.scale), "image/png")


@bp.get("/v1/trees/<string:token>/code.svg", operation_id="getTreeCodeSvg", responses={200: None})
@limiter.limit("120/minute", key_func=by_address)
@allow(public)
def get_code_svg(path: TreePath) -> Response:
    """The tree's code as a drawing for print."""
    return _unchanging(code_svg(_text_of_code(path.token)).encode(), "image/svg+xml")


@bp.get("/v1/me/trees", operation_id="listMyTrees", responses={200: Page[OwnTreeAnswer]})
@allow(resident)
def list_my_trees(query: OwnTreesQuery) -> Response:
    """Trees of my paid pledges, newest pledge first."""
    after = query.after(int, int)
    with reading() as session:
        found = facts.own_trees(
            session,
            resident_id=current_caller().id,
            after=(after[0], after[1]) if after else None,
            limit=query.limit + 1,
        )
    page, cursor = cut_page(found, query.limit, position=lambda own: (own.pledge.id, own.tree.id))
    return answer(Page(items=[OwnTreeAnswer.of(own) for own in page], next_cursor=cursor))


def _text_of_code(token_given: str) -> str:
    token = canonical_token(token_given)
    with reading() as session:
        if not facts.tree_exists(session, token=token):
            raise NotFound("树码无效或不存在")
    return code_text(settings().code_base_url, token)


def _unchanging(picture: bytes, mimetype: str) -> Response:
    """A picture that is the same for ever; its digest answers who has it already."""
    response = Response(picture, mimetype=mimetype)
    response.headers["Cache-Control"] = f"public, max-age={A_DAY_S}"
    response.set_etag(hashlib.sha256(picture).hexdigest()[:32])
    response.make_conditional(request)
    return response
