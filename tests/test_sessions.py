"""Sessions and steps in the flow: a shadow with a database of its own, end to end."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from shadow_middleware.errors import ReplayTimeout
from shadow_middleware.exchange import (
    Body,
    Exchange,
    Replay,
    Request,
    Response,
    Timing,
)
from shadow_middleware.replay.calling import MAX_HUNG, Caller
from shadow_middleware.replay.sessions import Sessions
from shadow_middleware.settings import from_wire, load, to_wire
from shadow_middleware.testing import FakeSender
from shadow_middleware.transform.continuity import Continuity
from shadow_middleware.transform.masking import Marks, Masker
from shadow_middleware.transform.pseudonym import visitor
from tests.test_pipeline import Bed

METHODS = ["GET", "POST", "PUT", "DELETE"]
JSON = (b"Content-Type", b"application/json")


class Shop:
    """A server with a login, and items with ids of its own."""

    def __init__(self, first: int, name: str) -> None:
        self.next, self.name = first, name
        self.users: dict[str, str] = {}
        self.items: dict[int, tuple[str, str]] = {}
        self.mixed = 0
        self.asked: list[Request] = []
        self.broken = False

    def __call__(self, request: Request) -> Response:
        """Answer, and note a session that is not the client's."""
        self.asked.append(request)
        headers = {name.lower(): value for name, value in request.headers}
        who = headers.get(b"x-user", b"").decode()
        path = request.path.decode().removeprefix("/base")
        if self.broken:
            raise ReplayTimeout("too slow")
        if path == "/login":
            return self._log_in(who)
        cookie = headers.get(b"cookie", b"").decode()
        user = self.users.get(cookie.removeprefix("sid="))
        if user is None:
            return answer({"detail": "log in first"}, status=401)
        self.mixed += user != who
        return self._items(request, user, path)

    def _log_in(self, who: str) -> Response:
        cookie = f"{self.name}-session-of-{who}-{len(self.users)}"
        self.users[cookie] = who
        return answer({"name": who}, (b"Set-Cookie", f"sid={cookie}; Path=/".encode()))

    def _items(self, request: Request, user: str, path: str) -> Response:
        if path == "/items" and request.method == "POST":
            self.next += 1
            self.items[self.next] = (user, json.loads(request.body.data)["title"])
            where = (b"Location", f"/items/{self.next}".encode())
            return answer(self._told(self.next), where, status=201)
        number = int(path.rpartition("/")[2])
        if self.items.get(number, ("", ""))[0] != user:
            return answer({"detail": "no such item"}, status=404)
        if request.method == "DELETE":
            del self.items[number]
            return Response(204)
        if request.method == "PUT":
            said = json.loads(request.body.data)
            if said["id"] != number:
                return answer({"detail": "another item"}, status=409)
            self.items[number] = (user, said["title"])
        return answer(self._told(number))

    def _told(self, number: int) -> dict[str, Any]:
        return {"id": number, "title": self.items[number][1], "url": f"/items/{number}"}


def answer(value: Any, *headers: tuple[bytes, bytes], status: int = 200) -> Response:
    """Return an answer in JSON."""
    data = json.dumps(value).encode()
    return Response(status, (JSON, *headers), Body(data, len(data)))


class Client:
    """A client of live, and the exchanges that its middleware captures."""

    def __init__(self, live: Shop, name: str) -> None:
        self.live, self.name, self.cookie = live, name, ""
        self.seen: list[Exchange] = []
        self.passes = False
        """Whether credentials pass the wall."""

    def ask(self, method: str, path: str, body: Any = None, route: str = "") -> Any:
        """Ask live; return what it said."""
        data = b"" if body is None else json.dumps(body).encode()
        headers = [(b"Host", b"live.test"), (b"X-User", self.name.encode()), JSON]
        cookies = [(b"Cookie", f"sid={self.cookie}".encode())] if self.cookie else []
        request = Request(method, path.encode(), b"", headers, Body(data, len(data)))
        whole = Request(method, request.path, b"", [*headers, *cookies], request.body)
        response = self.live(whole)
        self.seen.append(
            Exchange(
                id=f"live-{self.name}{len(self.seen):x}",
                at=time.time(),
                request=whole if self.passes else request,
                response=response,
                timing=Timing(0, 1_000_000, 2_000_000),
                route=route or path,
                key=self.cookie or None,
                withheld=("cookie",) if cookies and not self.passes else (),
                visitor=visitor(cookies),
            )
        )
        for name, value in response.headers:
            if name == b"Set-Cookie":
                self.cookie = value.decode().partition(";")[0].removeprefix("sid=")
        return json.loads(response.body.data or b"null")

    def work(self, title: str) -> list[Exchange]:
        """Log in, create, read, update, delete, and look again."""
        self.ask("POST", "/login")
        one = self.ask("POST", "/items", {"title": title})["url"]
        number = int(one.rpartition("/")[2])
        item = "/items/{id}"
        self.ask("GET", one, route=item)
        self.ask("PUT", one, {"id": number, "title": title + "!"}, route=item)
        self.ask("DELETE", one, route=item)
        self.ask("GET", one, route=item)
        return self.seen


