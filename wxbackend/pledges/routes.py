"""Open a pledge; read one's own."""

from flask import Response
from flask_openapi import APIBlueprint

from certificates.fonts import font_book
from models import ContentSubject
from wxbackend.content import service as content
from wxbackend.content.rules import dedication_status
from wxbackend.content.screening import refuse_risky, screen, status_of
from wxbackend.content.service import Whose
from wxbackend.core.db import reading, transaction
from wxbackend.core.http import answer
from wxbackend.core.idempotency import answer_once
from wxbackend.core.limits import limiter
from wxbackend.core.policies import allow, current_caller, resident
from wxbackend.core.ports import ports, settings, vault
from wxbackend.core.schema import NewestFirstQuery, Page, cut_page
from wxbackend.pledges import service as pledges
from wxbackend.pledges import views
from wxbackend.pledges.rules import pledge_number
from wxbackend.pledges.schemas import PledgeAnswer, PledgeBody, PledgePath

bp = APIBlueprint("pledges", __name__)


@bp.post("/v1/pledges", operation_id="createPledge", responses={201: PledgeAnswer})
@limiter.limit("20/minute")
@allow(resident)
def create_pledge(body: PledgeBody) -> Response:
    """Open a pledge and hold its places or trees for 15 minutes."""
    caller, ask, safe, now = current_caller(), ports(), vault(), ports().now()
    wish, number = body.wish(), pledge_number(now, ask.random_bytes(7))
    fonts = font_book(settings().cert_font_dir)
    pledges.check_glyphs("/body/holder_name", wish.holder_name, fonts=fonts)
    pledges.check_glyphs("/body/dedication", wish.dedication, fonts=fonts)
    naming = pledges.Naming(number=number, row_key=safe.new_row_key())
    checked = screen(body.said(), mini=ask.mini, openid=caller.openid or "", clock=ask.now)
    review = dedication_status(status_of(checked, ContentSubject.DEDICATION))
    with transaction() as session, answer_once(session, caller=caller) as kept:
        refuse_risky(checked)
        opened = pledges.open_pledge(
            session, wish=wish, resident_id=caller.id, naming=naming, safe=safe, now=now, dedication_status=review
        )
        whose = Whose(number, caller.id, opened.pledge.county_code)
        content.record(session, checked=checked, whose=whose, safe=safe, now=now)
        kept.keep(PledgeAnswer.of(opened), 201, Location=f"/v1/pledges/{number}")
    return kept.response()


@bp.get("/v1/pledges", operation_id="listPledges", responses={200: Page[PledgeAnswer]})
@allow(resident)
def list_pledges(query: NewestFirstQuery) -> Response:
    """My pledges, newest first."""
    with reading() as session:
        found = views.own_pledges(
            session,
            resident_id=current_caller().id,
            before_id=query.before_id(),
            limit=query.limit + 1,
            now=ports().now(),
        )
    page, cursor = cut_page(found, query.limit, position=lambda view: (view.pledge.id,))
    return answer(Page(items=[PledgeAnswer.of(view) for view in page], next_cursor=cursor))


@bp.get("/v1/pledges/<string:number>", operation_id="getPledge", responses={200: PledgeAnswer})
@allow(resident)
def get_pledge(path: PledgePath) -> Response:
    """One of my pledges."""
    with reading() as session:
        view = views.own_pledge(session, resident_id=current_caller().id, number=path.number, now=ports().now())
    return answer(PledgeAnswer.of(view))
