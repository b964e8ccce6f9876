"""
All that one order does to the world besides its database, the same in every shop.

Where to is in the environment: `SHOP_HOME` (a folder), `SHOP_SMTP` and `SHOP_HTTP`
(ports on the loopback).
"""

from __future__ import annotations

import os
import smtplib
import threading
import urllib.request
from pathlib import Path

import celery
import httpx
import requests
import urllib3

from shadow_middleware.isolation import open_file

__all__ = ["do_all", "home", "later"]


def home() -> Path:
    """Return the folder that the shop keeps its files in."""
    return Path(os.environ["SHOP_HOME"])


def do_all(name: str) -> list[int]:
    """Mail, call, enqueue and write files; return what the calls were answered with."""
    _mail(name)
    _enqueue(name)
    with open_file(home() / "files" / f"{name}.txt", "w") as file:
        file.write(name)
    thread = threading.Thread(target=_mail, args=(f"{name}-from-a-thread",))
    thread.start()
    thread.join()
    return _call(name)


def later(name: str) -> None:
    """What a hook or a background task does: it mails."""
    _mail(f"{name}-later")


def _mail(name: str) -> None:
    port = int(os.environ["SHOP_SMTP"])
    with smtplib.SMTP("127.0.0.1", port, "shop.test", timeout=10) as server:
        server.sendmail("shop@shop.test", [f"{name}@mail.test"], f"Subject: {name}\n\n")


def _call(name: str) -> list[int]:
    url = f"http://127.0.0.1:{os.environ['SHOP_HTTP']}/charges"
    first = _client.post(url, content=name).status_code
    second = _session.post(url, data=name, timeout=10).status_code
    third = _pool.request("POST", url, body=name).status
    with urllib.request.urlopen(url, data=name.encode(), timeout=10) as answer:
        fourth = answer.status
    return [first, second, third, fourth]


def _enqueue(name: str) -> None:
    _tasks.send_task("shop.pack", args=(name,))


def _queue() -> celery.Celery:
    folder = str(home() / "queue")
    app = celery.Celery("shop", broker="filesystem://", set_as_current=False)
    app.conf.broker_transport_options = {
        "data_folder_in": folder,
        "data_folder_out": folder,
        "control_folder": folder,
    }
    return app


# One of each for the process, as services have them.
_client = httpx.Client(trust_env=False)
_session = requests.Session()
_pool = urllib3.PoolManager()
_tasks = _queue()
