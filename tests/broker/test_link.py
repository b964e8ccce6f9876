"""A real broker that asks who we are: certificates, nkeys, and what is said otherwise."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import nkeys
import pytest
import trustme

from shadow_middleware.broker.link import linked, part
from shadow_middleware.broker.stream import ensure_stream
from shadow_middleware.errors import BrokerError
from shadow_middleware.settings import load
from tests.nats import running_nats


class Guarded(NamedTuple):
    """A broker, and the files of who may come in."""

    url: str
    ca: str
    certificate: str
    key: str
    seed: str


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Run a broker that wants a certificate of its authority and a user's nkey."""
    folder = tmp_path_factory.mktemp("keys")
    authority = trustme.CA()
    server, client = authority.issue_cert("127.0.0.1"), authority.issue_cert("agent")
    files = {
        "ca": authority.cert_pem,
        "server": server.cert_chain_pems[0],
        "server_key": server.private_key_pem,
        "client": client.cert_chain_pems[0],
        "client_key": client.private_key_pem,
    }
    for name, pem in files.items():
        pem.write_to_path(str(folder / name))
    seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)
    public = nkeys.from_seed(bytearray(seed)).public_key.decode()
    (folder / "seed").write_bytes(seed)
    options = (
        f'tls {{ cert_file: "{folder}/server", key_file: "{folder}/server_key", '
        f'ca_file: "{folder}/ca", verify: true }}\n'
        f'authorization {{ users: [{{ nkey: "{public}" }}] }}'
    )
    with running_nats(options) as nats:
        yield Guarded(
            nats.url.replace("nats://", "tls://"),
            *(str(folder / one) for one in ("ca", "client", "client_key", "seed")),
        )


def stated(guarded: Guarded, **other: Any) -> dict[str, Any]:
    """Return settings that are let in, and what is to be otherwise."""
    return {
        "shadow_url": "http://127.0.0.1:9",
        "broker_url": guarded.url,
        "broker_ca": guarded.ca,
        "broker_certificate": guarded.certificate,
        "broker_certificate_key": guarded.key,
        "broker_credentials": guarded.seed,
        "broker_bytes": 2_000_000,
        "store_url": "sqlite:///never.db",
        "key": "header:x-user",
        **other,
    }


async def come_in(settings: dict[str, Any]) -> str:
    """Connect, make the stream, and return its name."""
    loaded = load(settings)
    async with linked(loaded, "test") as client:
        stream = await ensure_stream(client.jetstream(), loaded)
    return stream.name


def test_who_shows_certificate_and_nkey_is_let_in(guarded: Guarded) -> None:
    """The broker's certificate is checked by the authority that the settings name."""
    assert "SHADOW" == asyncio.run(come_in(stated(guarded)))


@pytest.mark.parametrize(
    "missing",
    ["broker_ca", "broker_certificate", "broker_credentials"],
)
def test_who_lacks_one_of_them_is_told_so(guarded: Guarded, missing: str) -> None:
    """Never let in, never an endless wait, and no secret in what is said."""
    settings = stated(guarded, **{missing: ""})
    if missing == "broker_certificate":
        settings["broker_certificate_key"] = ""

    with pytest.raises(BrokerError) as caught:
        asyncio.run(come_in(settings))

    assert "no broker at" in str(caught.value)
    assert Path(guarded.seed).read_text() not in str(caught.value)


def test_a_cluster_of_one_keeps_one_copy_only() -> None:
    """`broker_replicas` is asked for: a server that has no others says so."""
    with running_nats() as nats:
        settings = {
            "shadow_url": "http://127.0.0.1:9",
            "broker_url": nats.url,
            "broker_replicas": 3,
            "store_url": "sqlite:///never.db",
            "key": "header:x-user",
        }
        with pytest.raises(BrokerError, match="cannot be used"):
            asyncio.run(come_in(settings))


def test_a_client_that_would_never_close_keeps_nobody() -> None:
    """It waits for a broker that takes nothing; an agent has to end all the same."""
    asked = []

    class Stuck:
        async def close(self) -> None:
            asked.append(True)
            await asyncio.Event().wait()

    client: Any = Stuck()
    asyncio.run(part(client, 0.05))

    assert [True] == asked