class Stage(Bed):
    """A pipeline between a live shop and a shadow's, and what it came to."""

    def __init__(self, **settings: Any) -> None:
        self.live, self.shadow = Shop(16, "live"), Shop(41, "shadow")
        self.second = Shop(70, "control")
        settings = {"methods": METHODS, "key": "cookie:sid", **settings}
        super().__init__(self.shadow, control=self.second, **settings)
        self.ends: list[Replay] = []

    def play(self, *exchanges: Exchange) -> dict[tuple[str, str], int]:
        """Send the exchanges through, placed in their sessions."""
        known = Continuity(self.settings.key_words)
        return self.run(*map(known.place, exchanges))

    def pipeline(self, recorder: Any) -> Any:
        """Return a pipeline that tells of each end."""
        record = recorder.record

        def told(replay: Replay) -> None:
            self.ends.append(replay)
            record(replay)

        recorder.record = told
        return super().pipeline(recorder)

    @property
    def outcomes(self) -> list[str]:
        """How each replay ended, in the order of the exchanges of one session."""
        return [str(one.outcome) for one in self.ends]


def test_login_create_read_update_delete_matches_on_a_shadow_with_other_ids() -> None:
    """The whole point: with sessions all of it agrees, and without it nearly nothing."""
    with_names, without = Stage(sessions="rebind"), Stage()

    with_names.play(*Client(with_names.live, "alice").work("tea"))
    without.play(*Client(without.live, "alice").work("tea"))

    assert ["match"] * 6 == with_names.outcomes
    assert 5 == Counter(without.outcomes)["divergence"]
    assert b"/base/items/42" == with_names.shadow.asked[2].path


def test_cookies_alone_keep_the_login_and_no_more() -> None:
    """The shadow's own cookie goes back to it; its ids stay unknown."""
    stage = Stage(sessions="cookies")

    stage.play(*Client(stage.live, "alice").work("tea"))

    assert ["match", "divergence"] == stage.outcomes[:2]
    assert {404, 201, 200} >= {
        one.response.status for one in stage.ends if one.response
    }
    assert b"/base/items/17" == stage.shadow.asked[2].path


