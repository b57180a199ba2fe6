"""The least that Flask can do: one view, one small JSON answer. The floor that our requests are held against."""

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue

# gunicorn reads these (``-c python:bench.bare``): what deploy/gunicorn.conf.py says, without our database.
worker_class = "gthread"
threads = 8
preload_app = True
keepalive = 5
control_socket_disable = True

app = Flask("bare")


@app.get("/v1/me")
def me() -> ResponseReturnValue:
    return jsonify(name="林小苗", points=15)
