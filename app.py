"""Development entry point: ``flask --app app run``."""

from wxbackend.factory import create_app

app = create_app()