def test_nothing_of_one_user_reaches_another() -> None:
    """Many at once, interleaved, each with the same titles and steps."""
    stage = Stage(sessions="rebind", concurrency=8)
    clients = [Client(stage.live, f"user{n}") for n in range(20)]
    works = [client.work("tea") for client in clients]

    found = stage.play(*(x for step in zip(*works, strict=True) for x in step))

    assert 120 == sum(n for (outcome, _), n in found.items() if outcome == "match")
    assert 0 == stage.shadow.mixed
    for request in stage.shadow.asked:
        fields = dict(request.headers)
        own = fields[b"X-User"] + b"-"
        assert own in fields.get(b"Cookie", own)
        assert b"live" not in fields.get(b"Cookie", b"")


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(1, 3), st.booleans()), max_size=25
    )
)
@limits(max_examples=30, deadline=None)
def test_no_history_lets_a_value_of_one_session_into_another(
    history: list[tuple[int, int, bool]],
) -> None:
    """Live's ids are the same for all, the shadow's tell whose they are."""
    settings = load(
        {"shadow_url": "http://s", "key": "cookie:sid", "sessions": "rebind"},
        environ={},
    )
    sessions = Sessions(settings.all_targets[0], settings, clock=lambda: 1.0)

    async def step(user: int, item: int, creates: bool) -> None:
        path = b"/items" if creates else b"/items/%d" % item
        headers = [(b"Host", b"live.test")]
        live = answer({"id": item, "token": f"live-token-{item}"})
        shadow = answer(
            {"id": user * 100 + item, "token": f"user{user}-token-{item}"},
            (b"Set-Cookie", b"sid=user%d-cookie; Path=/" % user),
        )
        exchange = Exchange(
            id="live-1",
            at=0.0,
            request=Request("POST" if creates else "GET", path, headers=headers),
            response=live,
            timing=Timing(0, 0, 0),
            route="/items" if creates else "/items/{id}",
            key=f"key of {user}",
            withheld=("cookie", "authorization"),
        )
        sent = sessions.prepare(exchange, exchange.request)
        for other in {0, 1, 2} - {user}:
            assert f"user{other}" not in repr(sent.request)
        number = int(sent.request.path.rpartition(b"/")[2] or 0) if not creates else 0
        assert number in (0, item, user * 100 + item)
        await sessions.heard(exchange, sent, shadow)

    async def run() -> None:
        for one_step in history:
            await step(*one_step)

    asyncio.run(run())


def test_every_substitution_says_where_and_why() -> None:
    """What `--explain` shows: the place, both names, and where they were learned."""
    stage = Stage(sessions="rebind")

    stage.play(*Client(stage.live, "alice").work("tea"))

    uses = [(u.where, u.live, u.shadow, u.learned) for u in stage.ends[3].rebound]
    assert [
        ("cookie sid", "…", "shad…", "Set-Cookie of the shadow"),
        ("path segment 3", "17", "42", "POST /items, header location"),
        ("body /id", "17", "42", "POST /items, header location"),
    ] == uses
    assert "rebound" in stage.ends[2].explained


def test_the_control_has_cookies_and_names_of_its_own() -> None:
    """It is a second copy with a database of its own, and is asked by its names."""
    stage = Stage(
        sessions="rebind", control_url="http://control.test", control_methods=METHODS
    )

    stage.play(*Client(stage.live, "alice").work("tea"))

    assert ["match"] * 6 == stage.outcomes
    assert {("match", ""): 6} == dict(stage.counts("control"))
    assert [b"/items/71"] * 4 == [one.path for one in stage.second.asked[2:]]


def test_a_session_that_missed_a_write_is_marked() -> None:
    """Its later differences may be ours."""
    stage = Stage(sessions="rebind")
    works = Client(stage.live, "alice").work("tea")
    stage.sender = FakeSender(
        lambda request: breaking(stage.shadow, request, stage.shadow.asked)
    )

    stage.play(*works)

    assert [False, False, True, True] == [
        one.exchange.after_drop for one in stage.ends[:4]
    ]
    assert "timeout" == stage.outcomes[1]


def breaking(shop: Shop, request: Request, asked: list[Request]) -> Response:
    """Time out at the second request, which is the one that creates."""
    if len(asked) == 1:
        asked.append(request)
        raise ReplayTimeout("too slow")
    return shop(request)


def test_a_wrong_answer_is_a_divergence_in_a_session_too() -> None:
    """A shadow that mixes up items is found, however its ids are called."""
    stage = Stage(sessions="rebind")
    client = Client(stage.live, "alice")
    client.ask("POST", "/login")
    client.ask("POST", "/items", {"title": "a"})
    client.ask("POST", "/items", {"title": "b"})
    client.ask("GET", "/items/17", route="/items/{id}")
    honest = stage.shadow

    def wrong(request: Request) -> Response:
        if request.method == "GET":
            path = request.path.replace(b"42", b"43")
            request = Request("GET", path, b"", request.headers)
        return honest(request)

    stage.sender = FakeSender(wrong)
    stage.play(*client.seen)

    assert ["match", "match", "match", "divergence"] == stage.outcomes
    assert {"/id", "/title", "/url"} == {one.path for one in stage.ends[3].differences}


