"""The mini-program code of a tree."""

from flask import Response, request
from flask_openapi import APIBlueprint

from certificates.codes import read_token
from certificates.qr import code_png
from wxbackend.codes import service as codes
from wxbackend.codes.rules import CodeWish
from wxbackend.codes.schemas import MiniCodeQuery, TreePath
from wxbackend.codes.service import KeptCode
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import NotFound
from wxbackend.core.limits import by_address, limiter
from wxbackend.core.policies import allow, public
from wxbackend.core.ports import ports, settings
from wxbackend.trees import facts
from wxbackend.trees.rules import code_text

bp = APIBlueprint("codes", __name__)
PICTURE = {
    "description": "小程序码图片",
    "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
}
A_MONTH_S = 30 * 86_400


@bp.get("/v1/trees/<string:token>/mini-code.png", operation_id="getTreeMiniCode", responses={200: PICTURE})
@limiter.limit("120/minute", key_func=by_address)
@allow(public)
def get_tree_mini_code(path: TreePath, query: MiniCodeQuery) -> Response:
    """The round code that WeChat draws; the plain one of the tree's plate until there is one."""
    token = read_token(path.token, purpose="T", keys=settings().code_keys)
    if token is None:
        raise NotFound("树码无效或不存在")
    wish = CodeWish(token, settings().wx_tree_page, int(query.width))
    with reading() as session:
        if not facts.tree_exists(session, token=token):
            raise NotFound("树码无效或不存在")
        kept = codes.find_code(session, wish=wish)
        asked = kept is not None or codes.is_asked_for(session, wish=wish, now=ports().now())
    if not asked:
        _ask_for(wish)
    return (kept and _kept(kept)) or _plain(token)


def _ask_for(wish: CodeWish) -> None:
    with transaction() as session:
        codes.ask_for(session, wish=wish, now=ports().now())


def _kept(kept: KeptCode) -> Response | None:
    """It never changes; its digest answers who has it already. ``None`` if the file is lost."""
    data = ports().storage.get(kept.storage_key)
    if data is None:
        return None
    response = Response(data, mimetype="image/png")
    response.headers["Cache-Control"] = f"public, max-age={A_MONTH_S}, immutable"
    response.set_etag(kept.sha256[:32])
    response.make_conditional(request)
    return response


def _plain(token: str) -> Response:
    """It leads to the same tree, and is not kept by anybody: the other one may be there in a moment."""
    picture = code_png(code_text(settings().code_base_url, token), scale=8)
    return Response(picture, mimetype="image/png", headers={"Cache-Control": "no-store"})
