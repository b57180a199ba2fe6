"""A tree's mini-program code: drawn by WeChat once, the plain one in its place until then."""

from io import BytesIO

import pytest
from PIL import Image
from sqlalchemy import select, update

from models import BaseStatus, MiniCode, OutboxMessage, OutboxStatus, PlantingBase, Tree, TreeLife
from tests.statements import counted
from wxbackend.codes import jobs
from wxbackend.codes import service as codes
from wxbackend.codes.minting import mint
from wxbackend.codes.pictures import NotAPicture, checked
from wxbackend.codes.rules import MINT, CodeWish
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import TooMany, UpstreamFailed
from wxbackend.core.outbox import ATTEMPTS
from wxbackend.core.wxmini import PageUnpublished

PAGE = "pages/tree/index"


def see(client, tree, width=None, **headers):
    query = {"width": width} if width else {}
    return client.get(f"/v1/trees/{tree.token}/mini-code.png", query_string=query, headers=headers)


def kept():
    with reading() as session:
        return session.scalars(select(MiniCode).order_by(MiniCode.id)).all()


def errands():
    with reading() as session:
        return session.scalars(
            select(OutboxMessage).where(OutboxMessage.topic == MINT).order_by(OutboxMessage.id)
        ).all()


def picture(width=430, form="PNG", height=None):
    drawn = BytesIO()
    Image.new("RGB", (width, height or width), "white").save(drawn, form)
    return drawn.getvalue()


def width_of(answer):
    return Image.open(BytesIO(answer.data)).width


# ------------------------------------------------------------------------------------------------ serving
def test_until_wechat_has_drawn_it_the_plain_code_stands_in(client, trees, mini):
    answer = see(client, trees[0])
    plain = client.get(f"/v1/trees/{trees[0].token}/code.png")
    assert (answer.status_code, answer.data) == (200, plain.data)
    assert answer.headers["Cache-Control"] == "no-store"
    assert (mini.codes, len(errands())) == ([], 1)


