"""Routes about what people buy: orders, carts, shipments, refunds."""

from __future__ import annotations

from typing import Any

from benchmarks.corpus import noise, state
from benchmarks.corpus.catalogue import missing
from benchmarks.corpus.leg import Answer, Leg, Route

__all__ = ["ROUTES"]

STATES = ("paid", "packed", "shipped", "delivered", "refunded")


def _summary(leg: Leg) -> dict[str, Any]:
    pick = leg.pick
    return {
        "id": state.identity(pick),
        "number": state.code(pick, "O", 8),
        "status": pick.choice(STATES),
        "placed_at": state.instant(pick),
        "total": state.money(pick),
        "lines": pick.randrange(1, 9),
    }


def orders(leg: Leg) -> Answer:
    """The newest orders of a customer, newest first."""
    pick = leg.pick
    offset = 10 * pick.randrange(0, 8)
    body = {
        "orders": [_summary(leg) for _ in range(pick.randrange(4, 11))],
        "customer_id": state.identity(pick),
        "paging": {"offset": offset, "limit": 10, "has_more": pick.random() < 0.7},
        "as_of": noise.iso_millis(leg),
    }
    return Answer(body).header("cache-control", "private, no-store")


def order(leg: Leg) -> Answer:
    """One order with its lines; a refunded one says how much came back."""
    pick = leg.pick
    body: dict[str, Any] = _summary(leg)
    body["customer"] = state.person(pick)
    body["lines"] = [
        {
            "sku": state.code(pick, "SKU"),
            "quantity": pick.randrange(1, 6),
            "unit_price": state.amount(pick),
            "discount": round(pick.uniform(0, 0.3), 4) if pick.random() < 0.3 else None,
        }
        for _ in range(pick.randrange(1, 7))
    ]
    body["shipping"] = state.address(pick)
    body["tax"] = {"rate": 0.19, "amount": state.amount(pick, 4_000)}
    body["gift"] = pick.random() < 0.2
    body["notes"] = state.sentence(pick)
    body["events"] = [
        {"type": name, "at": state.instant(pick)} for name in ("placed", "paid")
    ]
    if body["status"] == "refunded":
        refund = {"reference": state.code(pick, "RF", 9), "reason": "damaged"}
        body["refund"] = refund | {"amount": state.amount(pick)}
    body["meta"] = {"request_id": noise.uuid(leg), "served_by": noise.pod(leg)}
    return Answer(body).header("etag", noise.etag(leg))


def place_order(leg: Leg) -> Answer:
    """A new order, or what is wrong with the request."""
    pick = leg.pick
    if pick.random() < 0.12:
        fields = pick.sample(("quantity", "sku", "postcode", "email"), 2)
        details = [{"field": name, "rule": "required"} for name in fields]
        body = {"error": {"code": "invalid", "details": details}}
        return Answer(body, status=422).header("cache-control", "no-store")
    number = noise.serial(leg)
    created = {
        "id": number,
        "status": "pending",
        "created_at": noise.iso_micros(leg),
        "payment": {
            "intent": noise.token(leg, 18),
            "client_secret": noise.hash_of_render(leg, 40),
            "expires_at": noise.epoch_seconds(leg, 1800),
            "methods": ["card", "transfer", "wallet"],
        },
        "total": state.money(pick),
        "confirmation_sent": True,
    }
    return Answer(created, status=201).header("location", f"/orders/{number}")


def tracking(leg: Leg) -> Answer:
    """Where a parcel is, and when it should come."""
    pick = leg.pick
    stops = [
        {"place": state.city(pick)[0], "at": state.instant(pick), "scan": "ok"}
        for _ in range(pick.randrange(2, 7))
    ]
    body = {
        "parcel": state.code(pick, "PX", 10),
        "stops": stops,
        "estimated_delivery": noise.iso_millis(leg, 3600 * pick.randrange(4, 60)),
        "weight_kg": round(pick.uniform(0.1, 30), 3),
        "signature_required": pick.random() < 0.4,
        "live_map": noise.own_url(leg, f"/map/{pick.randrange(10_000)}"),
    }
    return Answer(body).header("refresh", "30")


