"""What may be known of a tree, and by whom."""

from datetime import date

import pytest
import zxingcpp
from PIL import Image
from sqlalchemy import update

from certificates.codes import make_token
from models import (
    BaseStatus,
    DedicationStatus,
    Display,
    PledgeKind,
    PledgeStatus,
    PledgeTree,
    Resident,
    ResidentStatus,
    ReviewStatus,
    TreeAdoption,
    TreeLife,
)
from tests.statements import counted
from wxbackend.core.db import transaction
from wxbackend.honours.rules import ERASED, KIND_PERSON
from wxbackend.trees.rules import ADOPTION_WORDS, LIFE_STATES, adoption_words


def facts(client, tree):
    answer = client.get(f"/v1/trees/{tree.token}")
    assert answer.status_code == 200, answer.text
    return answer.json


def test_every_life_and_adoption_has_words():
    assert set(LIFE_STATES) == set(TreeLife)
    assert set(ADOPTION_WORDS) == set(TreeAdoption)
    assert adoption_words(TreeAdoption.ADOPTED, PledgeKind.PLANT) == "已认种"
    assert adoption_words(TreeAdoption.ADOPTED, PledgeKind.ADOPT) == "已认养"


def test_tree_says_where_and_what_it_is(client, grove):
    base = grove.make.base()
    tree = grove.given(base=base, holder_name="林小苗")[0]
    assert facts(client, tree) == {
        "token": tree.token,
        "number": tree.number,
        "number_groups": ["4452 8110 1201", f"26 00001 {tree.number[-1]}"],
        "species": "荔枝",
        "latin": "Litchi chinensis",
        "base": {"id": base.public_id, "name": base.name, "village_name": "揭阳市普宁市示范镇示范村"},
        "life": "planned",
        "life_text": "待种植",
        "planted": False,
        "planted_on": None,
        "adoption": "adopted",
        "adoption_text": "已认种",
        "adopter": "林*",
        "dedication": None,
        "occasion": None,
    }


@pytest.mark.parametrize("life", [TreeLife.PLANNED, TreeLife.PIT_DUG])
def test_unplanted_tree_is_never_called_planted(client, grove, life):
    tree = grove.given()[0]
    grove.change(tree, life=life)
    found = facts(client, tree)
    assert (found["planted"], found["planted_on"]) == (False, None)
    assert "待种植" in found["life_text"]


def test_date_of_a_tree_that_was_moved_back_to_its_pit_is_not_shown(client, grove):
    tree = grove.given()[0]
    grove.change(tree, life=TreeLife.PIT_DUG, planted_on=date(2026, 3, 12))
    assert facts(client, tree)["planted_on"] is None
    assert "2026年3月12日" not in client.get(f"/t/{tree.token}").text


def test_planted_tree_has_its_date(client, grove):
    tree = grove.given()[0]
    grove.change(tree, life=TreeLife.PLANTED, planted_on=date(2026, 3, 12))
    found = facts(client, tree)
    assert (found["planted"], found["planted_on"]) == (True, "2026-03-12")


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"holder_name": "林小苗", "display": Display.ANONYMOUS}, None),
        ({"holder_name": "林小苗", "display": Display.NAME}, "林*"),
        ({"holder_name": "𬭎叶", "display": Display.NAME_AND_AMOUNT}, "𬭎*"),
        ({"holder_name": "苗", "display": Display.NAME}, "*"),
        ({"display": Display.NAME}, KIND_PERSON),
    ],
)
def test_name_is_shown_masked_and_only_by_choice(client, grove, changes, shown):
    tree = grove.given(**changes)[0]
    answer = client.get(f"/v1/trees/{tree.token}")
    assert answer.json["adopter"] == shown
    assert "小苗" not in answer.text + client.get(f"/t/{tree.token}").text


@pytest.mark.parametrize("reviewed", [None, ReviewStatus.PENDING, ReviewStatus.REJECTED])
def test_name_that_nobody_found_harmless_is_not_shown(client, grove, reviewed):
    tree = grove.given(holder_name="林小苗", display=Display.NAME, reviewed=reviewed)[0]
    assert client.get(f"/v1/trees/{tree.token}").json["adopter"] == KIND_PERSON


