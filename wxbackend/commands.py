"""Every command of ``flask --app app``. The web process does without them, and without what they import."""

import click
from flask import Flask

from wxbackend.auditing.commands import audit_command
from wxbackend.backups.commands import backup_command
from wxbackend.catalogue import commands as catalogue_commands
from wxbackend.codes import commands as codes_commands
from wxbackend.content import commands as content_commands
from wxbackend.core import commands
from wxbackend.devtools.commands import wxsim_command
from wxbackend.devtools.demo.commands import demo_commands
from wxbackend.honours import commands as honours_commands
from wxbackend.identity import commands as identity_commands
from wxbackend.receipts import commands as receipts_commands
from wxbackend.reconciliation.commands import reconcile_command
from wxbackend.refunds import commands as refunds_commands
from wxbackend.shipping import commands as shipping_commands
from wxbackend.staff import commands as staff_commands
from wxbackend.trees import commands as tree_commands

COMMANDS: tuple[click.Command, ...] = (
    commands.jobs,
    commands.openapi_command,
    catalogue_commands.catalogue_commands,
    tree_commands.plates_command,
    codes_commands.codes_commands,
    identity_commands.legal_commands,
    identity_commands.keys_commands,
    content_commands.content_commands,
    staff_commands.staff,
    refunds_commands.refunds_commands,
    receipts_commands.receipts_commands,
    honours_commands.issuer_commands,
    shipping_commands.shipping_commands,
    audit_command,
    reconcile_command,
    backup_command,
    demo_commands,
    wxsim_command,
)


def with_commands(app: Flask) -> Flask:
    for command in COMMANDS:
        app.cli.add_command(command)
    return app
