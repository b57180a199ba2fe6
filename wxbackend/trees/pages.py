"""The page behind a plate's code: one card, for phones, without script."""

from flask import Blueprint, Response, render_template

from wxbackend.core.db import reading
from wxbackend.core.errors import NotFound
from wxbackend.core.limits import by_address, limiter
from wxbackend.core.policies import allow, public
from wxbackend.core.ports import vault
from wxbackend.trees import facts
from wxbackend.trees.routes import canonical_token
from wxbackend.trees.rules import ADOPTER_WORDS, LIFE_STATES, NOT_PLANTED, adoption_words, number_groups

bp = Blueprint("tree_pages", __name__, template_folder="templates")


@bp.get("/t/<string:token>")
@bp.get("/T/<string:token>", endpoint="tree_page_upper")
@limiter.limit("120/minute", key_func=by_address)
@allow(public)
def tree_page(token: str) -> Response:
    """The public page of a tree; an unknown code gets a page of the same look."""
    safe = vault()
    try:
        known = canonical_token(token)
        with reading() as session:
            found = facts.find_tree(session, token=known, safe=safe)
    except NotFound:
        return _page("tree_unknown.html", 404)
    return _page(
        "tree.html",
        200,
        facts=found,
        life=LIFE_STATES[found.tree.life],
        planted=found.tree.life not in NOT_PLANTED,
        adoption=adoption_words(found.tree.adoption, found.kind),
        adopter_word=ADOPTER_WORDS[found.kind] if found.kind else None,
        number=number_groups(found.tree.number),
    )


def _page(template: str, status: int, **facts_to_show: object) -> Response:
    return Response(render_template(template, **facts_to_show), status, mimetype="text/html")
