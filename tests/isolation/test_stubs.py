"""What a copy would send is recorded and answered; ordinary requests send as ever."""

from __future__ import annotations

import asyncio
import concurrent.futures
import http.client
import smtplib
import threading
import urllib.request
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiohttp
import celery
import httpx
import httpx2
import pytest
import redis
import redis.asyncio
import requests
import urllib3

from benchmarks.isolation.world import MailBox
from shadow_middleware import isolation
from shadow_middleware.errors import ConfigurationError, OutgoingRefusedError
from shadow_middleware.isolation import Answer, Http, ShadowRequest, Stubs, is_shadow
from shadow_middleware.isolation.context import entered
from shadow_middleware.testing import ShadowServer


@pytest.fixture(scope="module")
def server() -> Iterator[ShadowServer]:
    """Somebody whom a copy must not reach."""
    with ShadowServer() as running:
        yield running


@pytest.fixture
def copy() -> Iterator[ShadowRequest]:
    """A copy to work for, with nothing recorded before; stubs go with it."""
    isolation.clear()
    yield ShadowRequest("5f-1")
    isolation.uninstall()
    isolation.clear()


def by_httpx(url: str) -> tuple[int, bytes]:
    with httpx.Client(trust_env=False) as client:
        answer = client.post(url, content=b"pay")
        return answer.status_code, answer.content


def by_httpx_async(url: str) -> tuple[int, bytes]:
    async def send() -> tuple[int, bytes]:
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(url, content=b"pay")
            return answer.status_code, answer.content

    return asyncio.run(send())


def by_httpx2(url: str) -> tuple[int, bytes]:
    with httpx2.Client(trust_env=False) as client:
        answer = client.post(url, content=b"pay")
        return answer.status_code, answer.content


def by_requests(url: str) -> tuple[int, bytes]:
    answer = requests.post(url, data=b"pay", timeout=10)
    return answer.status_code, answer.content


def by_urllib3(url: str) -> tuple[int, bytes]:
    with urllib3.PoolManager() as pool:
        answer = pool.request("POST", url, body=b"pay")
        return answer.status, answer.data


def by_urllib(url: str) -> tuple[int, bytes]:
    with urllib.request.urlopen(url, data=b"pay", timeout=10) as answer:
        return answer.status, answer.read()


answered = pytest.mark.parametrize(
    "send",
    [by_httpx, by_httpx_async, by_httpx2, by_requests, by_urllib3, by_urllib],
)
Sender = Callable[[str], tuple[int, bytes]]


@answered
def test_a_copy_is_answered_and_nothing_goes_out(
    send: Sender, server: ShadowServer, copy: ShadowRequest
) -> None:
    """By the answer that was chosen for the place; what it was is recorded."""
    url = f"{server.url}/charges"
    before = len(server.received)
    chosen = {f"POST {server.url}/*": Answer(201, b'{"id": "x"}')}
    isolation.install(Stubs(http=Http(answers=chosen)))
    with entered(copy):
        assert (201, b'{"id": "x"}') == send(url)
    (found,) = isolation.recorded("http")

    assert before == len(server.received)
    assert (f"POST {url}", "pay", "5f-1") == (found.what, found.detail, found.exchange)


@answered
def test_ordinary_requests_go_out_beside_copies(
    send: Sender, server: ShadowServer, copy: ShadowRequest
) -> None:
    """Nothing is different for them, nor for hosts that are allowed."""
    isolation.install(Stubs(http=Http(allow=["127.*"])))
    before = len(server.received)
    send(server.url)
    with entered(copy):
        send(server.url)

    assert before + 2 == len(server.received)
    assert () == isolation.recorded()


@answered
def test_a_copy_can_be_refused(
    send: Sender, server: ShadowServer, copy: ShadowRequest
) -> None:
    """As a server that is away refuses; the live side is told so."""
    before = len(server.received)
    isolation.install(Stubs(http=Http(otherwise="raise")))
    with (
        entered(copy),
        pytest.raises((OutgoingRefusedError, httpx.ConnectError, httpx2.ConnectError)),
    ):
        send(server.url)

    assert before == len(server.received)
    assert "outgoing_refused" == copy.refused


