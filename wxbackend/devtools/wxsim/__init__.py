"""The WeChat simulator: a separate HTTP server that plays api.weixin.qq.com and api.mch.weixin.qq.com.

Unmodified SDKs talk to it. ``control`` documents the API that orders payments, faults and forgeries.
"""

from wxbackend.devtools.wxsim.clock import SimClock
from wxbackend.devtools.wxsim.push import is_aes_key
from wxbackend.devtools.wxsim.server import RunningSimulator, run, serve, serve_simulator
from wxbackend.devtools.wxsim.simulator import ControlFailed, Simulator
from wxbackend.devtools.wxsim.state import DEFAULT_PORT, StatePaths, prepare_state
from wxbackend.devtools.wxsim.world import World, new_world

__all__ = [
    "DEFAULT_PORT",
    "ControlFailed",
    "RunningSimulator",
    "SimClock",
    "Simulator",
    "StatePaths",
    "World",
    "is_aes_key",
    "new_world",
    "prepare_state",
    "run",
    "serve",
    "serve_simulator",
]
