"""Questions and answers about species."""

from models import Species
from wxbackend.core.schema import Answer, PageQuery


class SpeciesQuery(PageQuery):
    """Pages of species."""


class SpeciesAnswer(Answer):
    """``latin`` and ``native`` are null while unknown; ``source`` says where they were read."""

    id: str
    name: str
    latin: str | None
    native: bool | None
    use: str | None
    source: str | None

    @classmethod
    def of(cls, row: Species) -> "SpeciesAnswer":
        return cls(id=row.public_id, name=row.name, latin=row.latin, native=row.native, use=row.use, source=row.source)
