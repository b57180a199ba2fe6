"""Write the first revision's frozen DDL from the models. Used once, before the first release; never again after it.

``python -m migrations.baseline`` writes ``versions/0001_{dialect}.sql`` for both dialects.
"""

from pathlib import Path

from sqlalchemy import MetaData, create_mock_engine

from models import TRIGGERS, Base

VERSIONS = Path(__file__).parent / "versions"
SEPARATOR = "\n-- next\n"


def statements(dialect: str, metadata: MetaData = Base.metadata) -> list[str]:
    """The DDL of every table, index and trigger, in order."""
    found: list[str] = []
    url = "sqlite://" if dialect == "sqlite" else "postgresql+psycopg://"
    engine = create_mock_engine(
        url, lambda ddl, *_a, **_k: found.append(str(ddl.compile(dialect=engine.dialect)).strip())
    )
    for table in metadata.sorted_tables:
        table.create(engine, checkfirst=False)  # type: ignore[arg-type]
    return [*found, *TRIGGERS[dialect]]


if __name__ == "__main__":
    for name in ("sqlite", "postgresql"):
        (VERSIONS / f"0001_{name}.sql").write_text(SEPARATOR.join(statements(name)) + "\n")
