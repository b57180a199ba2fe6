"""A feature that exists for the tests alone: one view for each way in which a request can end."""

from typing import Annotated

from flask import Flask, Response, request
from flask_openapi import APIBlueprint
from pydantic import Field
from sqlalchemy import func, select

from models import AuditEntry
from wxbackend.core import audit
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import Conflict
from wxbackend.core.http import answer
from wxbackend.core.idempotency import answer_once
from wxbackend.core.limits import by_address, limiter
from wxbackend.core.policies import allow, current_caller, public, resident
from wxbackend.core.ports import ports
from wxbackend.core.schema import Answer, PageQuery, Schema

PATIENCE_S = 0.3


class TrialBody(Schema):
    name: Annotated[str, Field(min_length=1, max_length=10)]
    count: Annotated[int, Field(ge=1)] = 1


class TrialAnswer(Answer):
    number: int
    name: str


def trial_feature() -> APIBlueprint:
    """A fresh blueprint: each application gets its own."""
    bp = APIBlueprint("trial", __name__)

    @bp.post("/v1/trials", operation_id="createTrial", responses={201: TrialAnswer})
    @allow(resident)
    def create_trial(body: TrialBody) -> Response:
        caller, now = current_caller(), ports().now()
        with transaction(patience_s=PATIENCE_S) as session, answer_once(session, caller=caller) as kept:
            audit.record(session, caller=caller, action="trial", on=("trial", body.name), now=now)
            if body.name == "refused":
                raise Conflict
            number = session.scalar(select(func.count()).select_from(AuditEntry)) or 0
            kept.keep(TrialAnswer(number=number, name=body.name), 201, Location=f"/v1/trials/{number}")
        return kept.response()

    @bp.post("/v1/echo", operation_id="echo", responses={200: TrialAnswer})
    @allow(public)
    def echo(body: TrialBody) -> Response:
        return answer(TrialAnswer(number=body.count, name=body.name))

    @bp.get("/v1/trials", operation_id="listTrials", responses={200: TrialAnswer})
    @allow(public)
    def list_trials(query: PageQuery) -> Response:
        return answer(TrialAnswer(number=query.limit, name=str(query.after(int))))

    @bp.get("/v1/crash", operation_id="crash", responses={200: TrialAnswer})
    @allow(public)
    def crash() -> Response:
        raise ZeroDivisionError(request.headers.get("X-Secret", ""))

    @bp.get("/v1/limited", operation_id="limited", responses={200: TrialAnswer})
    @limiter.limit("2/minute", key_func=by_address)
    @allow(public)
    def limited() -> Response:
        return answer(TrialAnswer(number=1, name="ok"))

    return bp


def with_trial(app: Flask) -> Flask:
    app.register_api(trial_feature())  # type: ignore[attr-defined]
    return app


def effects() -> int:
    """How many trials took effect."""
    with reading() as session:
        return session.scalar(select(func.count()).select_from(AuditEntry)) or 0