@pytest.mark.parametrize(
    ("bound", "most"),
    [
        ({"session_count": 3}, 3),
        ({"session_bytes": 2_000}, 8),
        ({"session_idle": 0.5}, 1),
    ],
)
def test_sessions_are_bounded(bound: dict[str, float], most: int) -> None:
    """In number, in bytes, and in the time that they may be silent."""
    now = [1000.0]
    settings = load(
        {"shadow_url": "http://s", "key": "user", "sessions": "rebind", **bound},
        environ={},
    )
    sessions = Sessions(settings.all_targets[0], settings, clock=lambda: now[0])

    async def visit(number: int) -> None:
        now[0] += 1.0
        client = Client(Shop(number, "live"), f"user{number}")
        client.ask("POST", "/login")
        exchange = Continuity("cookie:sid").place(client.seen[0])
        sent = sessions.prepare(exchange, exchange.request)
        assert exchange.response is not None
        await sessions.heard(exchange, sent, exchange.response)

    for number in range(20):
        asyncio.run(visit(number))
    if "session_idle" in bound:
        sessions.missed(Client(Shop(0, "x"), "x").work("x")[0])
        return
    assert len(sessions) <= most


def test_sessions_need_a_key() -> None:
    """Whose requests are whose is not to be guessed."""
    with pytest.raises(Exception, match="needs to know whose requests are whose"):
        load({"shadow_url": "http://s", "sessions": "rebind"}, environ={})


# --- steps in the flow ----------------------------------------------------------------------


def raises(request: Request, occasion: Any) -> Request:
    """Fail, with a secret in its words."""
    raise ValueError("tok-98765")


def hangs(request: Request, occasion: Any) -> Request:
    """Never return in time."""
    time.sleep(1.5)
    return request


def adds(request: Request, occasion: Any) -> Request:
    """Add a token that is made from the user's name."""
    token = (b"X-Api-Key", f"token-of-{occasion.user}".encode())
    return Request(
        request.method,
        request.path,
        headers=[*request.headers, token],
        body=request.body,
    )


def strips(request: Request, occasion: Any) -> Request:
    """Take every header off, the marker as well."""
    return Request(request.method, request.path, headers=[(b"Transfer-Encoding", b"x")])


def one(number: int, **fields: Any) -> Exchange:
    """Return an exchange that matches what `Bed` answers."""
    from tests.test_pipeline import exchange

    return exchange(number, **fields)


