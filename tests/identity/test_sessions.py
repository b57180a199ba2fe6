"""Sign-in and sessions."""


def test_resident_signs_in_and_out(client, make):
    headers = make.resident()
    assert len(client.get("/v1/sessions", headers=headers).json["items"]) == 1
    assert client.delete("/v1/sessions/current", headers=headers).status_code == 204
    assert client.get("/v1/sessions", headers=headers).status_code == 401


def test_bad_login_code_is_refused(client):
    answer = client.post("/v1/sessions", json={"code": "stolen"})
    assert (answer.status_code, answer.json["code"]) == (401, "bad-login-code")