def invoice(leg: Leg) -> Answer:
    """An invoice with exact sums and a link to its file."""
    pick = leg.pick
    lines = [
        {
            "text": state.slug(pick),
            "net": state.amount(pick),
            "vat": round(state.amount(pick, 4_000), 2),
            "period": {"from": state.instant(pick), "to": state.instant(pick)},
        }
        for _ in range(pick.randrange(1, 6))
    ]
    body = {
        "number": state.code(pick, "INV", 7),
        "issued_at": state.instant(pick),
        "lines": lines,
        "sum": {"net": state.amount(pick), "gross": state.amount(pick)},
        "currency": state.currency(pick),
        "paid": pick.random() < 0.9,
        "pdf": noise.signed_url(leg, f"/invoices/{pick.randrange(99_999)}.pdf"),
    }
    return Answer(body).header("content-language", "en")


def cancel_order(leg: Leg) -> Answer:
    """Nothing to say, or why it cannot be done."""
    if leg.pick.random() < 0.2:
        return missing(leg, "already_shipped", "The parcel has left", status=409)
    return Answer(None, status=204)


def cart(leg: Leg) -> Answer:
    """A cart that expires half an hour from now."""
    pick = leg.pick
    lines = [
        {"product": state.product(pick), "quantity": pick.randrange(1, 5)}
        for _ in range(pick.randrange(1, 6))
    ]
    body = {
        "id": state.identity(pick),
        "lines": lines,
        "subtotal": state.money(pick),
        "coupon": state.code(pick, "CPN", 5) if pick.random() < 0.3 else None,
        "expires_at": noise.iso_micros(leg, 1800),
        "reserved_until": noise.epoch_seconds(leg, 600),
        "revision": noise.hash_of_render(leg, 40),
        "others_looking": noise.sampled(leg, 12),
    }
    cookie = f"cart={noise.token(leg)}; Path=/; HttpOnly; SameSite=Lax; Max-Age=1800"
    return Answer(body).header("set-cookie", cookie)


def shipments(leg: Leg) -> Answer:
    """What is on its way, by tracking codes that carriers make up."""
    pick = leg.pick
    moving = {
        state.code(pick, "PX", 9): {
            "carrier": pick.choice(("dpx", "poste", "kurier")),
            "legs": [state.city(pick)[1] for _ in range(3)],
            "insured": pick.random() < 0.5,
            "last_seen": noise.plain_time(leg),
            "cost": state.amount(pick, 5_000),
        }
        for _ in range(pick.randrange(2, 8))
    }
    return Answer({"shipments": moving, "count": len(moving)})


def refund(leg: Leg) -> Answer:
    """A refund and the steps that it took."""
    pick = leg.pick
    body = {
        "id": state.identity(pick),
        "order_id": state.identity(pick),
        "amount": state.money(pick),
        "steps": [
            {"name": name, "done": True, "at": state.instant(pick)}
            for name in ("requested", "received", "checked", "paid_out")
        ],
        "approved_by": state.person(pick)["email"],
        "trace": {
            "id": noise.hash_of_render(leg),
            "span": noise.hash_of_render(leg, 16),
        },
    }
    return Answer(noise.with_rare(leg, body, "bank_notice", "delayed by the bank"))


ROUTES = (
    Route("GET /orders", 7, orders),
    Route("GET /orders/{id}", 8, order),
    Route("POST /orders", 4, place_order),
    Route("GET /orders/{id}/tracking", 4, tracking),
    Route("GET /orders/{id}/invoice", 3, invoice),
    Route("DELETE /orders/{id}", 2, cancel_order),
    Route("GET /carts/{id}", 6, cart),
    Route("GET /shipments", 3, shipments),
    Route("GET /refunds/{id}", 2, refund),
)
