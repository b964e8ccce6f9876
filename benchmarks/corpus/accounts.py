"""Routes about people: signing in, profiles, rights, messages."""

from __future__ import annotations

from benchmarks.corpus import noise, state
from benchmarks.corpus.catalogue import missing
from benchmarks.corpus.leg import Answer, Leg, Route

__all__ = ["ROUTES"]

RIGHTS = [
    "orders.read",
    "orders.write",
    "users.read",
    "users.write",
    "refunds.pay",
    "reports.read",
]


def login(leg: Leg) -> Answer:
    """A session and a token, or the refusal."""
    pick = leg.pick
    user = state.person(pick)
    if pick.random() < 0.15:
        return missing(leg, "bad_credentials", "Wrong name or password", 401).header(
            "www-authenticate", 'Bearer realm="shop"'
        )
    body = {
        "access_token": noise.jwt(leg, user["id"]),
        "refresh_token": noise.token(leg, 48),
        "token_type": "Bearer",
        "expires_in": 900,
        "user": user,
    }
    session = f"session={noise.token(leg)}; Path=/; Secure; HttpOnly; SameSite=Strict"
    seen = f"seen={noise.epoch_seconds(leg)}; Path=/; Max-Age=31536000"
    return (
        Answer(body)
        .header("set-cookie", session)
        .header("set-cookie", seen)
        .header("cache-control", "no-store")
        .header("pragma", "no-cache")
    )


def refresh(leg: Leg) -> Answer:
    """A new token for an old one."""
    body = {
        "access_token": noise.jwt(leg, state.identity(leg.pick)),
        "scope": "orders.read profile",
        "issued_at": noise.epoch_seconds(leg),
        "expires_at": noise.iso_millis(leg, 900),
    }
    return Answer(body).header("cache-control", "no-store")


def me(leg: Leg) -> Answer:
    """The caller's own profile, with a token for forms."""
    pick = leg.pick
    body = state.person(pick) | {
        "preferences": {
            "theme": pick.choice(("dark", "light")),
            "newsletter": pick.random() < 0.3,
            "currency": state.currency(pick),
            "page_size": pick.choice((10, 25, 50)),
        },
        "timezone": pick.choice(("Europe/Lisbon", "Asia/Osaka", "UTC")),
        "last_seen": noise.iso_micros(leg),
        "csrf_token": noise.csrf_token(leg),
        "unread": pick.randrange(0, 30),
        "address": state.address(pick),
    }
    cookie = f"csrftoken={noise.csrf_token(leg)}; Path=/; Secure; SameSite=Lax"
    return Answer(body).header("set-cookie", cookie).header("vary", "Cookie")


def user(leg: Leg) -> Answer:
    """Somebody's public profile, or nobody of that number."""
    pick = leg.pick
    found = state.person(pick)
    if pick.random() < 0.08:
        return missing(leg, "user_not_found", "No such user")
    body = found | {
        "organisation": {"id": state.identity(pick), "role": pick.choice(RIGHTS)},
        "avatar": noise.signed_url(leg, f"/avatars/{found['id']}.png"),
        "followers": pick.randrange(0, 9_000),
        "balance": state.amount(pick),
        "badges": [pick.choice(state.LOOKS) for _ in range(3)],
    }
    return Answer(body).header("etag", noise.etag(leg))


def users(leg: Leg) -> Answer:
    """A page of users, by name."""
    pick = leg.pick
    body = {
        "data": [state.person(pick) for _ in range(pick.randrange(4, 10))],
        "meta": {
            "total": pick.randrange(100, 5_000),
            "cursor": noise.token(leg),
            "query_ms": noise.elapsed_ms(leg),
        },
    }
    return Answer(body).header("x-ratelimit-remaining", str(noise.sampled(leg, 900)))


def permissions(leg: Leg) -> Answer:
    """What somebody may do; the roles are a set."""
    pick = leg.pick
    body = {
        "user_id": state.identity(pick),
        "roles": noise.set_order(leg, pick.sample(RIGHTS, 4)),
        "can": {name.replace(".", "_"): pick.random() < 0.5 for name in RIGHTS},
        "policy": {"version": 7, "digest": noise.hash_of_render(leg, 64)},
        "granted_at": state.instant(pick),
    }
    return Answer(body)


def sessions(leg: Leg) -> Answer:
    """Where somebody is signed in."""
    pick = leg.pick
    rows = [
        {
            "id": state.identity(pick),
            "ip": f"10.{pick.randrange(256)}.{pick.randrange(256)}.7",
            "agent": pick.choice(("Firefox 132", "Chrome 130", "Safari 18")),
            "started_at": state.instant(pick),
            "current": number == 0,
        }
        for number in range(pick.randrange(1, 6))
    ]
    rows[0]["last_seen"] = noise.plain_time(leg)
    return Answer({"sessions": rows, "audit_id": noise.ulid(leg)})


def notifications(leg: Leg) -> Answer:
    """What happened since, with a counter that other devices move."""
    pick = leg.pick
    rows = [
        {
            "id": 7_205_759_403_792_793_600 + pick.randrange(10**9),
            "kind": pick.choice(("order", "message", "system")),
            "read": pick.random() < 0.5,
            "at": state.instant(pick),
            "link": noise.own_url(leg, f"/go/{pick.randrange(10_000)}"),
        }
        for _ in range(pick.randrange(2, 9))
    ]
    body = {
        "notifications": rows,
        "unread": noise.sampled(leg, 40),
        "next_poll": noise.epoch_millis(leg, 30),
        "tip": noise.one_of(leg, ("Try the app", "Invite a friend", "Free returns")),
    }
    return Answer(body)


def messages(leg: Leg) -> Answer:
    """A thread of messages in the order in which they were written."""
    pick = leg.pick
    writer, reader = state.person(pick), state.person(pick)
    rows = [
        {
            "id": 1_152_921_504_606_846_976 + pick.randrange(10**12),
            "from": pick.choice((writer, reader))["id"],
            "text": state.sentence(pick),
            "sent_at": state.instant(pick),
            "edited": pick.random() < 0.1,
            "attachments": [],
        }
        for _ in range(pick.randrange(3, 10))
    ]
    body = {
        "thread": state.code(pick, "T", 9),
        "participants": [writer, reader],
        "messages": rows,
        "presence": {"online": noise.maybe(leg, 0.5), "at": noise.epoch_millis(leg)},
        "watermark": noise.serial(leg),
    }
    return Answer(body)


def flags(leg: Leg) -> Answer:
    """Which features are on, and which variant this answer drew."""
    pick = leg.pick
    names = pick.sample([f"{a}_{b}" for a in state.LOOKS for b in state.THINGS], 12)
    body = {
        "flags": noise.map_order(leg, {name: pick.random() < 0.5 for name in names}),
        "bucket": pick.randrange(100),
        "experiment": {
            "name": "checkout",
            "variant": noise.one_of(leg, ("a", "b", "c")),
        },
        "evaluated_at": noise.iso_millis(leg),
    }
    return Answer(body).header("cache-control", "private, max-age=30")


ROUTES = (
    Route("POST /login", 5, login),
    Route("POST /token/refresh", 3, refresh),
    Route("GET /me", 8, me),
    Route("GET /users/{id}", 6, user),
    Route("GET /users", 3, users),
    Route("GET /users/{id}/permissions", 3, permissions),
    Route("GET /users/{id}/sessions", 2, sessions),
    Route("GET /notifications", 6, notifications),
    Route("GET /messages/{thread}", 4, messages),
    Route("GET /feature-flags", 5, flags),
)