def test_the_worker_has_it_drawn_once_and_it_is_served_for_long(client, walk, trees, mini):
    see(client, trees[0])
    see(client, trees[0])
    walk.drain()
    assert mini.codes == [(trees[0].token, PAGE, 430)]
    answer = see(client, trees[0])
    assert (answer.status_code, answer.mimetype, width_of(answer)) == (200, "image/png", 430)
    assert answer.headers["Cache-Control"] == "public, max-age=2592000, immutable"
    [code] = kept()
    assert answer.headers["ETag"] == f'"{code.sha256[:32]}"'
    assert see(client, trees[0], **{"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert len(errands()) == 1


def test_each_width_is_a_picture_of_its_own(client, walk, trees, mini):
    for width in ("280", "1280"):
        see(client, trees[0], width)
    walk.drain()
    assert [width_of(see(client, trees[0], width)) for width in ("280", "1280")] == [280, 1280]


@pytest.mark.parametrize("width", ["281", "0", "-1", "x", "99999"])
def test_other_widths_are_refused(client, trees, width):
    assert see(client, trees[0], width).status_code == 422


def test_the_scene_is_the_token_within_wechats_32_characters(client, walk, trees, mini):
    see(client, trees[0])
    walk.drain()
    assert [len(scene) <= 32 and scene == trees[0].token for scene, *_ in mini.codes] == [True]


def test_a_token_of_nobody_is_404_and_asks_for_nothing(client, trees, mini):
    wrong = trees[0].token[:-1] + ("0" if trees[0].token[-1] != "0" else "1")
    assert client.get(f"/v1/trees/{wrong}/mini-code.png").status_code == 404
    with counted() as statements:
        client.get("/v1/trees/guessed/mini-code.png")
    assert (statements, errands()) == ([], [])


def test_a_tree_of_a_hidden_base_has_no_code(client, trees):
    with transaction() as session:
        session.execute(update(PlantingBase).values(status=BaseStatus.DRAFT))
    assert see(client, trees[0]).status_code == 404


def test_looking_costs_two_statements_once_it_is_kept_and_three_while_it_is_awaited(client, walk, trees):
    see(client, trees[0])
    with counted() as statements:
        see(client, trees[0])
    assert len(statements) == 3
    walk.drain()
    with counted() as statements:
        see(client, trees[0])
    assert len(statements) == 2


def test_a_lost_file_shows_the_plain_code(client, walk, trees, storage):
    see(client, trees[0])
    walk.drain()
    storage.files.clear()
    assert see(client, trees[0]).headers["Cache-Control"] == "no-store"


# ------------------------------------------------------------------------------------------------ faults
def test_row_46_an_unpublished_page_leaves_the_plain_code_for_the_day(client, walk, trees, mini):
    mini.failures = [PageUnpublished()]
    see(client, trees[0])
    walk.drain()
    answer = see(client, trees[0])
    assert (answer.headers["Cache-Control"], kept()) == ("no-store", [])
    assert [row.status for row in errands()] == [OutboxStatus.DONE]
    walk.clock.forward(days=1)
    see(client, trees[0])
    walk.drain()
    assert len(kept()) == 1


@pytest.mark.parametrize("refusal", [TooMany, type("Quota", (UpstreamFailed,), {"retry_after_s": 60})])
def test_row_38_a_quota_lets_the_wish_rest_and_is_no_failed_attempt(client, walk, trees, mini, refusal):
    mini.failures = [refusal()]
    see(client, trees[0])
    walk.drain()
    [errand] = errands()
    assert (errand.status, errand.attempts) == (OutboxStatus.READY, 0)
    assert (errand.run_after - walk.clock()).total_seconds() == 60
    walk.clock.forward(seconds=59)
    walk.drain()
    assert kept() == []
    walk.clock.forward(seconds=1)
    walk.drain()
    assert len(kept()) == 1


def test_row_38_however_often_the_quota_is_used_up_there_is_one_row_that_never_dies(client, walk, trees, mini):
    mini.failures = [TooMany() for _ in range(2 * ATTEMPTS)]
    see(client, trees[0])
    for _ in range(2 * ATTEMPTS):
        walk.drain()
        [errand] = errands()
        assert (errand.status, errand.attempts) == (OutboxStatus.READY, 0)
        walk.clock.forward(seconds=60)
    walk.drain()
    assert ([row.status for row in errands()], len(kept())) == ([OutboxStatus.DONE], 1)


def test_while_wechat_is_away_the_outbox_tries_again(client, walk, trees, mini):
    mini.failures = [UpstreamFailed()]
    see(client, trees[0])
    walk.drain()
    [errand] = errands()
    assert (errand.status, errand.attempts) == (OutboxStatus.READY, 1)
    walk.clock.forward(seconds=3)
    walk.drain()
    assert len(kept()) == 1


def test_what_is_no_picture_is_not_kept(client, walk, trees, mini, storage):
    mini.mini_code = lambda **wish: b'{"errcode": 0}'
    see(client, trees[0])
    walk.drain()
    assert (kept(), storage.files, [row.status for row in errands()]) == ([], {}, [OutboxStatus.READY])


def test_a_crash_after_storing_is_done_again(app, trees, mini, storage):
    wish = CodeWish(trees[0].token, PAGE, 430)
    mint(wish)
    with transaction() as session:
        session.execute(MiniCode.__table__.delete())
    mint(wish)
    assert (len(kept()), len(storage.files)) == (1, 1)


def test_of_two_pictures_of_one_wish_the_first_stays(app, trees, mini):
    wish = CodeWish(trees[0].token, PAGE, 430)
    mint(wish)
    [first] = kept()
    mini.mini_code = lambda **wish: picture(form="PNG")
    mint(wish)
    assert [(row.id, row.sha256) for row in kept()] == [(first.id, first.sha256)]


def test_a_wish_that_was_kept_meanwhile_asks_nobody(app, trees, mini):
    wish = CodeWish(trees[0].token, PAGE, 430)
    mint(wish)
    jobs.mint_code({"scene": wish.scene, "page": wish.page, "width_px": wish.width_px})
    assert len(mini.codes) == 1


# ------------------------------------------------------------------------------------------------ pictures
def test_a_png_is_kept_as_it_is_and_a_jpeg_becomes_one():
    assert checked(picture()).data == picture()
    assert Image.open(BytesIO(checked(picture(form="JPEG")).data)).format == "PNG"


@pytest.mark.parametrize(
    "data",
    [b"", b"<html>", picture()[:200], picture(form="GIF"), picture(4000), picture(430, height=200)],
    ids=["nothing", "page", "cut short", "other form", "too large", "not square"],
)
def test_what_is_no_code_is_refused(data):
    with pytest.raises(NotAPicture):
        checked(data)


# ------------------------------------------------------------------------------------------------ minting ahead
@pytest.fixture
def run(app):
    return lambda *words: app.test_cli_runner().invoke(args=["codes", "mint", *words])


def test_codes_of_a_base_are_minted_ahead_and_a_second_run_adds_none(run, walk, trees, mini):
    walk.standing(walk.make.base(), 2)
    first = run("--base", "houshan")
    assert (first.exit_code, first.stdout.strip()) == (0, "新生成 3 个，已有 0 个。")
    assert sorted(scene for scene, *_ in mini.codes) == sorted(tree.token for tree in trees)
    assert run("--base", "houshan").stdout.strip() == "新生成 0 个，已有 3 个。"
    assert run().stdout.strip() == "新生成 2 个，已有 3 个。"
    assert len(kept()) == 5


def test_minting_goes_on_where_it_was_broken_off(run, trees, mini):
    asked = []
    draw = mini.mini_code

    def fail_at_second(**wish):
        asked.append(wish)
        if len(asked) == 2:
            raise UpstreamFailed
        return draw(**wish)

    mini.mini_code = fail_at_second
    broken = run()
    assert (broken.exit_code, "可再次运行继续" in broken.output, len(kept())) == (1, True, 1)
    assert run().stdout.strip() == "新生成 2 个，已有 1 个。"


def test_minting_waits_for_its_own_throttle(run, trees, mini):
    mini.failures = [TooMany(), TooMany()]
    assert run().exit_code == 0
    assert len(kept()) == 3


def test_minting_stops_when_the_page_is_not_published(run, trees, mini):
    mini.failures = [PageUnpublished()]
    answer = run()
    assert (answer.exit_code, f"小程序页面尚未发布：{PAGE}" in answer.output) == (1, True)


def test_minting_for_nothing_is_told(run, app):
    assert run("--base", "nowhere").exit_code == 1


def test_trees_that_are_gone_get_no_code(run, trees):
    with transaction() as session:
        session.execute(update(Tree).where(Tree.id == trees[0].id).values(life=TreeLife.DEAD))
    assert run().stdout.strip() == "新生成 2 个，已有 0 个。"


def test_trees_are_read_page_by_page_of_one_base_or_of_all(walk, trees):
    other = walk.standing(walk.make.base(), 1)
    with reading() as session:
        first = codes.trees_after(session, base_id=None, after_id=0, limit=2)
        rest = codes.trees_after(session, base_id=None, after_id=first[-1][0], limit=50)
        own = codes.trees_after(session, base_id="houshan", after_id=0, limit=50)
    assert [token for _, token in [*first, *rest]] == [tree.token for tree in [*trees, *other]]
    assert [token for _, token in own] == [tree.token for tree in trees]
