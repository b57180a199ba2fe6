"""``flask codes mint``: have the codes of many trees drawn before anybody asks for them."""

import time
from collections.abc import Iterator

import click
from flask.cli import AppGroup, with_appcontext
from tqdm import tqdm

from wxbackend.codes import service as codes
from wxbackend.codes.jobs import QUOTA_WAIT_S
from wxbackend.codes.minting import mint
from wxbackend.codes.rules import DEFAULT_WIDTH_PX, WIDTHS_PX, CodeWish
from wxbackend.core.db import reading
from wxbackend.core.errors import Problem, TooMany, UpstreamFailed
from wxbackend.core.ports import settings
from wxbackend.core.wxmini import PageUnpublished

CHUNK = 500
#: Our own bucket fills up again within a second; WeChat's quota of a minute within a minute.
BUCKET_PAUSE_S, QUOTA_ROUNDS = 0.2, 5

codes_commands = AppGroup("codes", help="小程序码.")


@codes_commands.command("mint")
@click.option("--base", "base_id", help="基地编号; 不给则为全部树木")
@click.option("--width", default=str(DEFAULT_WIDTH_PX), show_default=True, type=click.Choice([*map(str, WIDTHS_PX)]))
@with_appcontext
def mint_command(base_id: str | None, width: str) -> None:
    """预先生成树木的小程序码; 可随时中断, 再次运行只补缺少的."""
    with reading() as session:
        total = codes.count_trees(session, base_id=base_id)
    if not total:
        raise click.ClickException("没有需要小程序码的树")
    made = 0
    with tqdm(total=total, desc="小程序码", unit="个") as progress:
        for wishes in _chunks(base_id, int(width)):
            made += _mint_missing(wishes)
            progress.update(len(wishes))
    click.echo(f"新生成 {made} 个，已有 {total - made} 个。")


def _chunks(base_id: str | None, width_px: int) -> Iterator[list[CodeWish]]:
    page, after_id = settings().wx_tree_page, 0
    while True:
        with reading() as session:
            rows = codes.trees_after(session, base_id=base_id, after_id=after_id, limit=CHUNK)
        if not rows:
            return
        after_id = rows[-1][0]
        yield [CodeWish(token, page, width_px) for _, token in rows]


def _mint_missing(wishes: list[CodeWish]) -> int:
    with reading() as session:
        known = codes.known_digests(session, wishes=wishes)
    missing = [wish for wish in wishes if wish.digest not in known]
    for wish in missing:
        _mint_patiently(wish)
    return len(missing)


def _mint_patiently(wish: CodeWish) -> None:
    """Wait out our own throttle, and a quota of WeChat's a few times; stop at anything else."""
    rounds = 0
    while True:
        try:
            return mint(wish)
        except TooMany:
            time.sleep(BUCKET_PAUSE_S)
        except PageUnpublished as refusal:
            raise click.ClickException(f"{refusal.title}：{wish.page}") from refusal
        except UpstreamFailed as refusal:
            rounds += 1
            _wait_or_stop(refusal, rounds)


def _wait_or_stop(refusal: Problem, rounds: int) -> None:
    wait_s = refusal.retry_after_s or 0
    if wait_s < QUOTA_WAIT_S or rounds > QUOTA_ROUNDS:
        raise click.ClickException(f"{refusal.title}（已生成的保留，可再次运行继续）") from refusal
    time.sleep(wait_s)
