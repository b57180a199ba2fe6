"""How the time of refunds passes: whoever is about to look at them lets those end whose moment has come."""

from wxbackend.devtools.wxsim.notices import refund_notice
from wxbackend.devtools.wxsim.orders import Order
from wxbackend.devtools.wxsim.refunds import Refund, RefundForm, RefundState
from wxbackend.devtools.wxsim.world import World


def start_refund(world: World, order: Order, form: RefundForm) -> Refund:
    """Accept a refund whose number is new; raises PayRefusal. The caller holds the world's lock."""
    settle_refunds(world)
    return world.refund_book.accept(
        order,
        form,
        account=world.accounts.of(order.form.mchid),
        now=world.clock.now(),
        schedule_now=world.clock.schedule_now(),
    )


def settle_refunds(world: World) -> None:
    """End every refund whose time has come; the caller holds the world's lock."""
    for refund in world.refund_book.due(schedule_now=world.clock.schedule_now()):
        end_refund(world, refund, refund.plan.end)


def end_refund(world: World, refund: Refund, state: RefundState) -> None:
    """End one refund now; the post office finds its notification in ``unsent``."""
    account = world.accounts.of(refund.mchid)
    world.refund_book.end(refund, state, account=account, now=world.clock.now())
    if refund.form.notify_url is not None:
        world.unsent.append(refund_notice(refund.resource(), url=refund.form.notify_url))