def test_name_typed_into_the_profile_stands_in_for_the_holder(client, grove):
    tree = grove.given(person="b")[0]
    headers = grove.make.resident("b")
    assert client.patch("/v1/me", json={"name": "陈新叶"}, headers=headers).status_code == 200
    assert facts(client, tree)["adopter"] == "陈*"


def erase(person_id):
    empty = dict.fromkeys(("openid_index", "openid_sealed", "unionid_sealed", "name_sealed", "phone_sealed"))
    with transaction() as session:
        session.execute(update(Resident).where(Resident.id == person_id).values(status=ResidentStatus.ERASED, **empty))


@pytest.mark.parametrize(("display", "shown"), [(Display.NAME, ERASED), (Display.ANONYMOUS, None)])
def test_erased_person_is_not_named(client, grove, display, shown):
    tree = grove.given(holder_name="林小苗", display=display)[0]
    erase(grove.people["a"])
    assert facts(client, tree)["adopter"] == shown


WORDS = {"dedication": "愿它长青", "dedication_status": DedicationStatus.APPROVED, "occasion": "乔迁"}


@pytest.mark.parametrize("how", ["anonymous", "erased", "shown"])
def test_words_and_occasion_are_shown_of_who_chose_to_be_and_is_still_here(client, grove, how):
    display = Display.ANONYMOUS if how == "anonymous" else Display.NAME
    tree = grove.given(holder_name="林小苗", display=display, **WORDS)[0]
    if how == "erased":
        erase(grove.people["a"])
    found, page = facts(client, tree), client.get(f"/t/{tree.token}").text
    said = (found["dedication"], found["occasion"], "愿它长青" in page, "乔迁" in page)
    assert said == (("愿它长青", "乔迁", True, True) if how == "shown" else (None, None, False, False))


@pytest.mark.parametrize(
    ("status", "shown"),
    [(DedicationStatus.PENDING, None), (DedicationStatus.REJECTED, None), (DedicationStatus.APPROVED, "愿它长青")],
)
def test_dedication_is_shown_once_it_is_approved(client, grove, status, shown):
    tree = grove.given(dedication="愿它长青", dedication_status=status)[0]
    assert facts(client, tree)["dedication"] == shown
    assert ("愿它长青" in client.get(f"/t/{tree.token}").text) == (shown is not None)


def test_tree_held_for_a_payment_belongs_to_nobody_yet(client, grove):
    tree = grove.given(holder_name="林小苗", status=PledgeStatus.PENDING, paid_at=None)[0]
    grove.change(tree, adoption=TreeAdoption.HELD)
    found = facts(client, tree)
    assert (found["adopter"], found["adoption_text"]) == (None, "认养支付中")


def test_binding_that_ended_names_nobody(client, grove, clock):
    tree = grove.given(holder_name="林小苗")[0]
    grove.change(tree, adoption=TreeAdoption.OPEN)
    with transaction() as session:
        session.execute(update(PledgeTree).values(ended_at=clock()))
    assert facts(client, tree)["adopter"] is None


def test_tree_that_changed_hands_names_its_last_giver(client, grove, clock):
    base = grove.make.base()
    tree = grove.given(base=base, holder_name="林小苗")[0]
    other = grove.given(base=base, person="b", holder_name="陈新叶")[0]
    with transaction() as session:
        session.execute(update(PledgeTree).where(PledgeTree.tree_id == tree.id).values(ended_at=clock()))
        session.execute(update(PledgeTree).where(PledgeTree.tree_id == other.id).values(tree_id=tree.id))
    assert facts(client, tree)["adopter"] == "陈*"


@pytest.mark.parametrize("status", [BaseStatus.DRAFT, BaseStatus.REVIEW])
@pytest.mark.parametrize("path", ["/v1/trees/{}", "/t/{}", "/v1/trees/{}/code.svg", "/v1/trees/{}/code.png"])
def test_trees_of_a_hidden_base_are_hidden(client, grove, status, path):
    tree = grove.standing(grove.make.base(status=status))
    assert client.get(path.format(tree.token)).status_code == 404


