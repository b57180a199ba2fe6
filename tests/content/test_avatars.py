"""A picture of a person: from the upload over WeChat's word to the public, and back."""

from errno import ENOSPC
from io import BytesIO
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from models import Avatar, ContentReview, OutboxMessage, PushState, ReviewStatus
from tests.content.conftest import picture
from wxbackend.content import jobs
from wxbackend.core.db import db, reading, transaction
from wxbackend.core.errors import UpstreamFailed
from wxbackend.core.wxmini import PushEvent
from wxbackend.factory import create_app


@pytest.fixture
def me(walk):
    return walk.make.resident()


def upload(walk, me, data=None, *, content_type="image/jpeg", method="PUT"):
    sent = picture() if data is None else data
    return walk.client.open("/v1/me/avatar", method=method, data=sent, content_type=content_type, headers=me)


POSTED = "multipart/form-data; boundary=leaf"


def posted(data: bytes) -> bytes:
    """A form with one file, as it travels: the test client would keep a large one in a file of its own."""
    head = (
        b'--leaf\r\nContent-Disposition: form-data; name="file"; filename="me.png"\r\nContent-Type: image/png\r\n\r\n'
    )
    return head + data + b"\r\n--leaf--\r\n"


def event(walk, trace: str, suggest: str = "pass", **changes) -> PushEvent:
    document = {"trace_id": trace, "version": 2, "errcode": 0, "result": {"suggest": suggest, "label": 100}, **changes}
    return PushEvent(f"key-{trace}-{suggest}", "wxa_media_check", "openid-a", walk.clock(), document)


def push(walk, told: PushEvent):
    with transaction() as session:
        return jobs.take_media_check(session, told, walk.clock())


def judged(walk, me, mini, suggest: str = "pass"):
    """Uploaded and judged; the token."""
    upload(walk, me)
    push(walk, event(walk, list(mini.images)[-1], suggest))
    walk.drain()
    return walk.all(Avatar)[-1].token


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("how", ["raw", "form"])
def test_picture_is_kept_as_a_small_jpeg_and_handed_to_wechat(walk, me, mini, storage, method, how):
    if how == "raw":
        answer = upload(walk, me, method=method)
    else:
        form = {"file": (BytesIO(picture("PNG")), "me.png", "image/png")}
        answer = upload(walk, me, form, content_type="multipart/form-data", method=method)
    assert (answer.status_code, answer.json["avatar_status"], answer.json["avatar_url"]) == (200, "pending", None)
    [avatar] = walk.all(Avatar)
    assert storage.files[avatar.storage_key].startswith(b"\xff\xd8\xff")
    [url] = mini.images.values()
    assert f"/media/{avatar.token}?until=" in url


def test_form_of_nearly_two_megabytes_is_read(walk, me):
    """Other bodies end at one."""
    form = posted(picture("PNG", (60, 60)) + bytes(1_900_000))
    assert upload(walk, me, form, content_type=POSTED).status_code == 200


@pytest.mark.parametrize("how", ["raw", "form"])
def test_more_than_two_megabytes_are_refused(walk, me, how):
    large = picture() + bytes(2_000_000)
    sent, kind = (large, "image/jpeg") if how == "raw" else (posted(large), POSTED)
    answer = upload(walk, me, sent, content_type=kind)
    assert answer.status_code == 413
    assert walk.all(Avatar) == []


@pytest.mark.parametrize("size", [1_100_000, 3_000_000])
def test_other_views_still_take_one_megabyte(walk, me, size):
    answer = walk.client.patch("/v1/me", data=b'"' + b"x" * size, content_type="application/json", headers=me)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        (b"not a picture", "image/jpeg", 422),
        (b"", "image/png", 422),
        (b"<svg/>", "image/svg+xml", 415),
        (b"{}", "application/json", 415),
        ({"other": "x"}, "multipart/form-data", 422),
        ({"file": "x"}, "multipart/form-data", 422),
    ],
)
def test_what_is_no_picture_is_the_callers_fault(walk, me, data, content_type, status):
    answer = upload(walk, me, data, content_type=content_type)
    assert (answer.status_code, walk.all(Avatar)) == (status, [])


def test_nobody_sees_a_picture_before_it_was_judged_but_wechat(walk, me, mini):
    upload(walk, me)
    [url] = mini.images.values()
    parts = urlsplit(url)
    assert walk.client.get(parts.path).status_code == 404
    assert walk.client.get(f"{parts.path}?until=99999999999&seal=00").status_code == 404
    seen = walk.client.get(f"{parts.path}?{parts.query}")
    assert (seen.status_code, seen.mimetype, seen.headers["Cache-Control"]) == (200, "image/jpeg", "no-store")
    walk.clock.forward(hours=1, seconds=1)
    assert walk.client.get(f"{parts.path}?{parts.query}").status_code == 404


