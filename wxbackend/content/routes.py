"""What residents say and show of themselves, and pictures as anybody sees them once they were found harmless."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from flask import Blueprint, Response, request
from flask_openapi import APIBlueprint
from pydantic import ValidationError

from certificates.fonts import font_book
from wxbackend.content import avatars, filing, jobs
from wxbackend.content import profile as content_profile
from wxbackend.content.avatars import NoPicture
from wxbackend.content.pictures import MAX_BYTES, MIMETYPE, BadPicture, recoded
from wxbackend.content.schemas import PictureQuery
from wxbackend.content.screening import refuse_risky, screen
from wxbackend.core.db import reading, transaction
from wxbackend.core.errors import Busy, TooLarge, UnsupportedMedia
from wxbackend.core.http import accept_up_to, answer
from wxbackend.core.limits import by_address, limiter
from wxbackend.core.policies import allow, current_caller, public, resident
from wxbackend.core.ports import ports, settings, vault
from wxbackend.identity import profile
from wxbackend.identity.rules import plain_nickname, printable_name
from wxbackend.identity.schemas import ProfileAnswer, ProfileBody

bp = APIBlueprint("content", __name__)
media = Blueprint("media", __name__, url_prefix="/media")
PICTURE_TYPES = frozenset({"image/jpeg", "image/png", "image/webp"})
FILE_FIELD = "file"
_PICTURE = {"schema": {"type": "string", "format": "binary", "maxLength": MAX_BYTES}}
_FORM = {"type": "object", "required": [FILE_FIELD], "properties": {FILE_FIELD: _PICTURE["schema"]}}
#: What both ways to upload take, for the document.
PICTURE_BODY = {
    "required": True,
    "content": {
        **dict.fromkeys(sorted(PICTURE_TYPES), _PICTURE),
        "multipart/form-data": {"schema": _FORM},
    },
}
#: Of a body with one file there is little besides the file.
MULTIPART_MARGIN = 4_000
#: Unpacking a picture takes a hundred megabytes: two at once, whoever asks.
_DESKS = BoundedSemaphore(2)
DESK_WAIT_S = 3.0
#: A browser that opens the address must neither run nor guess anything.
PICTURE_HEADERS = {"Content-Security-Policy": "default-src 'none'; sandbox", "Content-Disposition": "inline"}
#: By nobody in between: a picture that is taken back is gone when the caller's own copy is.
SHOWN_FOR_S = 300
#: One count for both ways to upload.
uploads_counted = limiter.shared_limit("20/hour", scope="avatar")


@bp.patch("/v1/me", operation_id="changeMe", responses={200: ProfileAnswer})
@limiter.limit("20/minute")
@allow(resident)
def change_me(body: ProfileBody) -> Response:
    """Change or forget my name and nickname. Others see them once they were found harmless."""
    caller, ask, safe = current_caller(), ports(), vault()
    texts = _texts(body)
    checked = screen(content_profile.said(texts), mini=ask.mini, openid=caller.openid or "", clock=ask.now)
    refuse_risky(checked)
    with transaction() as session:
        mine = content_profile.change(
            session, resident_id=caller.id, texts=texts, checked=checked, safe=safe, now=ask.now()
        )
        found = profile.read_standing(session, resident_id=caller.id)
    return answer(ProfileAnswer.with_standing(mine, found, base_url=settings().public_base_url))


def _texts(body: ProfileBody) -> dict[str, str | None]:
    """What was sent, as it will be kept."""
    texts = body.model_dump(include=body.model_fields_set)
    if name := texts.get("name"):
        texts["name"] = printable_name(name, field="/body/name", fonts=font_book(settings().cert_font_dir))
    if nickname := texts.get("nickname"):
        texts["nickname"] = plain_nickname(nickname, field="/body/nickname")
    return texts


@bp.put("/v1/me/avatar", operation_id="putAvatar", responses={200: ProfileAnswer})
@uploads_counted
@accept_up_to(MAX_BYTES + MULTIPART_MARGIN)
@allow(resident)
def put_avatar() -> Response:
    """Choose a picture: its bytes as the body, or in the field ``file`` of a form. Others see it once it was judged."""
    return _keep_avatar()


@bp.post("/v1/me/avatar", operation_id="uploadAvatar", responses={200: ProfileAnswer})
@uploads_counted
@accept_up_to(MAX_BYTES + MULTIPART_MARGIN)
@allow(resident)
def upload_avatar() -> Response:
    """The same for ``wx.uploadFile``, which can only post. Sent twice it is one picture, so it needs no key."""
    return _keep_avatar()


def _keep_avatar() -> Response:
    caller, ask, token = current_caller(), ports(), avatars.new_token(ports().random_bytes(avatars.TOKEN_BYTES))
    data = _sent_picture()
    with _desk():
        picture = recoded(data)
    with transaction() as session:
        avatars.add(session, resident_id=caller.id, token=token, safe=vault(), now=ask.now())
    filing.keep_file(token, picture)
    jobs.hand_in(token, openid=caller.openid or "")
    with reading() as session:
        mine = profile.read_profile(session, resident_id=caller.id, safe=vault())
        found = profile.read_standing(session, resident_id=caller.id)
    return answer(ProfileAnswer.with_standing(mine, found, base_url=settings().public_base_url))


def _sent_picture() -> bytes:
    """The bytes, whichever way they came. Raises ``UnsupportedMedia``, ``TooLarge``, ``BadPicture``."""
    if request.mimetype == "multipart/form-data":
        file = request.files.get(FILE_FIELD)
        data = file.stream.read(MAX_BYTES + 1) if file else b""
    elif request.mimetype in PICTURE_TYPES:
        data = request.get_data(cache=False)
    else:
        raise UnsupportedMedia("请使用 image/jpeg、image/png、image/webp 或 multipart/form-data")
    if len(data) > MAX_BYTES:
        raise TooLarge
    if not data:
        raise BadPicture
    return data


@contextmanager
def _desk() -> Iterator[None]:
    if not _DESKS.acquire(timeout=DESK_WAIT_S):
        raise Busy
    try:
        yield
    finally:
        _DESKS.release()


@media.get("/<string:token>")
@limiter.limit("300/minute", key_func=by_address)
@allow(public)
def show_picture(token: str) -> Response:
    """A picture that was found harmless; one that waits is shown to WeChat alone."""
    given = _query().address()
    with reading() as session:
        key = avatars.shown_key(session, token=token, given=given, safe=vault(), now=ports().now())
    data = ports().storage.get(key)
    if data is None:
        raise NoPicture
    response = Response(data, mimetype=MIMETYPE, headers=PICTURE_HEADERS)
    response.headers["Cache-Control"] = "no-store" if given else f"private, max-age={SHOWN_FOR_S}"
    return response


def _query() -> PictureQuery:
    try:
        return PictureQuery.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise NoPicture from error
