"""What WeChat tells of a person's will: data taken back, an account given up, a profile that was changed.

Each runs in the push's own transaction, and done twice does nothing more.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import PushState, Resident, ResidentStatus
from wxbackend.core import audit
from wxbackend.core.ports import ports, vault
from wxbackend.core.push import PushTaken, PushTaker
from wxbackend.core.wxmini import PushEvent
from wxbackend.identity import erasure, forgetting

Forget = Callable[[Session, int, datetime], None]
IGNORED = PushTaken(PushState.IGNORED)


def _nickname(session: Session, resident_id: int, _now: datetime) -> None:
    forgetting.drop_nickname(session, resident_id=resident_id)


def _avatars(session: Session, resident_id: int, now: datetime) -> None:
    forgetting.drop_avatars(session, resident_id=resident_id, now=now)


def _phone(session: Session, resident_id: int, _now: datetime) -> None:
    forgetting.drop_phone(session, resident_id=resident_id)


#: WeChat's numbers for what may be taken back. We hold nothing of the others (地址 2, 位置 13, …).
REVOCABLE: Mapping[int, tuple[Forget, ...]] = MappingProxyType(
    {
        6: (_nickname, _avatars),  # 昵称和头像
        8: (_phone,),  # 手机号
        14: (_avatars,),  # 选中的图片或视频: a picture from the album becomes an avatar here
        19: (_nickname,),  # 昵称输入键盘
        20: (_avatars,),  # 头像组件
    }
)


def take_revocation(session: Session, event: PushEvent, now: datetime) -> PushTaken:
    """user_authorization_revoke: delete what ``RevokeInfo`` names of what we hold."""
    resident_id = _find(session, event)
    if resident_id is None:
        return IGNORED
    numbers = sorted({int(found) for found in re.findall(r"[0-9]{1,4}", str(event.document.get("RevokeInfo", "")))})
    acts = dict.fromkeys(act for number in numbers for act in REVOCABLE.get(number, ()))
    for act in acts:
        act(session, resident_id, now)
    _note(session, "resident.revoke", resident_id, now, revoked=numbers)
    return PushTaken(PushState.DONE, {"revoked": numbers})


def take_change(session: Session, event: PushEvent, now: datetime) -> PushTaken:
    """user_info_modified: WeChat took nickname and picture away, or the person changed them. Ours are of before."""
    resident_id = _find(session, event)
    if resident_id is None:
        return IGNORED
    _nickname(session, resident_id, now)
    _avatars(session, resident_id, now)
    _note(session, "resident.profile-changed", resident_id, now)
    return PushTaken(PushState.DONE)


def take_cancellation(session: Session, event: PushEvent, now: datetime) -> PushTaken:
    """user_authorization_cancellation: the account ends here as well, at once or when its money is settled."""
    resident_id = _find(session, event)
    if resident_id is None:
        return IGNORED
    ended = erasure.erase_or_begin(
        session, resident_id=resident_id, erasers=current_app.extensions["xiangshu.erasers"], now=now
    )
    _note(session, "resident.erase" if ended else "resident.erase-begun", resident_id, now)
    return PushTaken(PushState.DONE, {"erased": ended})


def _find(session: Session, event: PushEvent) -> int | None:
    """The locked account: WeChat names the person in ``OpenID``, the sender may be somebody else."""
    told = event.document.get("OpenID")
    openid = told if isinstance(told, str) and told else event.openid
    index = vault().index.of(openid, purpose="openid")
    mine = Resident.appid == ports().mini.appid, Resident.openid_index == index
    query = select(Resident.id).where(*mine, Resident.status == ResidentStatus.ACTIVE)
    return session.scalar(query.with_for_update())


def _note(session: Session, action: str, resident_id: int, now: datetime, **facts: object) -> None:
    audit.record(session, caller=None, action=action, on=("resident", str(resident_id)), now=now, **facts)


PUSHES: Mapping[str, PushTaker] = MappingProxyType(
    {
        "user_authorization_revoke": take_revocation,
        "user_authorization_cancellation": take_cancellation,
        "user_info_modified": take_change,
    }
)
