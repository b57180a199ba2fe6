"""Species, for pickers and filters."""

from flask import Response
from flask_openapi import APIBlueprint

from wxbackend.catalogue import service as catalogue
from wxbackend.catalogue.schemas import SpeciesAnswer, SpeciesQuery
from wxbackend.core.db import reading
from wxbackend.core.http import answer
from wxbackend.core.policies import allow, public
from wxbackend.core.schema import Page, cut_page

bp = APIBlueprint("catalogue", __name__)


@bp.get("/v1/species", operation_id="listSpecies", responses={200: Page[SpeciesAnswer]})
@allow(public)
def list_species(query: SpeciesQuery) -> Response:
    """Species that may be planted, with what is known of them."""
    after = query.after(int)
    with reading() as session:
        found = catalogue.list_species(session, after_id=after[0] if after else None, limit=query.limit + 1)
    page, cursor = cut_page(found, query.limit, position=lambda species: (species.id,))
    return answer(Page(items=[SpeciesAnswer.of(row) for row in page], next_cursor=cursor))
