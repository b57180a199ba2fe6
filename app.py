"""Entry point of development and of every command: ``flask --app app …``."""

from wxbackend.commands import with_commands
from wxbackend.core.settings import Settings
from wxbackend.factory import create_app

app = with_commands(create_app(Settings.from_env_or_exit()))
