"""Standing trees: chosen by their code, or the first that are free."""

import pytest

from models import Tree, TreeAdoption, TreeLife
from wxbackend.core.db import transaction

ADOPTABLE = (TreeLife.PLANTED, TreeLife.ACCEPTED, TreeLife.ALIVE, TreeLife.WEAK)


def adoptions(walk):
    return [str(tree.adoption) for tree in walk.trees()]


def set_life(tree, life):
    planted_on = None if life in (TreeLife.PLANNED, TreeLife.PIT_DUG) else tree.planted_on
    with transaction() as session:
        row = session.get_one(Tree, tree.id)
        row.life, row.planted_on = life, planted_on


def test_the_trees_that_were_chosen_are_held(walk):
    base, me = walk.make.base(), walk.make.resident()
    trees = walk.make.trees(base, 4)
    tokens = [trees[1].token.lower(), trees[3].token]
    answer = walk.ask(base, me, kind="adopt", tree_count=2, tree_tokens=tokens).json
    assert answer["amount_fen"] == 40_000
    assert {tree["token"] for tree in answer["trees"]} == {trees[1].token, trees[3].token}
    assert adoptions(walk) == ["open", "held", "open", "held"]
    assert walk.stock(base) == (0, 0, "online")


def test_without_a_choice_the_first_free_ones_are_held(walk):
    base, me = walk.make.base(), walk.make.resident()
    walk.make.trees(base, 1, adoption=TreeAdoption.CLOSED)
    walk.make.trees(base, 3)
    walk.open(base, me, kind="adopt", tree_count=2)
    assert adoptions(walk) == ["closed", "held", "held", "open"]


def test_with_too_few_free_trees_none_is_held(walk):
    base, me = walk.make.base(), walk.make.resident()
    walk.make.trees(base, 2)
    answer = walk.ask(base, me, kind="adopt", tree_count=3)
    assert (answer.status_code, answer.json["code"], answer.json["trees_left"]) == (409, "trees-taken", 2)
    assert adoptions(walk) == ["open", "open"]


def test_a_tree_held_by_somebody_is_taken(walk):
    base = walk.make.base()
    [tree] = walk.make.trees(base)
    wish = {"kind": "adopt", "tree_tokens": [tree.token]}
    walk.open(base, walk.make.resident("a"), **wish)
    answer = walk.ask(base, walk.make.resident("b"), **wish)
    assert (answer.status_code, answer.json["code"]) == (409, "trees-taken")


def test_a_tree_of_another_base_is_not_adopted_at_this_ones_price(walk):
    base, cheap = walk.make.base(), walk.make.base(adopt_price_fen=1)
    [tree] = walk.make.trees(base)
    answer = walk.ask(cheap, walk.make.resident(), kind="adopt", tree_tokens=[tree.token])
    assert (answer.status_code, answer.json["code"]) == (409, "trees-taken")
    assert adoptions(walk) == ["open"]


@pytest.mark.parametrize("life", TreeLife)
def test_only_a_living_tree_is_adopted(walk, life):
    base = walk.make.base()
    [tree] = walk.make.trees(base)
    set_life(tree, life)
    wanted = 201 if life in ADOPTABLE else 409
    assert walk.ask(base, walk.make.resident(), kind="adopt").status_code == wanted
    assert adoptions(walk) == ["held" if wanted == 201 else "open"]


def test_a_base_without_a_price_offers_no_adoption(walk):
    base = walk.make.base(adopt_price_fen=None)
    walk.make.trees(base)
    answer = walk.ask(base, walk.make.resident(), kind="adopt")
    assert (answer.status_code, answer.json["code"]) == (409, "adoption-not-offered")


def test_trees_of_a_full_base_can_be_adopted(walk):
    base = walk.make.base(status="full", capacity=1, sold=1)
    walk.make.trees(base)
    walk.open(base, walk.make.resident(), kind="adopt")


def test_a_cancelled_adoption_frees_its_trees_for_others(walk):
    base, me = walk.make.base(), walk.make.resident()
    walk.make.trees(base)
    number = walk.open(base, me, kind="adopt")
    assert walk.post(number, "cancel", me).json["status"] == "cancelled"
    assert adoptions(walk) == ["open"]
    walk.open(base, walk.make.resident("b"), kind="adopt")
