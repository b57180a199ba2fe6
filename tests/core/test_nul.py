"""NUL: what no database of ours stores is refused before anybody looks."""

import pytest


@pytest.mark.parametrize("path", ["/t/%00", "/c/a%00", "/v1/pledges/%00", "/console/pledges/%00"])
def test_nul_in_an_address_is_not_found(client, path):
    assert client.get(path).status_code == 404


def test_nul_in_a_form_is_invalid_input(client):
    answer = client.post("/console/login", data={"username": "ro\0ot", "password": "x", "code": "1"})
    assert answer.status_code in {400, 422}


def test_nul_in_a_query_is_invalid_input(client):
    assert client.get("/v1/regions?level=%00").status_code == 422