def test_safe_methods_can_pass(server: ShadowServer, copy: ShadowRequest) -> None:
    """Where reading elsewhere does no harm, and its answers matter."""
    isolation.install(Stubs(http=Http(safe_methods="pass")))
    before = len(server.received)
    with entered(copy):
        requests.get(server.url, timeout=10)
        requests.delete(server.url, timeout=10)

    assert before + 1 == len(server.received)


def test_aiohttp_and_http_client_are_refused(
    server: ShadowServer, copy: ShadowRequest
) -> None:
    """They cannot be answered, so they fail as with a server that is away."""

    async def send() -> None:
        async with aiohttp.ClientSession() as session:
            await session.post(server.url)

    isolation.install()
    before = len(server.received)
    with entered(copy):
        with pytest.raises(aiohttp.ClientError, match="a copy must not send POST"):
            asyncio.run(send())
        with pytest.raises(OutgoingRefusedError):
            http.client.HTTPConnection("127.0.0.1", server.port).request("POST", "/")
    asyncio.run(send())

    assert before + 1 == len(server.received)


def test_an_answer_of_400_and_more_is_an_error_to_urllib(copy: ShadowRequest) -> None:
    """As urllib has it with real servers."""
    isolation.install(Stubs(http=Http(otherwise=Answer(404, b"none"))))
    with entered(copy), pytest.raises(urllib.request.HTTPError) as caught:
        urllib.request.urlopen("http://nobody.invalid/", timeout=10)

    assert (404, b"none") == (caught.value.code, caught.value.read())
    caught.value.close()


def test_mail_goes_nowhere(copy: ShadowRequest) -> None:
    """However it is sent: by message, by address, after login and STARTTLS."""
    box = MailBox()
    isolation.install()
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@a.test", "b@b.test", "Hé"
    with entered(copy), smtplib.SMTP("127.0.0.1", box.port) as mail:
        mail.starttls()
        mail.login("me", "secret")
        mail.send_message(message)
        mail.sendmail("a@a.test", "c@c.test", "hello")
    with smtplib.SMTP("127.0.0.1", box.port) as mail:
        mail.sendmail("a@a.test", ["d@d.test"], "hello")
    box.close()

    assert 1 == box.connections
    assert ["a@a.test to b@b.test", "a@a.test to c@c.test"] == [
        each.what for each in isolation.recorded("mail")
    ]


