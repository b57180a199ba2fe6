"""Ready tokens and staff accounts for whoever wants to try the API by hand. Development only."""

from datetime import timedelta
from typing import Any

import pyotp
from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Certificate, PlantingBase, Pledge, Resident, Role, Staff, StaffGrant, StaffStatus, Tree
from wxbackend.core.db import transaction
from wxbackend.core.ports import ports, vault
from wxbackend.core.wxmini import WxIdentity
from wxbackend.devtools.demo.world import COUNTY
from wxbackend.identity import service as identity
from wxbackend.staff.passwords import hash_password
from wxbackend.staff.service import totp_place

STAFF_PASSWORD = "demo-forest-evergreen"  # noqa: S105 - the demo's, printed for everybody
STAFF_ROLES = (Role.COUNTY_ADMIN, Role.ISSUER, Role.FINANCE, Role.AUDITOR, Role.SYSTEM)
RESIDENTS = {"resident_a": "demo-openid-000001", "resident_b": "demo-openid-000002"}


def make_tokens() -> dict[str, Any]:
    """Sign two residents in, make one staff account a role and a second county admin, and name some objects."""
    password = hash_password(STAFF_PASSWORD, salt=ports().random_bytes(16))
    with transaction() as session:
        roles = {role: {"token": _sign_in(session, openid)} for role, openid in RESIDENTS.items()}
        staff = {str(role): _staff(session, f"demo_{role}", role, password) for role in STAFF_ROLES}
        staff["second_county_admin"] = _staff(session, "demo_second_admin", Role.COUNTY_ADMIN, password)
        objects = _objects(session)
    return {"roles": roles, "staff": staff, "objects": objects}


def _sign_in(session: Session, openid: str) -> str:
    ask, now = ports(), ports().now()
    token = ask.new_token()
    new = identity.NewSession(token, ask.new_id(), "demo", now + timedelta(days=1))
    identity.sign_in(session, appid=ask.mini.appid, who=WxIdentity(openid), new=new, safe=vault(), now=now)
    return token


def _staff(session: Session, username: str, role: Role, password_hash: str) -> dict[str, str]:
    """An active account; run again, it gets a new TOTP secret."""
    safe, secret = vault(), pyotp.random_base32()
    account = session.scalar(select(Staff).where(Staff.username == username))
    if account is None:
        account = Staff(
            row_key=safe.new_row_key(), username=username, display_name="演示账号", created_at=ports().now()
        )
        session.add(account)
    account.password_hash = password_hash
    account.totp_sealed = safe.seal(secret, place=totp_place(account.row_key))
    account.status = StaffStatus.ACTIVE
    session.flush()
    if session.scalar(select(StaffGrant.id).where(StaffGrant.staff_id == account.id)) is None:
        session.add(StaffGrant(staff_id=account.id, role=role, region_code=COUNTY))
    return {"username": username, "password": STAFF_PASSWORD, "totp_secret": secret}


def _objects(session: Session) -> dict[str, str | None]:
    """One of each, of resident_a where it belongs to somebody."""
    mine = select(Resident.id).where(
        Resident.openid_index == vault().index.of(RESIDENTS["resident_a"], purpose="openid")
    )
    own = Certificate.resident_id.in_(mine)
    return {
        "base_id": session.scalar(select(PlantingBase.public_id).order_by(PlantingBase.id).limit(1)),
        "pledge_number": session.scalar(select(Pledge.number).where(Pledge.resident_id.in_(mine)).limit(1)),
        "tree_token": session.scalar(select(Tree.token).order_by(Tree.id).limit(1)),
        "certificate_serial": session.scalar(select(Certificate.serial).where(own).limit(1)),
        "certificate_token": session.scalar(select(Certificate.token).where(own).limit(1)),
    }
