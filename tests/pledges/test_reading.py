"""One's own pledges and nobody else's, in a few statements."""

import pytest

from tests.statements import counted


def test_another_persons_pledge_is_not_found(walk):
    number = walk.open(walk.make.base(), walk.make.resident("a"))
    other = walk.make.resident("b")
    assert walk.client.get(f"/v1/pledges/{number}", headers=other).status_code == 404
    for act in ("payments", "sync", "cancel"):
        assert walk.post(number, act, other).status_code == 404
    assert walk.client.get("/v1/pledges", headers=other).json == {"items": [], "next_cursor": None}
    assert (walk.status(number), walk.pay.calls) == ("pending", [])


def test_pages_hold_every_pledge_once_newest_first(walk):
    base, me = walk.make.base(), walk.make.resident()
    numbers = [walk.open(base, me) for _ in range(5)]
    found, cursor = [], None
    for size in (2, 2, 1):
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = walk.client.get("/v1/pledges", query_string=query, headers=me).json
        assert len(page["items"]) == size
        found += [item["number"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert (found, cursor) == (numbers[::-1], None)


@pytest.mark.parametrize("cursor", ["x", "W10", "WyJhIl0", "bnVsbA"])
def test_a_made_up_cursor_is_refused(walk, cursor):
    answer = walk.client.get("/v1/pledges", query_string={"cursor": cursor}, headers=walk.make.resident())
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "/query/cursor")


def test_planting_takes_at_most_eight_statements(walk):
    base, me = walk.make.base(), {**walk.make.resident(), "Idempotency-Key": "k"}
    with counted() as statements:
        walk.open(base, me, tree_count=3, holder_name="林小苗", dedication="愿春常在")
    assert 0 < len(statements) <= 8, statements


def test_adopting_takes_at_most_eight_statements(walk):
    base, me = walk.make.base(), {**walk.make.resident(), "Idempotency-Key": "k"}
    walk.make.trees(base, 5)
    with counted() as statements:
        walk.open(base, me, kind="adopt", tree_count=5)
    assert 0 < len(statements) <= 8, statements


def test_fifty_pledges_are_listed_in_three_statements(walk):
    base, me = walk.make.base(), walk.make.resident()
    for _ in range(50):
        walk.post(walk.donate(base, me), "cancel", me)
    walk.fulfilled(walk.open(base, me, tree_count=2), me)
    with counted() as statements:
        page = walk.client.get("/v1/pledges", query_string={"limit": 50}, headers=me).json
    assert len(page["items"]) == 50
    assert (len(page["items"][0]["trees"]), len(page["items"][0]["certificates"])) == (2, 1)
    assert 0 < len(statements) <= 3, statements


def test_one_pledge_is_read_in_four_statements(walk):
    base, me = walk.make.base(), walk.make.resident()
    number = walk.open(base, me, tree_count=3)
    walk.fulfilled(number, me)
    with counted() as statements:
        assert len(walk.seen(number, me)["trees"]) == 3
    assert 0 < len(statements) <= 4, statements
