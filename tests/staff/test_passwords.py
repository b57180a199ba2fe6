"""What makes a password good, and what hashing costs."""

from threading import Event, Thread

import pytest

from wxbackend.core.errors import Busy
from wxbackend.staff import passwords
from wxbackend.staff.errors import WeakPassword

ABOUT = ("linxiaomiao", "林小苗")


@pytest.mark.parametrize("good", ["mossy-boulder-violin-71", "正确的马电池订书钉雨伞月亮", "x8#Kq!vR2zLm"])
def test_good_password_passes(good):
    passwords.require_strong(good, about=ABOUT)


@pytest.mark.parametrize(
    "weak",
    [
        "kq8#vR2zLm!",  # eleven
        "k" * 129,
        "password2026!!",
        "Passw0rd12345",
        "qwertyuiop123",
        "aaaaaaaaaaaaaaaa",
        "woaini5201314!",
        "Xiangshu-2026-Zhishu",
        "绿化植树认种认捐认养2026",
        "linxiaomiao#2026#",
        "林小苗林小苗林小苗林小苗林小苗",
    ],
)
def test_short_common_or_own_words_are_refused(weak):
    with pytest.raises(WeakPassword):
        passwords.require_strong(weak, about=ABOUT)


def test_hash_is_argon2id_at_the_agreed_cost_and_verifies_only_its_password():
    hashed = passwords.hash_password("mossy-boulder-violin-71", salt=b"sixteen bytes!!!")
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.is_password("mossy-boulder-violin-71", hashed=hashed)
    assert not passwords.is_password("mossy-boulder-violin-72", hashed=hashed)


def test_nobody_costs_the_same_and_never_matches():
    cost = passwords.hash_password("x", salt=b"sixteen bytes!!!").split("$")[1:4]
    assert passwords.NOBODY.split("$")[1:4] == cost
    assert not passwords.is_password("nobody has this password", hashed=None)
    assert passwords.is_password("nobody has this password", hashed=passwords.NOBODY)


def test_a_third_hash_at_once_waits_and_is_then_refused():
    inside, leave = [Event(), Event()], Event()

    def occupy(arrived: Event) -> None:
        with passwords.a_place(wait_s=1):
            arrived.set()
            leave.wait(5)

    guests = [Thread(target=occupy, args=(arrived,)) for arrived in inside]
    for guest, arrived in zip(guests, inside, strict=True):
        guest.start()
        assert arrived.wait(5)
    with pytest.raises(Busy), passwords.a_place(wait_s=0.01):
        pass
    leave.set()
    for guest in guests:
        guest.join()
    with passwords.a_place(wait_s=0.01):
        pass
