"""``python -m bench``: the chain, the door for notifications, drawing, posting. Only the ratios travel."""

from bench import callbacks, chain, drawing, posting

DRAWING_ROUNDS = 5


def main() -> None:
    chain.main()
    callbacks.main()
    drawing.measure(DRAWING_ROUNDS)
    print("\nposting, beside the bare driver")
    posting.main()


main()
