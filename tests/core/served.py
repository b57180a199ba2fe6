"""An application for processes of their own (``flask --app tests.core.served``, gunicorn): fakes play WeChat.

Messages of the topic ``slow`` say ``started`` and end when a line comes in.
"""

import sys

from tests.core.trial import with_trial
from tests.fakes import FakeMini, FakePay, FakePush, FakeStorage
from wxbackend.commands import with_commands
from wxbackend.core.ports import Ports, utc_now
from wxbackend.core.settings import Settings
from wxbackend.factory import create_app


def _slow(_payload: object) -> None:
    sys.stdout.write("started\n")
    sys.stdout.flush()
    sys.stdin.readline()


settings = Settings.from_env(app_env="test", _env_file=None)
ports = Ports(mini=FakeMini(), pay=FakePay(utc_now), storage=FakeStorage(), push=FakePush())  # type: ignore[arg-type]
app = with_trial(with_commands(create_app(settings, ports)))
app.extensions["xiangshu.handlers"]["slow"] = _slow
app.extensions["xiangshu.timetable"] = ()
