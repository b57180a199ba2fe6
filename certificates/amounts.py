"""Amounts of money in words: 大写人民币, as the rules for cheques and receipts (支付结算办法, annex 1) want them."""

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿")

MAX_AMOUNT_FEN = 10**14 - 1  # 9999 亿: above every order that WeChat Pay takes


def amount_in_words(amount_fen: int) -> str:
    """Write an amount of fen in capital numerals: 30050 → 叁佰元伍角整."""
    if not 0 < amount_fen <= MAX_AMOUNT_FEN:
        raise ValueError(f"an amount in words needs 1 to {MAX_AMOUNT_FEN} fen")
    yuan, cents = divmod(amount_fen, 100)
    return (_whole(yuan) + "元" if yuan else "") + _change(cents, after_yuan=yuan > 0)


def amount_in_figures(amount_fen: int) -> str:
    """Write an amount of fen as yuan with two places: 1234567 → 12,345.67."""
    return f"{amount_fen // 100:,}.{amount_fen % 100:02d}"


def _change(cents: int, *, after_yuan: bool) -> str:
    jiao, fen = divmod(cents, 10)
    if not cents:
        return "整"
    gap = "零" if after_yuan and not jiao else ""
    words = gap + (_DIGITS[jiao] + "角" if jiao else "")
    return words + (_DIGITS[fen] + "分" if fen else "整")


def _whole(yuan: int) -> str:
    words, gap = "", False
    for power in (2, 1, 0):
        group = yuan // 10_000**power % 10_000
        # 零 joins two groups when digits between them are missing: 1,0001 万 → 壹万零壹
        gap = bool(words) and (gap or group < 1_000)  # noqa: PLR2004
        if group:
            words += ("零" if gap else "") + _group(group) + _GROUPS[power]
            gap = False
    return words


def _group(value: int) -> str:
    words, gap = "", False
    for power in (3, 2, 1, 0):
        digit = value // 10**power % 10
        if digit:
            words += ("零" if gap and words else "") + _DIGITS[digit] + _PLACES[power]
        gap = not digit
    return words