def test_address_for_wechat_opens_its_own_picture_only(walk, me, mini):
    upload(walk, me)
    upload(walk, walk.make.resident("b"))
    first, second = (urlsplit(url) for url in mini.images.values())
    assert walk.client.get(f"{first.path}?{second.query}").status_code == 404


@pytest.mark.parametrize("query", ["until=x&seal=1", "until=1", "seal=", "until=-1&seal=0", "other=1"])
def test_garbage_in_the_address_is_a_picture_that_is_not_there(walk, me, mini, query):
    upload(walk, me)
    assert walk.client.get(f"/media/{walk.all(Avatar)[0].token}?{query}").status_code == 404


def test_nothing_is_looked_up_by_an_address_with_a_nul(walk, me, mini):
    upload(walk, me)
    assert walk.client.get(f"/media/{walk.all(Avatar)[0].token}?seal=%00").status_code == 422


def test_harmless_picture_is_public_and_can_do_nothing_in_a_browser(walk, me, mini):
    token = judged(walk, me, mini)
    seen = walk.client.get(f"/media/{token}")
    assert (seen.status_code, seen.headers["X-Content-Type-Options"]) == (200, "nosniff")
    assert seen.headers["Cache-Control"] == "private, max-age=300"
    assert "sandbox" in seen.headers["Content-Security-Policy"]
    mine = walk.client.get("/v1/me", headers=me).json
    assert (mine["avatar_status"], mine["avatar_url"].endswith(f"/media/{token}")) == ("approved", True)


def test_risky_picture_is_gone_with_its_file(walk, me, mini, storage):
    token = judged(walk, me, mini, "risky")
    assert walk.client.get(f"/media/{token}").status_code == 404
    assert storage.files == {}
    mine = walk.client.get("/v1/me", headers=me).json
    assert (mine["avatar_status"], mine["avatar_url"]) == ("rejected", None)


def test_doubtful_picture_waits_for_a_person(walk, me, mini, desk):
    token = judged(walk, me, mini, "review")
    assert desk.states() == {"avatar": ("pending", "review")}
    assert walk.client.get(f"/media/{token}").status_code == 404


def test_old_picture_stays_until_the_new_one_is_approved(walk, me, mini, storage):
    old = judged(walk, me, mini)
    upload(walk, me)
    mine = walk.client.get("/v1/me", headers=me).json
    assert (mine["avatar_status"], mine["avatar_url"].endswith(old)) == ("pending", True)
    push(walk, event(walk, list(mini.images)[-1]))
    walk.drain()
    assert walk.client.get(f"/media/{old}").status_code == 404
    assert len(storage.files) == len(walk.all(Avatar)) == len(walk.all(ContentReview)) == 1


def test_second_upload_takes_the_place_of_one_that_waits(walk, me, mini, storage):
    upload(walk, me)
    upload(walk, me)
    walk.drain()
    assert len(storage.files) == len(walk.all(Avatar)) == 1


@pytest.mark.parametrize("twice", ["pass", "risky"])
def test_same_push_twice_changes_nothing(walk, me, mini, twice):
    upload(walk, me)
    told = event(walk, list(mini.images)[-1], twice)
    assert [push(walk, told).state, push(walk, told).state] == [PushState.DONE] * 2
    assert len(walk.all(OutboxMessage)) == (1 if twice == "risky" else 0)


def test_push_that_comes_before_we_noted_the_trace_waits_with_what_it_needs(walk, me, mini):
    told = push(walk, event(walk, "trace-9"))
    assert told.state is PushState.WAITING
    upload(walk, me)
    with transaction() as session:
        session.query(ContentReview).one().trace_id = "trace-9"
    again = PushEvent("key", "wxa_media_check", "", walk.clock(), dict(told.facts))
    assert push(walk, again).state is PushState.DONE
    assert walk.all(Avatar)[0].status is ReviewStatus.APPROVED


@pytest.mark.parametrize("document", [{}, {"trace_id": 7}, {"trace_id": "x" * 500}, {"trace_id": None, "result": []}])
def test_push_that_says_nothing_is_ignored(walk, document):
    told = PushEvent("key", "wxa_media_check", "openid-a", walk.clock(), document)
    assert push(walk, told).state is PushState.IGNORED


