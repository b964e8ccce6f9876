"""A secret that a client brings reaches neither the shadow, the store nor the log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadow_middleware import runtime
from shadow_middleware.testing import Received, Reply, ShadowServer, answering, collect
from tests.promises.staging import ALL_METHODS, counted, serving

WORDS = "hunter2secret"
CARD = "4111111111111111"
SECRETS = {
    "Authorization": f"Bearer {WORDS}-bearer",
    "proxy-authorization": f"Basic {WORDS}-basic",
    "COOKIE": f"session={WORDS}-session",
    "X-Api-Key": f"{WORDS}-key",
}
HOP_BY_HOP = {
    "Connection": "keep-alive, X-Internal",
    "X-Internal": "of this hop",
    "Keep-Alive": "timeout=5",
    "TE": "trailers",
    "Upgrade": "h2c",
}


def test_no_credential_reaches_a_shadow_by_default() -> None:
    """W20: nor what speaks of the connection to live only."""
    with (
        ShadowServer() as shadow,
        serving(shadow_url=shadow.url, store_url="") as live,
    ):
        live.ask(headers={**SECRETS, **HOP_BY_HOP, "X-Kept": "yes"})
        (seen,) = shadow.wait_for(1)
        names = {name.lower() for name, _ in seen.headers}
        withheld = {name.lower().encode() for name in (*SECRETS, *HOP_BY_HOP)}

        assert b"x-kept" in names
        assert set() == names & withheld
        assert WORDS not in repr(seen)


def document(side: str) -> bytes:
    """Return an answer full of secrets, and one value that differs."""
    held = {"password": f"{WORDS}-{side}", "note": f"card {CARD}", "side": side}
    return json.dumps({**held, "nested": [{"api_key": f"{WORDS}{side}"}]}).encode()


async def leaky(scope: Any, receive: Any, send: Any) -> None:
    """Answer with secrets, as real apps do."""
    while (await receive()).get("more_body"):
        pass
    head = [
        (b"content-type", b"application/json"),
        (b"set-cookie", b"session=%b-live; Path=/" % WORDS.encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": document("live")})


@pytest.mark.parametrize("credentials", ["drop", "pass"])
def test_no_secret_rests_in_store_log_or_signal(
    credentials: str, store: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """W24, W57: headers, queries, forms, JSON and cookies of both sides."""
    other = (
        (b"Content-Type", b"application/json"),
        (b"Set-Cookie", b"session=%b-shadow; Path=/" % WORDS.encode()),
    )
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    with (
        ShadowServer(Reply(200, other, document("shadow"))) as shadow,
        collect() as outcomes,
        serving(
            leaky,
            shadow_url=shadow.url,
            store_url=store,
            methods=ALL_METHODS,
            credentials=credentials,
            secret=f"{WORDS}-of-ours",
        ) as live,
    ):
        query = f"/?token={WORDS}-query&q={quote('p=' + CARD)}"
        live.ask("GET", query, SECRETS)
        live.ask("POST", query, SECRETS | form, b"password=%b" % WORDS.encode())
        live.ask("POST", query, SECRETS, document("request"))
        outcomes.wait_for(3)
        assert runtime.shutdown(90.0)

    told = capfd.readouterr()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert {("shadow", "divergence"): 3} == counted(store)
    assert b"/side" in kept
    assert 3 == told.err.count("divergence on shadow")
    for secret in (WORDS, CARD):
        assert secret.encode() not in kept
        assert secret not in told.err + told.out
        assert secret not in repr(outcomes.divergences + outcomes.finished)


USERS = ["ann", "bob", "cleo"]


def greeting(received: Received) -> Reply:
    """Answer with things that a browser would bring back the next time."""
    user = received.target.strip(b"/")
    return Reply(
        200,
        (
            (b"Set-Cookie", b"shadow-session=%b; Path=/" % user),
            (b"WWW-Authenticate", b'Basic realm="%b"' % user),
            (b"ETag", b'"%b"' % user),
        ),
        user,
    )


def test_nothing_of_one_user_is_in_the_replay_of_another() -> None:
    """W23, W54: whoever comes in what order, with credentials that are passed on."""
    with (
        ShadowServer(answering(greeting)) as shadow,
        serving(
            shadow_url=shadow.url,
            engine="thread",
            store_url="",
            methods=ALL_METHODS,
            credentials="pass",
            key="cookie:user",
        ) as live,
    ):

        @settings(max_examples=15)
        @given(st.lists(st.sampled_from(USERS), min_size=2, max_size=12))
        def each_brings_only_its_own(visits: list[str]) -> None:
            shadow.clear()
            for user in visits:
                own = {"Cookie": f"user={user}", "Authorization": f"Bearer {user}"}
                live.ask("POST", f"/{user}", own, user.encode())
            for seen in shadow.wait_for(len(visits)):
                mine = seen.target.strip(b"/").decode()
                others = [user for user in USERS if user != mine]
                cookies = [v for n, v in seen.headers if n.lower() == b"cookie"]
                assert [f"user={mine}".encode()] == cookies
                assert mine.encode() == seen.body
                assert [] == [user for user in others if user in repr(seen.headers)]

        each_brings_only_its_own()
