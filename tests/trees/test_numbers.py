"""Trees come into being with numbers and tokens of their own."""

import pytest
from sqlalchemy import select

from certificates.codes import is_valid_number, make_token
from models import Tree, TreeAdoption, TreeCounter, TreeLife
from tests.make import VILLAGE
from tests.statements import counted
from wxbackend.core.db import reading, transaction
from wxbackend.trees import service as trees

KEYS = {"dev": b"c" * 32}


def tokens(*ids):
    return [make_token(value, KEYS, purpose="T") for value in ids]


def allocate(base, n, given, clock):
    with transaction() as session:
        return trees.allocate(session, base=base, n=n, tokens=given, now=clock())


def take(n, year=2026):
    with transaction() as session:
        return trees.number_trees(session, village_code=VILLAGE, year=year, n=n)


def test_numbers_run_on_by_village_and_year(app, make):
    make.regions()
    assert [number[12:19] for number in take(2) + take(1)] == ["2600001", "2600002", "2600003"]
    assert [number[12:19] for number in take(1, year=2027)] == ["2700001"]
    assert all(is_valid_number(number) for number in take(50))


def test_number_that_was_rolled_back_is_given_again(app, make):
    make.regions()
    with transaction() as session:
        trees.number_trees(session, village_code=VILLAGE, year=2026, n=5)
        session.rollback()
    assert take(1)[0][14:19] == "00001"


def test_village_has_99999_numbers_a_year(app, make):
    make.regions()
    take(1)
    with transaction() as session:
        session.get_one(TreeCounter, (VILLAGE, 2026)).last = 99_998
    with pytest.raises(trees.NumbersSpent):
        take(2)
    assert take(1)[0][14:19] == "99999"


def test_allocated_trees_are_planned_and_adopted_but_not_planted(app, make, clock):
    base = make.base()
    made = allocate(base, 3, tokens(1, 2, 3), clock)
    assert [tree.number[14:19] for tree in made] == ["00001", "00002", "00003"]
    assert {(tree.life, tree.adoption, tree.planted_on) for tree in made} == {
        (TreeLife.PLANNED, TreeAdoption.ADOPTED, None)
    }
    assert {(tree.base_id, tree.species_id) for tree in made} == {(base.id, base.species_id)}


@pytest.mark.parametrize("n", [1, 50])
def test_allocating_takes_two_statements(app, make, clock, n):
    base = make.base()
    with counted() as statements:
        allocate(base, n, tokens(*range(n)), clock)
    assert len(statements) == 2


def test_token_that_exists_is_replaced_by_a_spare_one(app, make, clock):
    base = make.base()
    allocate(base, 1, tokens(1), clock)
    made = allocate(base, 2, tokens(7, 1, 8), clock)
    assert sorted(tree.token for tree in made) == sorted(tokens(7, 8))
    assert [tree.number[14:19] for tree in made] == ["00002", "00003"]


def test_two_equal_tokens_count_as_one(app, make, clock):
    made = allocate(make.base(), 2, tokens(5, 5, 6), clock)
    assert len({tree.token for tree in made}) == 2


def test_without_a_spare_token_nothing_is_allocated(app, make, clock):
    base = make.base()
    allocate(base, 1, tokens(1), clock)
    with pytest.raises(trees.TokensTaken):
        allocate(base, 2, tokens(7, 1), clock)
    with reading() as session:
        assert len(session.scalars(select(Tree)).all()) == 1
    assert allocate(base, 1, tokens(9), clock)[0].number[14:19] == "00002"
