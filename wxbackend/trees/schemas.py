"""Questions and answers about trees."""

from datetime import date
from typing import Annotated

from pydantic import Field

from models import PlantingBase, TreeAdoption, TreeLife
from wxbackend.core.schema import Answer, Moment, PageQuery, Schema
from wxbackend.trees.facts import OwnTree, TreeFacts
from wxbackend.trees.rules import LIFE_STATES, NOT_PLANTED, adoption_words, number_groups


class TreePath(Schema):
    token: Annotated[str, Field(min_length=1, max_length=40)]


class CodeQuery(Schema):
    """``scale`` is pixels a module."""

    scale: Annotated[int, Field(ge=2, le=20)] = 8


class OwnTreesQuery(PageQuery):
    """Pages of one's own trees."""


class TreeBaseAnswer(Answer):
    id: str
    name: str
    village_name: str

    @classmethod
    def of(cls, base: PlantingBase, village_name: str) -> "TreeBaseAnswer":
        return cls(id=base.public_id, name=base.name, village_name=village_name)


class TreeAnswer(Answer):
    """``planted`` is false while there is only a place for the tree. ``adopter`` is masked, null if not to be shown."""

    token: str
    number: str
    number_groups: tuple[str, str]
    species: str
    latin: str | None
    base: TreeBaseAnswer
    life: TreeLife
    life_text: str
    planted: bool
    planted_on: date | None
    adoption: TreeAdoption
    adoption_text: str
    adopter: str | None
    dedication: str | None
    occasion: str | None

    @classmethod
    def of(cls, facts: TreeFacts) -> "TreeAnswer":
        tree = facts.tree
        return cls(
            token=tree.token,
            number=tree.number,
            number_groups=number_groups(tree.number),
            species=facts.species.name,
            latin=facts.species.latin,
            base=TreeBaseAnswer.of(facts.base, facts.village_name),
            life=tree.life,
            life_text=LIFE_STATES[tree.life].text,
            planted=tree.life not in NOT_PLANTED,
            planted_on=facts.planted_on,
            adoption=tree.adoption,
            adoption_text=adoption_words(tree.adoption, facts.kind),
            adopter=facts.adopter,
            dedication=facts.dedication,
            occasion=facts.occasion,
        )


class OwnTreeAnswer(Answer):
    """A tree of mine. ``active_until`` is the last day of its term; ``ended_at`` is set once it is no longer mine."""

    token: str
    number: str
    number_groups: tuple[str, str]
    species: str
    latin: str | None
    base: TreeBaseAnswer
    life: TreeLife
    life_text: str
    planted: bool
    planted_on: date | None
    pledge_number: str
    kind: str
    active_until: date | None
    ended_at: Moment | None

    @classmethod
    def of(cls, own: OwnTree) -> "OwnTreeAnswer":
        tree, planted = own.tree, own.tree.life not in NOT_PLANTED
        return cls(
            token=tree.token,
            number=tree.number,
            number_groups=number_groups(tree.number),
            species=own.species.name,
            latin=own.species.latin,
            base=TreeBaseAnswer.of(own.base, own.village_name),
            life=tree.life,
            life_text=LIFE_STATES[tree.life].text,
            planted=planted,
            planted_on=tree.planted_on if planted else None,
            pledge_number=own.pledge.number,
            kind=own.pledge.kind,
            active_until=own.pledge.active_until,
            ended_at=own.ended_at,
        )