def test_celery_enqueues_nothing(copy: ShadowRequest, tmp_path: Path) -> None:
    """Not by name, not by task, not in chains and groups."""
    app = celery.Celery("t", broker="filesystem://", set_as_current=False)
    folder = str(tmp_path)
    app.conf.broker_transport_options = {
        "data_folder_in": folder,
        "data_folder_out": folder,
        "control_folder": folder,
    }

    @app.task(name="t.add")  # type: ignore[untyped-decorator]
    def add(one: int, other: int) -> int:
        return one + other

    isolation.install()
    with entered(copy):
        assert add.delay(1, 2).get(timeout=1) is None
        assert add.apply_async((1, 2), task_id="mine").id == "mine"
        app.send_task("t.other", args=[1])
        celery.group(add.s(1, 2), add.s(3, 4)).apply_async()
        celery.chain(add.s(1, 2), add.s(3)).apply_async()
        app.control.revoke("mine")
    assert [] == [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [
        "t.add",
        "t.add",
        "t.other",
        "t.add",
        "t.add",
        "t.add",
        "control revoke",
    ] == [each.what for each in isolation.recorded("task")]
    add.delay(1, 2)

    assert 1 == len([path for path in tmp_path.rglob("*.msg") if path.is_file()])


def test_redis_is_read_and_not_written(copy: ShadowRequest) -> None:
    """Writes are answered as they usually are; reads go out, here to nobody."""
    isolation.install()
    nobody: Any = redis.Redis(port=1)
    with entered(copy):
        assert nobody.set("a", 1) is True
        assert 5 == nobody.incrby("a", 5)
        assert [True, 1] == nobody.pipeline().set("a", 1).incr("a").execute()
        with pytest.raises(redis.ConnectionError):
            nobody.get("a")
        with pytest.raises(OutgoingRefusedError, match="must not send EVAL"):
            nobody.eval("return 1", 0)
        assert asyncio.run(_set_async()) is True
    with pytest.raises(redis.ConnectionError):
        nobody.set("a", 1)

    assert 6 == isolation.counts()["redis"]


async def _set_async() -> Any:
    client = redis.asyncio.Redis(port=1)
    try:
        return await client.set("a", 1)
    finally:
        await client.aclose()


def test_threads_and_pools_work_for_the_copy(copy: ShadowRequest) -> None:
    """And a pool's thread that a copy has started works for others afterwards."""
    isolation.install()
    seen: list[bool] = []
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with entered(copy):
            thread = threading.Thread(target=lambda: seen.append(is_shadow()))
            thread.start()
            thread.join()
            seen.append(pool.submit(is_shadow).result())
        seen.append(pool.submit(is_shadow).result())

    assert [True, True, False] == seen


def test_a_file_is_written_into_the_void(copy: ShadowRequest, tmp_path: Path) -> None:
    """By `open_file`; what is there can be read and appended to, and stays."""
    path = tmp_path / "kept.txt"
    path.write_text("old")
    with entered(copy):
        with isolation.open_file(path, "a+", encoding="utf-8") as file:
            file.write(" new")
            file.seek(0)
            assert "old new" == file.read()
        with isolation.open_file(tmp_path / "other", "wb") as file:
            file.write(b"x")
        with isolation.open_file(path) as file:
            assert "old" == file.read()

    assert [path] == list(tmp_path.iterdir())
    assert "old" == path.read_text()


def test_nothing_is_stubbed_unless_it_is_installed(
    server: ShadowServer, copy: ShadowRequest
) -> None:
    """Importing changes nothing, and `uninstall` leaves what was there."""
    before = (smtplib.SMTP.sendmail, threading.Thread.start, httpx.HTTPTransport)
    sent = len(server.received)
    isolation.install()
    isolation.install(Stubs())
    isolation.uninstall()
    isolation.uninstall()
    with entered(copy):
        by_httpx(server.url)

    assert before == (
        smtplib.SMTP.sendmail,
        threading.Thread.start,
        httpx.HTTPTransport,
    )
    assert sent + 1 == len(server.received)


def test_other_options_need_the_first_taken_away(copy: ShadowRequest) -> None:
    """Two parts of an app cannot silently overrule each other."""
    isolation.install(Stubs(mail=False))
    with pytest.raises(ConfigurationError, match="call uninstall"):
        isolation.install()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Http(allow="a.test"), "list of hosts"),
        (lambda: Http(answers={"POST": Answer()}), "METHOD URL"),
        (lambda: Http(otherwise="ignore"), "'raise'"),  # type: ignore[arg-type]
        (lambda: Http(safe_methods="yes"), "'stub' or 'pass'"),  # type: ignore[arg-type]
        (lambda: Stubs(mail="no"), "Stubs.mail is True"),  # type: ignore[arg-type]
    ],
)
def test_wrong_options_say_what_would_be_right(
    make: Callable[[], object], words: str
) -> None:
    """When they are made, not at a request."""
    with pytest.raises(ConfigurationError, match=words):
        make()


def test_what_is_recorded_is_bounded(copy: ShadowRequest) -> None:
    """A thousand are kept, all are counted, long ones are cut."""
    isolation.install()
    with entered(copy):
        for _ in range(1005):
            smtplib.SMTP("x").sendmail("a@a", ["b@b"], "x" * 5000)

    assert (1000, 1005) == (len(isolation.recorded()), isolation.counts()["mail"])
    assert 2000 == len(isolation.recorded()[0].detail)
