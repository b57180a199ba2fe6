"""What a pledge may say. Everything else is a 422 that names its field."""

import pytest

from models import Pledge

RARE = "𬭎𫖮㛃龘·陈新叶"
UNDRAWN = "\U0003134a"  # of the newest plane of characters: no font at hand has it

PLANT = {"kind": "plant", "tree_count": 1}
DONATE = {"kind": "donate", "tree_count": None, "amount_fen": 100}
ADOPT = {"kind": "adopt", "tree_count": 1}


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"kind": None}, "/body/kind"),
        ({"kind": "buy"}, "/body/kind"),
        ({"base_id": ""}, "/body/base_id"),
        ({"base_id": 7}, "/body/base_id"),
        ({"tree_count": 0}, "/body/tree_count"),
        ({"tree_count": 101}, "/body/tree_count"),
        ({"tree_count": -1}, "/body/tree_count"),
        ({"tree_count": 1.5}, "/body/tree_count"),
        ({"tree_count": "3"}, "/body/tree_count"),
        ({"tree_count": True}, "/body/tree_count"),
        ({"price_fen": 1}, "/body/price_fen"),
        ({"unit_price_fen": 1}, "/body/unit_price_fen"),
        ({"status": "funded"}, "/body/status"),
        ({"display": "loud"}, "/body/display"),
        ({"reward": "cash"}, "/body/reward"),
        ({"occasion": "周五"}, "/body/occasion"),
        ({"dedication": "愿" * 61}, "/body/dedication"),
        ({"dedication": "   "}, "/body/dedication"),
        ({"holder_name": "林" * 31}, "/body/holder_name"),
        ({**DONATE, "amount_fen": 99}, "/body/amount_fen"),
        ({**DONATE, "amount_fen": 100_000_001}, "/body/amount_fen"),
        ({**DONATE, "amount_fen": "100"}, "/body/amount_fen"),
        ({**ADOPT, "tree_tokens": []}, "/body/tree_tokens"),
        ({**ADOPT, "tree_tokens": ["kurz"]}, "/body/tree_tokens/0"),
    ],
)
def test_a_field_out_of_its_bounds_is_named(walk, wish, field):
    answer = walk.ask(walk.make.base(), walk.make.resident(), **wish)
    assert answer.status_code == 422, answer.text
    assert field in [error["field"] for error in answer.json["errors"]]


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({**PLANT, "tree_count": None}, "需要 tree_count"),
        ({**PLANT, "amount_fen": 5000}, "不接受 amount_fen"),
        ({**ADOPT, "tree_count": None}, "需要 tree_count"),
        ({**DONATE, "amount_fen": None}, "需要 amount_fen"),
        ({**DONATE, "tree_count": 1}, "不接受 tree_count"),
        ({**PLANT, "tree_tokens": ["TREE0000000001"]}, "只有认养"),
        ({**ADOPT, "tree_count": 2, "tree_tokens": ["TREE0000000001"]}, "数量与 tree_count 一致"),
        ({**ADOPT, "tree_count": 2, "tree_tokens": ["TREE0000000001", "tree0000000001"]}, "互不相同"),
    ],
)
def test_fields_that_do_not_fit_the_kind_are_refused(walk, wish, said):
    answer = walk.ask(walk.make.base(), walk.make.resident(), **wish)
    assert answer.status_code == 422, answer.text
    assert said in answer.json["errors"][0]["message"]


@pytest.mark.parametrize(
    ("wish", "amount_fen"),
    [({"tree_count": 1}, 5000), ({"tree_count": 100}, 500_000), (DONATE, 100), ({**DONATE, "amount_fen": 777}, 777)],
)
def test_the_amount_is_computed_here(walk, wish, amount_fen):
    answer = walk.ask(walk.make.base(), walk.make.resident(), **wish)
    assert (answer.status_code, answer.json["amount_fen"], answer.json["status"]) == (201, amount_fen, "pending")


def test_the_largest_donation_is_taken(walk):
    walk.donate(walk.make.base(), walk.make.resident(), 100_000_000)


def test_a_new_pledge_is_anonymous_and_earns_points_unless_it_says_otherwise(walk):
    answer = walk.ask(walk.make.base(), walk.make.resident()).json
    assert (answer["display"], answer["reward"]) == ("anonymous", "points")
    assert answer["points"] == {"green": 5, "honour": 50}


def test_who_wants_a_receipt_is_shown_honour_only(walk):
    answer = walk.ask(walk.make.base(), walk.make.resident(), reward="receipt").json
    assert answer["points"] == {"green": 0, "honour": 50}


def test_a_dedication_that_wechat_finds_harmless_is_approved_at_once(walk):
    answer = walk.ask(walk.make.base(), walk.make.resident(), dedication="愿春常在", occasion="清明").json
    assert (answer["dedication"], answer["dedication_status"], answer["occasion"]) == ("愿春常在", "approved", "清明")
    assert walk.ask(walk.make.base(), walk.make.resident()).json["dedication_status"] is None


def test_rare_names_are_taken_and_kept_sealed(walk):
    walk.open(walk.make.base(), walk.make.resident(), holder_name=RARE, dedication="龘")
    [pledge] = walk.all(Pledge)
    assert pledge.holder_name_sealed
    assert RARE not in pledge.holder_name_sealed


@pytest.mark.parametrize("field", ["holder_name", "dedication"])
def test_characters_that_no_font_draws_are_named(walk, field):
    base = walk.make.base()
    answer = walk.ask(base, walk.make.resident(), **{field: f"林{UNDRAWN}苗"})
    assert answer.status_code == 422, answer.text
    [error] = answer.json["errors"]
    assert (error["field"], UNDRAWN in error["message"], "林" in error["message"]) == (f"/body/{field}", True, False)
    assert walk.stock(base) == (0, 0, "online")


def test_the_answer_names_where_the_pledge_is(walk):
    answer = walk.ask(walk.make.base(), walk.make.resident())
    assert answer.headers["Location"] == f"/v1/pledges/{answer.json['number']}"
