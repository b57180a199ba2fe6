"""Legal texts and who agreed to which."""

from datetime import date

import pytest
from sqlalchemy import func, select

from models import AuditEntry, Consent
from wxbackend.core.db import reading, transaction
from wxbackend.identity import legal
from wxbackend.identity.legal import LegalDocument, PublishedVersion


def document(version: str = "1.0", *, day: int = 1, text: str = "privacy", body: str = "正文") -> LegalDocument:
    return LegalDocument(
        text=text, version=version, title="隐私政策", in_force_from=date(2026, 3, day), body=f"{body} {version}"
    )


def publish(*documents: LegalDocument) -> int:
    with transaction() as session:
        return legal.load(session, documents=documents)


def agree(client, headers, version: str, text: str = "privacy"):
    return client.post("/v1/me/consents", json={"text": text, "version": version}, headers=headers)


def standing(client, headers) -> tuple[str, str, str | None]:
    (found,) = client.get("/v1/me", headers=headers).json["consents"]
    return found["state"], found["version"], found["accepted_version"]


def test_supplied_texts_tell_of_privacy_terms_refunds_and_receipts(client, texts):
    items = {item["text"]: item for item in client.get("/v1/legal").json["items"]}
    assert {name: item["title"] for name, item in items.items()} == {
        "privacy": "隐私政策",
        "terms": "用户协议",
        "pledge-notice": "认种认捐说明",
    }
    assert "退款" in items["pledge-notice"]["body"]
    assert "不作税前扣除凭证" in items["pledge-notice"]["body"]
    assert all(item["version"] == "1.0" for item in items.values())


def test_newest_text_in_force_is_the_current_one(client, clock):
    publish(document("1.0", day=1), document("1.1", day=10), document("2.0", day=20))
    assert [item["version"] for item in client.get("/v1/legal").json["items"]] == ["1.1"]
    clock.forward(days=8)
    assert [item["version"] for item in client.get("/v1/legal").json["items"]] == ["2.0"]


def test_text_comes_into_force_at_midnight_in_china(client, clock):
    publish(document("1.0", day=13))
    clock.forward(hours=11, minutes=59, seconds=59)
    assert client.get("/v1/legal").json["items"] == []
    clock.forward(seconds=1)
    assert client.get("/v1/legal").json["items"][0]["in_force_from"] == "2026-03-13T00:00:00+08:00"


def test_loading_again_changes_nothing(app):
    assert publish(document(), document("1.1")) == 2
    assert publish(document(), document("1.1")) == 0


def test_published_version_is_never_edited(app):
    publish(document())
    with pytest.raises(PublishedVersion):
        publish(document(body="改过的正文"))


def test_consent_is_given_outdated_and_given_again(client, make, clock):
    publish(document("1.0", day=1), document("2.0", day=20))
    headers = make.resident()
    assert standing(client, headers) == ("missing", "1.0", None)
    assert agree(client, headers, "1.0").json == {
        "text": "privacy",
        "version": "1.0",
        "given_at": "2026-03-12T12:00:00+08:00",
    }
    assert standing(client, headers) == ("given", "1.0", "1.0")
    clock.forward(days=10)
    assert standing(client, headers) == ("outdated", "2.0", "1.0")
    assert agree(client, headers, "2.0").status_code == 200
    assert standing(client, headers) == ("given", "2.0", "2.0")


def test_consent_said_twice_is_one_consent_and_one_note(client, make, clock):
    publish(document())
    headers = make.resident()
    first = agree(client, headers, "1.0")
    clock.forward(days=1)
    assert agree(client, headers, "1.0").json == first.json
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Consent)) == 1
        noted = session.scalars(select(AuditEntry)).one()
    assert (noted.action, noted.details) == ("resident.consent", {"text": "privacy", "version": "1.0"})


@pytest.mark.parametrize("version", ["1.0", "3.0", "9"])
def test_only_the_current_version_may_be_accepted(client, make, version):
    publish(document("1.0", day=1), document("2.0", day=2), document("3.0", day=30))
    answer = agree(client, make.resident(), version)
    assert (answer.status_code, answer.json["code"]) == (409, "not-current-version")
    assert answer.json["current_version"] == "2.0"


def test_unknown_text_is_refused_at_its_field(client, make, texts):
    answer = agree(client, make.resident(), "1.0", text="no-such-text")
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "/body/text")


def test_consent_is_each_persons_own(client, make):
    publish(document())
    agree(client, make.resident("a"), "1.0")
    assert standing(client, make.resident("b"))[0] == "missing"


def test_command_publishes_the_supplied_texts_and_then_nothing(app):
    runner = app.test_cli_runner()
    assert "新发布 3 份" in runner.invoke(args=["legal", "load"]).output
    assert "新发布 0 份" in runner.invoke(args=["legal", "load"]).output


def test_command_publishes_a_file_of_ones_own(app, client, tmp_path):
    file = tmp_path / "privacy.toml"
    file.write_text(
        'text = "privacy"\nversion = "2.0"\ntitle = "隐私政策"\nin_force_from = 2026-03-01\nbody = "本县正文"\n'
    )
    assert app.test_cli_runner().invoke(args=["legal", "load", str(file)]).exit_code == 0
    assert client.get("/v1/legal").json["items"][0]["body"] == "本县正文"


@pytest.mark.parametrize("words", ["text = ", 'text = "privacy"', 'text = "X Y"\nversion="1"\ntitle="t"\nbody="b"'])
def test_command_refuses_a_broken_file_and_publishes_nothing(app, client, tmp_path, words):
    file = tmp_path / "broken.toml"
    file.write_text(words)
    result = app.test_cli_runner().invoke(args=["legal", "load", str(file)])
    assert result.exit_code == 1
    assert result.output.startswith("Error")
    assert client.get("/v1/legal").json["items"] == []


def test_command_refuses_to_change_a_published_text(app, tmp_path):
    publish(document())
    file = tmp_path / "privacy.toml"
    file.write_text('text="privacy"\nversion="1.0"\ntitle="隐私政策"\nin_force_from=2026-03-01\nbody="改过的正文"\n')
    result = app.test_cli_runner().invoke(args=["legal", "load", str(file)])
    assert (result.exit_code, "privacy 1.0" in result.output) == (1, True)
