"""The OpenAPI document: valid, complete, and true to the application."""

import re

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.core.conftest import browser, embedded, embedded_template, embedded_url  # noqa: F401
from tests.core.test_settings import SERIOUS
from wxbackend.content.routes import FILE_FIELD, PICTURE_TYPES
from wxbackend.core.db import db
from wxbackend.core.openapi import TITLES
from wxbackend.core.policies import policy_of
from wxbackend.core.settings import Settings
from wxbackend.factory import FEATURES, LINKS, create_app

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
def document(embedded):  # noqa: F811
    return embedded.api_doc


def operations(document):
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    ]


def test_the_document_is_valid(document):
    assert document["openapi"] == "3.1.0"
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


@pytest.mark.parametrize("method", ["put", "post"])
def test_a_picture_may_come_bare_or_in_a_form(document, method):
    body = document["paths"]["/v1/me/avatar"][method]["requestBody"]
    form = body["content"]["multipart/form-data"]["schema"]
    assert (body["required"], set(body["content"])) == (True, {*PICTURE_TYPES, "multipart/form-data"})
    assert (form["required"], set(form["properties"])) == ([FILE_FIELD], {FILE_FIELD})


def test_a_mini_program_code_is_a_png(document):
    answer = document["paths"]["/v1/trees/{token}/mini-code.png"]["get"]["responses"]["200"]
    assert list(answer["content"]) == ["image/png"]


def test_the_validator_would_see_a_fault(document):
    broken = {**document, "paths": {"/v1/x": {"get": {"responses": {"200": {}}}}}}
    assert list(OpenAPIV31SpecValidator(broken).iter_errors()) != []


def test_every_operation_has_a_name_of_its_own(document):
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][A-Za-z]+", name) for name in names)


def test_every_operation_says_what_it_does(document):
    assert [path for path, _, operation in operations(document) if not operation.get("summary")] == []


def test_the_document_and_the_url_map_hold_the_same(embedded, document):  # noqa: F811
    """Pages, callbacks and the console are no part of the interface."""
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in embedded.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/v1/")
    }
    told = {(path, method) for path, method, _ in operations(document)}
    assert {key for key in told if key[0].startswith("/v1/")} == served
    assert {path for path, _ in told - served} <= {"/.well-known/jwks.json"}


def test_security_is_what_the_policy_asks(embedded, document):  # noqa: F811
    for rule in embedded.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for method, operation in document["paths"].get(path, {}).items():
            if method.upper() in (rule.methods or set()):
                needed = [{"resident": []}] if policy_of(embedded, rule.endpoint).kind == "resident" else None
                assert operation.get("security") == needed, (method, path)


def test_every_operation_tells_how_it_refuses(document):
    for path, method, operation in operations(document):
        for status in TITLES:
            content = operation["responses"][status]["content"]
            assert list(content) == ["application/problem+json"], (path, method, status)
            assert content["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}


def test_every_success_is_described(document):
    for path, method, operation in operations(document):
        good = [status for status in operation["responses"] if status.startswith("2")]
        assert good, (path, method)
        assert "200" not in good or len(good) == 1 or operation["operationId"] in LINKS, (path, method, good)


def test_links_lead_from_what_is_created_to_what_reads_it(document):
    by_name = {operation["operationId"]: (path, operation) for path, _, operation in operations(document)}
    assert {"createPledge", "createPayment"} <= set(LINKS)
    for created, links in LINKS.items():
        shown = by_name[created][1]["responses"]["201"]["links"]
        for name, target, parameter, source in links:
            assert shown[name] == {"operationId": target, "parameters": {parameter: source} if parameter else {}}
            assert not parameter or f"{{{parameter}}}" in by_name[target][0]
            if source.startswith("$response.body#/"):
                assert source.rpartition("/")[2] in answer_fields(document, by_name[created][1])


def answer_fields(document, operation):
    schema = operation["responses"]["201"]["content"]["application/json"]["schema"]
    return document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]["properties"]


def test_the_reader_loads_nothing_from_outside(browser):  # noqa: F811
    page = browser.get("/docs")
    sources = re.findall(r"""(?:src|href)\s*=\s*["']([^"']+)""", page.text)
    assert len(sources) == 3
    assert all(source.startswith("/docs/assets/") for source in sources)
    assert re.findall(r"<script(?![^>]*\bsrc=)", page.text) == []
    for source in sources:
        with browser.get(source, buffered=True) as asset:
            assert asset.status_code == 200, source
            assert len(asset.data) > 50
    assert 'url: "/openapi.json"' in browser.get("/docs/assets/docs.js", buffered=True).text
    assert "validatorUrl: null" in browser.get("/docs/assets/docs.js", buffered=True).text


@pytest.mark.parametrize("name", ["../docs.py", "..%2f..%2fsettings.py", "/etc/passwd", "nothing.js"])
def test_the_reader_serves_its_own_files_only(browser, name):  # noqa: F811
    assert browser.get(f"/docs/assets/{name}").status_code in {404, 308}


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/docs/assets/docs.js"])
@pytest.mark.parametrize(("changes", "status"), [({}, 404), ({"open_docs": True}, 200)])
def test_production_shows_the_document_only_where_told_to(production, path, changes, status):
    with production(**changes).get(path, buffered=True) as answer:
        assert answer.status_code == status


@pytest.fixture
def production(embedded_url, ports, tmp_path):  # noqa: F811
    """Builds an application as production would; its secrets are made for the occasion."""
    key = Ed25519PrivateKey.generate()
    file = tmp_path / "certificate.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    made = []

    def build(**changes):
        settings = Settings.from_env(**{**SERIOUS, "cert_key_file": file, "database_url": embedded_url, **changes})
        made.append(create_app(settings, ports))
        return made[-1].test_client()

    yield build
    for app in made:
        with app.app_context():
            db.engine.dispose()


def test_every_feature_is_registered_once():
    assert len({id(feature) for feature in FEATURES}) == len(FEATURES)
