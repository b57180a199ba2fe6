"""What every public page says at its foot holds for certificates and for trees."""

import pytest


@pytest.fixture
def paths(make) -> dict[str, str]:
    (tree,) = make.trees(make.base())
    return {"tree": f"/t/{tree.token}", "certificate": "/c/0000000000"}


@pytest.mark.parametrize("kind", ["tree", "certificate"])
def test_the_foot_says_when_a_first_character_is_shown(client, paths, kind):
    foot = client.get(paths[kind]).text.partition("<footer>")[2]
    assert "证书页总是显示，供持证人辨认" in foot
    assert "树的页面经本人同意才显示" in foot