def test_token_is_read_in_either_case(client, grove):
    tree = grove.given()[0]
    assert client.get(f"/v1/trees/{tree.token.lower()}").json["token"] == tree.token


PATHS = ["/v1/trees/{}", "/v1/trees/{}/code.png", "/v1/trees/{}/code.svg", "/t/{}", "/T/{}"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("fault", ["tag", "purpose", "short", "strange"])
def test_token_we_never_made_is_not_found_without_a_statement(client, grove, path, fault):
    token = grove.given()[0].token
    keys = {"dev": b"c" * 32}
    wrong = {
        "tag": token[:-1] + ("0" if token[-1] != "0" else "1"),
        "purpose": make_token(1, keys, purpose="C"),
        "short": token[:-1],
        "strange": "树",
    }[fault]
    with counted() as statements:
        assert client.get(path.format(wrong)).status_code == 404
    assert statements == []


@pytest.mark.parametrize("path", PATHS)
def test_token_with_a_right_tag_but_no_tree_is_not_found(client, grove, path):
    assert client.get(path.format(grove.token(999))).status_code == 404


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("n", [1, 50])
def test_everything_about_a_tree_takes_one_statement(client, grove, path, n):
    tree = grove.given(n=n, holder_name="林小苗")[-1]
    with counted() as statements:
        assert client.get(path.format(tree.token)).status_code == 200
    assert len(statements) == 1


def test_code_reads_back_as_its_short_address(client, grove, tmp_path):
    tree = grove.given()[0]
    answer = client.get(f"/v1/trees/{tree.token}/code.png?scale=4")
    assert answer.mimetype == "image/png"
    file = tmp_path / "code.png"
    file.write_bytes(answer.data)
    codes = zxingcpp.read_barcodes(Image.open(file).convert("L"))
    assert [code.text for code in codes] == [f"HTTPS://T.EXAMPLE/T/{tree.token}"]


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_code_is_kept_by_those_who_have_it(client, grove, ending):
    tree = grove.given()[0]
    first = client.get(f"/v1/trees/{tree.token}/code.{ending}")
    assert first.headers["Cache-Control"] == "public, max-age=86400"
    again = client.get(f"/v1/trees/{tree.token}/code.{ending}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("scale", ["1", "21", "x"])
def test_scale_of_a_code_has_bounds(client, grove, scale):
    tree = grove.given()[0]
    assert client.get(f"/v1/trees/{tree.token}/code.png?scale={scale}").status_code == 422


def test_my_trees_are_those_of_my_paid_pledges(client, grove):
    mine = grove.given(n=2, person="a")
    grove.given(person="b")
    grove.given(person="a", status=PledgeStatus.PENDING, paid_at=None)
    headers = grove.make.resident("a")
    items = client.get("/v1/me/trees", headers=headers).json["items"]
    assert [item["number"] for item in items] == [tree.number for tree in mine]
    assert {(item["life_text"], item["kind"], item["ended_at"]) for item in items} == {("待种植", "plant", None)}


def test_my_trees_come_in_pages_that_meet(client, grove):
    base = grove.make.base()
    older, newer = grove.given(base=base, n=3), grove.given(base=base, n=2)
    headers, seen, cursor = grove.make.resident("a"), [], ""
    while cursor is not None:
        page = client.get(f"/v1/me/trees?limit=2{cursor and '&cursor='}{cursor}", headers=headers).json
        seen += [item["token"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [tree.token for tree in (*newer, *older)]


def test_stranger_has_no_trees(client):
    assert client.get("/v1/me/trees").status_code == 401


@pytest.mark.parametrize("n", [1, 50])
def test_my_trees_take_the_same_statements_however_many(client, grove, n):
    grove.given(n=n)
    headers = grove.make.resident("a")
    with counted() as statements:
        assert len(client.get("/v1/me/trees?limit=50", headers=headers).json["items"]) == n
    assert len(statements) == 2  # one of them says who is asking
