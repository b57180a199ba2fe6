"""``make demo``: migrate, load, start simulator, server and worker, play the journey, audit, keep serving.

Run as ``python -m wxbackend.devtools.demo.run``. ``DEMO_EXIT=1`` stops after the journey; ``PORT`` and ``SIM_PORT``
move the listeners; the exit status is 1 if any step failed.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from wxbackend.core.settings import ROOT
from wxbackend.devtools.demo.client import MiniProgramClient, Simulator, StepFailed, wait_for
from wxbackend.devtools.demo.journey import Journey
from wxbackend.devtools.wxsim.state import prepare_state

RESULTS = ROOT / "var" / "demo"
STOP_S = 10


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def environment(port: int, sim_port: int) -> dict[str, str]:
    """What every process of the demo is told: a database, a disk and a WeChat of its own."""
    state = prepare_state(RESULTS / "wxsim", port=sim_port)
    simulated = dict(line.split("=", 1) for line in state.env_file.read_text().splitlines() if line)
    return {
        **os.environ,
        **{name: value.strip("'\"") for name, value in simulated.items()},
        "APP_ENV": "development",
        "FLASK_APP": "app",
        "DATABASE_URL": os.environ.get("DEMO_DATABASE_URL", f"sqlite:///{RESULTS / 'xiangshu.db'}"),
        "STORAGE_URL": f"file://{RESULTS / 'storage'}",
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
    }


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "flask", *arguments]


def once(env: Mapping[str, str], *arguments: str) -> str:
    """Run a command of the application to its end. Raises ``StepFailed`` with its last words."""
    done = subprocess.run(  # noqa: S603 - our own interpreter and our own words
        command(*arguments), env=env, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise StepFailed(f"flask {' '.join(arguments)}: {done.stdout[-400:]}{done.stderr[-800:]}")
    return done.stdout


@contextmanager
def running(name: str, arguments: list[str], env: Mapping[str, str]) -> Iterator[None]:
    """A process for as long as the block lasts; what it says goes to ``var/demo/NAME.log``."""
    with (RESULTS / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(arguments, env=dict(env), cwd=ROOT, stdout=log, stderr=log)  # noqa: S603
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()


def play(env: Mapping[str, str], port: int, sim_port: int) -> None:
    url, sim_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{sim_port}"
    phone, wechat = MiniProgramClient(url), Simulator(sim_url)
    wait_for("simulator", lambda: wechat.do("users", {}))
    wait_for("server", lambda: phone.call("GET", "/readyz"))
    say("\n一位居民的全程（真实 HTTP）")
    facts = Journey(phone, wechat, RESULTS, say).run()
    once(env, "jobs", "drain")
    say(f"\n独立审计：{once(env, 'audit').strip()}")
    say(f"\n证书与树码在 {RESULTS.relative_to(ROOT)}/ ；公开页：")
    for path in (facts["certificate_page"], *facts["tree_pages"]):
        say(f"  {url}{path}")
    say(f"  接口文档 {url}/docs　工作人员后台 {url}/console/login（账号：make demo-tokens）")


def main() -> int:
    port, sim_port = int(os.environ.get("PORT", "8000")), int(os.environ.get("SIM_PORT", "8700"))
    shutil.rmtree(RESULTS, ignore_errors=True)
    RESULTS.mkdir(parents=True)
    env = environment(port, sim_port)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with ExitStack() as stack:
            _start(stack, env, port, sim_port)
            play(env, port, sim_port)
            if os.environ.get("DEMO_EXIT") != "1":
                say("\n服务保持运行，按 Ctrl-C 结束。")
                signal.pause()
    except StepFailed as failure:
        say(f"\n失败：{failure}")
        return 1
    except KeyboardInterrupt:
        say("")
    return 0


def _start(stack: ExitStack, env: Mapping[str, str], port: int, sim_port: int) -> None:
    once(env, "db", "upgrade")
    say(f"数据库已建立　{once(env, 'demo', 'load', '--scale', 'small').strip()}")
    push = ("--push-url", f"http://127.0.0.1:{port}/wx/push")
    sim = ("wxsim", "--port", str(sim_port), "--state-dir", str(RESULTS / "wxsim"), *push)
    server = [sys.executable, "-m", "gunicorn", "wsgi:app", "-c", "deploy/gunicorn.conf.py", "-b", f"127.0.0.1:{port}"]
    stack.enter_context(running("simulator", command(*sim), env))
    stack.enter_context(running("server", server, env))
    stack.enter_context(running("worker", command("jobs", "work"), env))


if __name__ == "__main__":
    sys.exit(main())