@pytest.mark.parametrize("changes", [{"errcode": -1008}, {"result": None}, {"result": {"suggest": "?"}}])
def test_picture_that_wechat_could_not_judge_is_handed_in_once_more(walk, me, mini, desk, changes):
    upload(walk, me)
    push(walk, event(walk, list(mini.images)[-1], **changes))
    desk.look_again()
    assert len(mini.images) == 2
    push(walk, event(walk, list(mini.images)[-1], **changes))
    desk.look_again()
    assert len(mini.images) == 2
    assert desk.states() == {"avatar": ("pending", "no_result")}


def test_after_half_an_hour_without_a_word_it_is_handed_in_once_more_and_then_left_to_staff(walk, me, mini, desk):
    upload(walk, me)
    for minutes, handed_in in [(29, 1), (1, 2), (29, 2), (1, 2), (60, 2)]:
        walk.clock.forward(minutes=minutes)
        desk.look_again()
        assert len(mini.images) == handed_in
    review = desk.reviews()["avatar"]
    assert (review.status, review.cause, review.next_check_at) == (ReviewStatus.PENDING, "no_result", None)


def test_picture_that_could_not_be_handed_in_is_tried_again(walk, me, mini, desk):
    mini.failures = [UpstreamFailed()]
    assert upload(walk, me).status_code == 200
    assert (mini.images, desk.states()["avatar"]) == ({}, ("pending", "unavailable"))
    walk.clock.forward(minutes=10)
    desk.look_again()
    assert (len(mini.images), desk.states()["avatar"]) == (1, ("pending", "no_result"))


def test_uploads_are_counted(app, settings, ports, walk):
    strict = create_app(settings.model_copy(update={"rate_limits": True}), ports)
    client = strict.test_client()
    token = client.post("/v1/sessions", json={"code": "code-q"}).json["token"]
    headers = {"Authorization": f"Bearer {token}"}
    said = [
        client.put("/v1/me/avatar", data=b"x", content_type="image/png", headers=headers).status_code for _ in range(21)
    ]
    assert said == [422] * 20 + [429]
    with strict.app_context():
        db.engine.dispose()


def test_both_ways_to_upload_are_counted_as_one(app, settings, ports, walk):
    strict = create_app(settings.model_copy(update={"rate_limits": True}), ports)
    client = strict.test_client()
    token = client.post("/v1/sessions", json={"code": "code-q"}).json["token"]
    headers = {"Authorization": f"Bearer {token}"}
    said = [
        client.open("/v1/me/avatar", method=method, data=b"x", content_type="image/png", headers=headers).status_code
        for method in ["PUT"] * 10 + ["POST"] * 10 + ["PUT", "POST"]
    ]
    assert said == [422] * 20 + [429] * 2
    with strict.app_context():
        db.engine.dispose()


def test_full_disk_is_told_and_leaves_nothing(walk, me, mini, storage):
    kept = judged(walk, me, mini)
    put = storage.put

    def full(key, data):
        put(key, data[:10])
        raise OSError(ENOSPC, "no space")

    storage.put = full
    answer = upload(walk, me)
    assert (answer.status_code, answer.json["code"]) == (503, "busy")
    walk.drain()
    assert [row.token for row in walk.all(Avatar)] == [kept]
    assert (len(walk.all(ContentReview)), list(storage.files)) == (1, [f"avatars/{kept}.jpg"])


def test_picture_has_its_row_before_its_file(walk, me, storage):
    """A crash in between leaves a row, which the next upload and an erasure take; never a file of nobody."""
    seen = []
    storage.put = lambda key, data: seen.append([row.storage_key for row in walk.all(Avatar)] == [key])
    upload(walk, me)
    assert seen == [True]


def test_erasure_between_row_and_file_leaves_no_file(walk, me, storage):
    put = storage.put

    def late(key, data):
        assert walk.client.delete("/v1/me", headers=me).status_code == 204
        walk.drain()
        put(key, data)

    storage.put = late
    upload(walk, me)
    assert (storage.files, walk.all(Avatar)) == ({}, [])


def test_copy_of_a_person_is_silent_about_what_staff_noted(walk, me):
    upload(walk, me)
    with transaction() as session:
        session.query(ContentReview).one().note = "同案第三次"
    assert "同案第三次" not in walk.client.get("/v1/me/export", headers=me).text


def test_nobody_puts_up_a_picture_without_signing_in(walk):
    assert upload(walk, {}).status_code == 401


def test_erasure_takes_pictures_and_what_was_found_of_them(walk, me, mini, storage):
    judged(walk, me, mini)
    upload(walk, me)
    assert walk.client.delete("/v1/me", headers=me).status_code == 204
    walk.drain()
    assert (storage.files, walk.all(Avatar), walk.all(ContentReview)) == ({}, [], [])
    with reading() as session:
        assert session.scalar(select(Avatar.id)) is None
