"""The control API's part about bills.

===================  ==========================================================================================
``POST bills``       ``{kind?: trade|fund, mchid?, bill_date?, times?, damage?, foreign?, drop?, amounts?}``: what is
                     done to the next bills; ``damage`` of bills_file.Damage, ``foreign`` = ``[{out_trade_no,
                     amount_fen}]``, ``drop`` = ``[number]``, ``amounts`` = ``{number: fen}``
``GET bills``        the plans, with the times that are left
``DELETE bills``     no more plans
===================  ==========================================================================================
"""

from dataclasses import asdict

from pydantic import Field

from wxbackend.devtools.wxsim.bills_file import BillKind, BillPlan, Damage, ForeignRow
from wxbackend.devtools.wxsim.control import ControlHandler, Desk, read
from wxbackend.devtools.wxsim.control_bodies import ControlBody
from wxbackend.devtools.wxsim.wire import Json, Request, Route


class ForeignBody(ControlBody):
    out_trade_no: str = Field(min_length=1, max_length=32)
    amount_fen: int = Field(gt=0)


class BillBody(ControlBody):
    kind: BillKind = BillKind.TRADE
    mchid: str | None = None
    bill_date: str | None = Field(default=None, pattern=r"^\d{4}-\d\d-\d\d$")
    times: int = Field(default=1, ge=1, le=10_000)
    damage: Damage | None = None
    foreign: list[ForeignBody] = Field(default_factory=list)
    drop: list[str] = Field(default_factory=list)
    amounts: dict[str, int] = Field(default_factory=dict)

    def plan(self) -> BillPlan:
        fields = {name: getattr(self, name) for name in BillBody.model_fields if name != "foreign"}
        return BillPlan(**fields, foreign=[ForeignRow(row.out_trade_no, row.amount_fen) for row in self.foreign])


def plan_bills(desk: Desk, request: Request) -> Json:
    plan = read(request, BillBody).plan()
    with desk.world.lock:
        desk.world.bill_book.plans.append(plan)
    return asdict(plan)


def list_plans(desk: Desk, _request: Request) -> Json:
    with desk.world.lock:
        return {"plans": [asdict(plan) for plan in desk.world.bill_book.plans]}


def clear_plans(desk: Desk, _request: Request) -> Json:
    with desk.world.lock:
        desk.world.bill_book.plans.clear()
    return {"plans": []}


ROUTES: tuple[Route[ControlHandler], ...] = (
    Route("POST", "/_control/bills", plan_bills),
    Route("GET", "/_control/bills", list_plans),
    Route("DELETE", "/_control/bills", clear_plans),
)
