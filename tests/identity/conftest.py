"""A person with everything, and the texts that come with the program."""

import pytest

from tests.fakes import FakeMini, FakePush
from tests.identity.people import Furnisher
from wxbackend.core.db import transaction
from wxbackend.core.ports import Ports
from wxbackend.core.wxmini import WxIdentity
from wxbackend.identity import legal


class MiniWithUnion(FakeMini):
    """A mini-program bound to an open platform: WeChat tells the unionid as well."""

    def login(self, code: str) -> WxIdentity:
        who = super().login(code)
        return WxIdentity(who.openid, unionid=who.openid.replace("openid", "unionid"))


@pytest.fixture
def ports(ports, clock, pay, storage):
    return Ports(
        mini=MiniWithUnion(), pay=pay, storage=storage, push=FakePush(), now=clock, random_bytes=ports.random_bytes
    )


@pytest.fixture
def safe(app):
    return app.extensions["xiangshu.vault"]


@pytest.fixture
def furnish(make, clock, safe, storage):
    return Furnisher(make, clock, safe, storage)


@pytest.fixture
def texts(app):
    """The supplied texts are published."""
    with transaction() as session:
        legal.load(session, documents=legal.supplied_documents())
