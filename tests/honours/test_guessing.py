"""Guessing the codes of certificates."""

import pytest

from wxbackend.core.settings import Settings


@pytest.fixture
def settings(database_url):
    return Settings(app_env="test", database_url=database_url, _env_file=None)


@pytest.mark.parametrize("path", ["/v1/verify/{}", "/c/{}"])
def test_who_guesses_tokens_is_stopped_after_twenty_misses(client, path):
    statuses = [client.get(path.format(f"GUESS{number:09d}")).status_code for number in range(21)]
    assert statuses[-1] == 429
    assert 429 not in statuses[:20]
