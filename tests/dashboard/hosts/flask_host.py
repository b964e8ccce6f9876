"""A Flask app that has the dashboard below `/shadow`, as its users would write it."""

from __future__ import annotations

import os

from flask import Flask, redirect, request, session
from werkzeug.wrappers import Response

from shadow_middleware.dashboard.flask import dashboard

app = Flask(__name__)
app.secret_key = "for tests only"
app.config["SHADOW_MIDDLEWARE"] = {"store_url": os.environ["HOST_STORE"]}
app.register_blueprint(
    dashboard(
        token=os.environ["HOST_TOKEN"], allow=lambda request: session.get("staff")
    ),
    url_prefix="/shadow",
)


@app.get("/")
def index() -> str:
    """Be the app."""
    return "the app"


@app.get("/enter")
def enter() -> Response:
    """Let somebody in by name."""
    session["staff"] = request.args["who"]
    return redirect("/shadow/")
