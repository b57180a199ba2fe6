"""``/problems``: every refusal this program knows, generated from the classes themselves."""

from collections.abc import Iterator

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from wxbackend.core.errors import Problem
from wxbackend.core.policies import allow, public

bp = Blueprint("problems", __name__, template_folder="templates")


def every_problem(root: type[Problem] = Problem) -> Iterator[type[Problem]]:
    """``root`` and everything below it, as far as it has been imported."""
    yield root
    for child in root.__subclasses__():
        yield from every_problem(child)


@bp.get("/problems")
@allow(public)
def problems() -> ResponseReturnValue:
    """The list that ``type`` in a problem document points into."""
    known = sorted({p.code: p for p in every_problem()}.values(), key=lambda p: (p.status, p.code))
    return render_template("problems.html", problems=known)
