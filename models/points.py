"""Rules of points (积分规则): dated rows, never edited, only ended; each entry keeps the rule it came from."""

from datetime import date

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, HasId

#: The rule about money paid (认种、认捐、认养付款).
PAID_PLEDGE = "P02"


class PointsRule(HasId, Base):
    """How much of an amount paid earns one point. Two rules of one code and county never overlap in time.

    ``county_code`` NULL holds everywhere; a county's own rule goes before it.
    """

    __tablename__ = "points_rule"
    __table_args__ = (
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("fen_per_green >= 1", name="fen_per_green"),
        CheckConstraint("fen_per_honour >= 1", name="fen_per_honour"),
        CheckConstraint("valid_to >= valid_from", name="dates_in_order"),
        CheckConstraint("length(code) BETWEEN 1 AND 8", name="code_length"),
        CheckConstraint("length(sentence) BETWEEN 1 AND 200", name="sentence_length"),
        CheckConstraint("length(source) <= 200", name="source_length"),
        CheckConstraint(
            "typeof(version) = 'integer' AND typeof(fen_per_green) IN ('integer', 'null')"
            " AND typeof(fen_per_honour) = 'integer'",
            name="whole_numbers",
        ).ddl_if(dialect="sqlite"),
        # A plain unique key would let two rules without a county share a version: NULLs are distinct.
        Index("uq_points_rule_version", "code", text("coalesce(county_code, '')"), "version", unique=True),
    )

    code: Mapped[str]
    county_code: Mapped[str | None] = mapped_column(ForeignKey("region.code"))
    version: Mapped[int]
    #: NULL where a county gives no redeemable points for money.
    fen_per_green: Mapped[int | None]
    fen_per_honour: Mapped[int]
    #: First and last day, in China, both included; no last day is until further notice.
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    #: The rule in one sentence, as residents read it in their statement.
    sentence: Mapped[str]
    source: Mapped[str]


def default_rules() -> list[PointsRule]:
    """The rules a new installation starts with: one green point for each ¥10, one honour for each ¥1."""
    return [
        PointsRule(
            code=PAID_PLEDGE,
            county_code=None,
            version=1,
            fen_per_green=1000,
            fen_per_honour=100,
            valid_from=date(2024, 1, 1),
            valid_to=None,
            sentence="认种、认捐、认养付款每满10元得1绿色积分，每满1元得1荣誉值；选择捐赠票据的只得荣誉值",
            source="系统默认规则",
        )
    ]