@pytest.mark.parametrize("step", [raises, hangs])
def test_a_step_that_fails_skips_the_replay(
    step: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """It is counted, nothing is sent, and one line in a minute says so, without values."""
    bed = Bed(transform=[step], transform_timeout=0.05)

    with caplog.at_level(logging.WARNING, "shadow_middleware.sessions"):
        found = bed.run(one(1), one(2), one(3))

    assert {("skipped", "transform_failed"): 3} == found
    assert [] == bed.sender.requests
    assert 1 == len(caplog.records)
    assert "tok-98765" not in caplog.text


def test_what_a_step_adds_is_sent_and_never_kept() -> None:
    """Neither stored, logged nor signalled, however the shadow echoes it."""

    def echo(request: Request) -> Response:
        return answer({"echo": [value.decode() for _, value in request.headers]})

    bed = Bed(echo, transform=[adds], signal_rate=1000)
    bed.run(one(1, user="alice"))

    assert (b"X-Api-Key", b"token-of-alice") in bed.sender.requests[0].headers
    kept = repr([batch.divergences for batch in bed.batches]) + repr(bed.events)
    assert "[redacted]" in kept
    assert "token-of-alice" not in kept


def test_no_step_takes_the_marker_off_or_frames_the_body() -> None:
    """Or a copy would be mirrored again, or smuggle another request."""
    bed = Bed(transform=[strips])
    bed.run(one(1))

    assert [b"X-Shadow-Request"] == [name for name, _ in bed.sender.requests[0].headers]


def test_a_signature_is_made_over_what_is_sent() -> None:
    """Steps run after the session has put its own names in."""
    seen: list[bytes] = []
    stage = Stage(sessions="rebind", transform=[f"{__name__}:signs"])
    stage.play(*Client(stage.live, "alice").work("tea"))
    seen = [dict(request.headers)[b"X-Signed"] for request in stage.shadow.asked]

    assert ["match"] * 6 == stage.outcomes
    assert b"/base/items/42" == seen[3]


def signs(request: Request, occasion: Any) -> Request:
    """Sign the path."""
    fields = [*request.headers, (b"X-Signed", request.path)]
    return Request(request.method, request.path, request.query, fields, request.body)


def test_too_many_functions_that_hang_are_called_no_more() -> None:
    """Threads that never end are bounded in number."""

    async def run() -> list[str]:
        caller, words = Caller(0.01), []
        for _ in range(MAX_HUNG + 2):
            with pytest.raises(TimeoutError) as error:
                await caller.call(time.sleep, 0.5)
            words.append(str(error.value))
        return words

    words = asyncio.run(run())

    assert 2 == sum("too many" in word for word in words)


def test_a_function_that_is_not_there_is_refused_when_the_agent_starts() -> None:
    """And not at a request."""
    with pytest.raises(Exception, match=r"cannot import 'tests\.test_sessions:nope'"):
        Bed(transform=["tests.test_sessions:nope"]).run(one(1))


def test_steps_and_sessions_cross_the_wall() -> None:
    """The agent has the same settings."""
    settings = load(
        {
            "shadow_url": "http://s",
            "key": "cookie:sid",
            "sessions": "rebind",
            "transform": [
                {"action": "set_json", "name": "/a", "value": {"b": [1]}},
                adds,
            ],
            "user": "jwt:sub",
        },
        environ={},
    )

    assert settings == from_wire(to_wire(settings))


def test_a_capture_without_its_secrets_replays_as_well() -> None:
    """Marks stand where cookies were; the same mark is the same session, login and all."""
    recording = Stage(sessions="rebind")
    known, mask = Continuity("cookie:sid"), Masker(recording.settings, Marks(b"k"))
    works = [Client(recording.live, name).work("tea") for name in ("alice", "bob")]
    kept = [mask(known.place(one)).exchange for work in works for one in work]
    assert "session-of" not in repr([one.key for one in kept])
    assert b"session-of" not in b"".join(
        value for one in kept if one.response for _, value in one.response.headers
    )

    stage = Stage(sessions="rebind")
    placed = Continuity("")
    stage.run(*(placed.place(one) for one in kept))

    assert ["match"] * 12 == stage.outcomes
    assert 0 == stage.shadow.mixed


@pytest.mark.parametrize("credentials", ["drop", "pass"])
def test_cookies_that_passed_the_wall_make_no_difference(credentials: str) -> None:
    """A capture that holds cookies has its sessions, whatever the target may get."""
    stage = Stage(sessions="rebind", credentials=credentials)
    client = Client(stage.live, "alice")
    client.passes = True

    stage.play(*client.work("tea"))

    assert ["match"] * 6 == stage.outcomes


def test_a_token_that_a_capture_holds_is_renamed_and_not_guessed() -> None:
    """With a CSRF cookie and another token in JSON, the header follows live's own."""
    stage = Stage(sessions="rebind")
    target = stage.settings.all_targets[0]
    sessions = Sessions(target, stage.settings)

    def said(side: str) -> Response:
        cookie = (b"Set-Cookie", f"csrftoken={side}-cookie-9Gk2QxW7; Path=/".encode())
        return answer({"csrf_token": f"{side}-token-b1F8sYt5QmZ3"}, cookie)

    token = (b"X-CSRF-Token", b"live-token-b1F8sYt5QmZ3")
    first = stage_exchange("1", "GET", "/me", said("live"))
    later = stage_exchange("2", "POST", "/items", Response(201), token)
    sent = sessions.prepare(first, first.request)
    asyncio.run(sessions.heard(first, sent, said("shadow")))
    bare = Request("POST", b"/items", b"", [], Body())

    headers = dict(sessions.prepare(later, bare).request.headers)

    assert b"shadow-token-b1F8sYt5QmZ3" == headers[b"x-csrf-token"]


def stage_exchange(
    number: str,
    method: str,
    path: str,
    response: Response,
    *headers: tuple[bytes, bytes],
) -> Exchange:
    """Return one exchange of one session."""
    request = Request(method, path.encode(), b"", list(headers), Body())
    return Exchange(
        id=number,
        at=1.0,
        request=request,
        response=response,
        timing=Timing(0, 1, 2),
        route=path,
        key="one",
    )
