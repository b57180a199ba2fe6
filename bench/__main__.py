"""``python -m bench``: the chain, then drawing, then posting. Figures are of this machine; the ratios travel."""

from bench import chain, drawing, posting

DRAWING_ROUNDS = 5


def main() -> None:
    chain.main()
    drawing.measure(DRAWING_ROUNDS)
    print("\nposting, beside the bare driver")
    posting.main()


main()
