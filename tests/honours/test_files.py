"""Pictures and the PDF: drawn by the worker, handed out to their owner."""

import hashlib

import pytest
from sqlalchemy import update

from models import Certificate, CertificateFile
from tests.payments.walk import FILES, keep_files
from wxbackend.core.caller import Caller
from wxbackend.core.db import reading, transaction
from wxbackend.core.worker import Worker
from wxbackend.honours import files, jobs
from wxbackend.honours import service as honours
from wxbackend.honours.tools import issuing_tools


@pytest.fixture
def me(walk):
    return walk.make.resident()


@pytest.fixture
def serial(walk, me):
    walk.fulfilled(walk.open(walk.make.base(), me, holder_name="林小苗"), me)
    return walk.certificates()[0].serial


def ask(walk, me, path, **query):
    return walk.client.get(f"/v1/certificates/{path}", query_string=query, headers=me)


@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_a_file_not_drawn_yet_is_asked_for_again_in_two_seconds(walk, me, serial, suffix):
    answer = ask(walk, me, f"{serial}.{suffix}")
    assert (answer.status_code, answer.json["code"]) == (503, "not-drawn-yet")
    assert answer.headers["Retry-After"] == "2"


def test_a_drawn_file_is_handed_to_its_owner(walk, me, serial):
    keep_files(serial)
    for width, data in (("877", b"small"), ("1754", b"middle"), ("2480", b"large")):
        answer = ask(walk, me, f"{serial}.png", width=width)
        assert (answer.status_code, answer.data, answer.mimetype) == (200, data, "image/png")
        assert "private" in answer.headers["Cache-Control"]
    assert ask(walk, me, f"{serial}.png").data == b"middle"
    assert ask(walk, me, f"{serial}.pdf").data == b"paper"


@pytest.mark.parametrize("suffix", ["", ".png", ".pdf", ".jws"])
def test_another_persons_certificate_is_not_found(walk, me, serial, suffix):
    keep_files(serial)
    assert ask(walk, me, f"{serial}{suffix}").status_code == 200
    for path in (f"{serial}{suffix}", f"RZ44528120269999999X{suffix}"):
        assert ask(walk, walk.make.resident("b"), path).status_code == 404
    assert ask(walk, {}, f"{serial}{suffix}").status_code == 401


@pytest.mark.parametrize("width", ["876", "0", "x", "877.0", ""])
def test_other_widths_than_the_three_are_refused(walk, me, serial, width):
    assert ask(walk, me, f"{serial}.png", width=width).status_code == 422


def test_a_file_that_storage_lost_is_not_served_as_nothing(walk, me, serial, storage):
    keep_files(serial)
    storage.files.clear()
    assert ask(walk, me, f"{serial}.pdf").status_code == 503


def test_a_second_drawing_changes_no_note(walk, serial):
    keep_files(serial)
    before = [(file.form, file.storage_key) for file in walk.all(CertificateFile)]
    keep_files(serial)
    assert [(file.form, file.storage_key) for file in walk.all(CertificateFile)] == before


def test_nothing_is_drawn_for_an_erased_holder(walk, serial, storage):
    with transaction() as session:
        session.execute(update(Certificate).values(holder_name_sealed=None, name_salt_sealed=None))
    jobs.draw_files({"serial": serial})
    assert (walk.all(CertificateFile), storage.files) == ([], {})


def test_the_code_to_scan_leads_to_the_certificates_page(walk, serial, storage):
    with reading() as session:
        face = files.face_to_draw(session, serial=serial, tools=issuing_tools(), storage=storage)
    assert face.verify_url.endswith(f"/C/{walk.certificates()[0].token}")
    assert face.verify_url == face.verify_url.upper()
    assert (face.holder_name, face.serial, face.seal_png) == ("林小苗", serial, None)


def test_the_worker_draws_three_pictures_and_the_paper_and_notes_their_digests(walk, me, storage, clock):
    number = walk.open(walk.make.base(), me, holder_name="林小苗", tree_count=2)
    walk.pay_for(number, me)
    Worker(walk.app.extensions["xiangshu.handlers"], (), clock, "test").drain()
    drawn = {file.form: file for file in walk.all(CertificateFile)}
    assert set(drawn) == set(FILES)
    for form, file in drawn.items():
        data = storage.files[file.storage_key]
        assert hashlib.sha256(data).hexdigest() == file.sha256
        assert data.startswith(b"%PDF" if form == "pdf" else b"\x89PNG")


@pytest.mark.parametrize("form", [".png", ".pdf"])
def test_a_revoked_certificate_is_not_handed_out_any_more(walk, form):
    base, me = walk.make.base(), walk.make.resident()
    walk.fulfilled(walk.open(base, me), me)
    [certificate] = walk.certificates()
    keep_files(certificate.serial)
    with transaction() as session:
        honours.revoke(
            session, serial=certificate.serial, reason="重复申领", caller=Caller("staff", 1, 1), now=walk.clock()
        )
    answer = walk.client.get(f"/v1/certificates/{certificate.serial}{form}", headers=me)
    assert (answer.status_code, answer.json["code"]) == (409, "certificate-not-issued")
