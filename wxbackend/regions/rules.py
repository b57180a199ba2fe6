"""Arithmetic of region codes (统计用区划代码). Pure."""

from collections.abc import Sequence

CODE_LENGTH, COUNTY_DIGITS = 12, 6
#: Lengths of the prefixes of province, city, county and town; a village is its whole code.
_PREFIXES = (2, 4, 6, 9)


def prefix_of(code: str) -> str:
    """The leading digits that a region and everything below it share: 445281000000 → 445281."""
    ends = (end for end in _PREFIXES if not code[end:].strip("0"))
    return code[: next(ends, CODE_LENGTH)]


def county_of(code: str) -> str:
    """The county in which a town or village lies."""
    return code[:COUNTY_DIGITS].ljust(CODE_LENGTH, "0")


def is_within(code: str, prefixes: Sequence[str]) -> bool:
    return any(code.startswith(prefix) for prefix in prefixes)


#: The register lists villages by their committees; a certificate names the place.
_COMMITTEES = (("村民委员会", "村"), ("居民委员会", "社区"), ("村委会", "村"), ("居委会", "社区"))


def place_name(register_name: str) -> str:
    """竹林村委会 → 竹林村, 东门居民委员会 → 东门社区; any other name as it is."""
    for committee, place in _COMMITTEES:
        if register_name.endswith(committee):
            stem = register_name.removesuffix(committee)
            return stem if stem.endswith(place) else stem + place
    return register_name
