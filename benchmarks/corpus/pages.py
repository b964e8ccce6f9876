"""HTML pages as templates write them: forms, tables, nonces, footers."""

from __future__ import annotations

from html import escape

from benchmarks.corpus import noise, state
from benchmarks.corpus.leg import Answer, Leg, Route

__all__ = ["ROUTES"]

BANNERS = (
    "Free delivery this week",
    "New: the walnut series",
    "Sign up and save ten per cent",
)


def _page(leg: Leg, title: str, body: list[str]) -> Answer:
    once = noise.nonce(leg)
    lines = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '  <meta charset="utf-8">',
        f"  <title>{escape(title)} | Shop</title>",
        '  <link rel="stylesheet" href="/static/shop.5c1f.css">',
        f'  <script nonce="{once}" src="/static/shop.88ad.js"></script>',
        "</head>",
        "<body>",
        "  <nav>",
        '    <a href="/">Home</a>',
        '    <a href="/products">Products</a>',
        '    <a href="/account">Account</a>',
        '    <a href="/help/contact">Contact</a>',
        "  </nav>",
        *(f"  {line}" for line in body),
        "  <footer>",
        '    <a href="/imprint">Imprint</a>',
        f"    <p>Rendered by {noise.pod(leg)} in {noise.elapsed_ms(leg)} ms</p>",
        f"    <p>{noise.plain_time(leg)} UTC</p>",
        "  </footer>",
        "</body>",
        "</html>",
    ]
    policy = f"default-src 'self'; script-src 'nonce-{once}'"
    return (
        Answer(lines, "html")
        .header("content-security-policy", policy)
        .header("x-frame-options", "DENY")
        .header("referrer-policy", "same-origin")
    )


def _form(leg: Leg, action: str, *fields: str) -> list[str]:
    hidden = f'<input type="hidden" name="csrf_token" value="{noise.csrf_token(leg)}">'
    return [
        f'<form method="post" action="{action}">',
        f"  {hidden}",
        *(f"  {field}" for field in fields),
        '  <button type="submit">Send</button>',
        "</form>",
    ]


def home(leg: Leg) -> Answer:
    """The first page, with a banner of the moment."""
    pick = leg.pick
    body = [f'<div class="banner">{noise.one_of(leg, BANNERS)}</div>', "<ul>"]
    for _ in range(pick.randrange(4, 9)):
        found = state.product(pick)
        price = f"{found['price']['amount']:.2f} {found['price']['currency']}"
        link = f'<a href="/p/{found["id"]}">{found["name"]}</a>'
        body.append(f"  <li>{link} <b>{price}</b></li>")
    body += ["</ul>", *_form(leg, "/subscribe", '<input name="email">')]
    return _page(leg, "Home", body).header("cache-control", "private, max-age=10")


def login_page(leg: Leg) -> Answer:
    """The form to sign in with."""
    fields = (
        '<input name="username" autocomplete="username">',
        '<input name="password" type="password">',
        f'<input type="hidden" name="next" value="/p/{leg.pick.randrange(9_000)}">',
    )
    cookie = (
        f"csrftoken={noise.csrf_token(leg)}; Path=/; Secure; HttpOnly; SameSite=Lax"
    )
    page = _page(leg, "Sign in", ["<h1>Sign in</h1>", *_form(leg, "/login", *fields)])
    return page.header("set-cookie", cookie)


def account(leg: Leg) -> Answer:
    """Somebody's own page with a table of orders."""
    pick = leg.pick
    user = state.person(pick)
    body = [f"<h1>Welcome, {escape(user['name'])}</h1>", "<table>"]
    for _ in range(pick.randrange(2, 8)):
        cells = (
            state.code(pick, "O", 8),
            state.instant(pick),
            f"{state.amount(pick):.2f}",
        )
        body.append(f"  <tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    body += [
        "</table>",
        f"<p>{escape(state.sentence(pick))}</p>",
        f'<a href="/logout?token={noise.token(leg)}">Sign out</a>',
    ]
    if noise.maybe(leg, 0.3):
        body.append('<p class="hint">You have new messages</p>')
    return _page(leg, "Account", body).header("cache-control", "private, no-store")


def product_page(leg: Leg) -> Answer:
    """A product as people see it."""
    pick = leg.pick
    found = state.product(pick)
    image = noise.signed_url(leg, f"/images/{found['id']}.jpg")
    body = [
        f"<h1>{escape(found['name'])}</h1>",
        f'<img src="{escape(image)}" alt="{escape(found["name"])}">',
        f'<p class="price">{found["price"]["amount"]:.2f} {found["price"]["currency"]}</p>',
        f"<p>{escape(state.sentence(pick))}</p>",
        f'<p class="stock">{found["stock"]} in stock</p>',
        f'<p class="viewers">{noise.sampled(leg, 30)} people are looking</p>',
        *_form(leg, f"/carts/add/{found['id']}", '<input name="quantity" value="1">'),
    ]
    return _page(leg, found["name"], body)


def help_page(leg: Leg) -> Answer:
    """A page of text that changes with releases only, but for its frame."""
    pick = leg.pick
    body = ["<article>"]
    for number in range(pick.randrange(3, 9)):
        body.append(f"  <h2>{number + 1}. {escape(state.sentence(pick)[:24])}</h2>")
        body.append(f"  <p>{escape(state.sentence(pick))}.</p>")
    body += ["</article>", f'<a href="mailto:{state.slug(pick)}@shop.example">Ask</a>']
    return _page(leg, "Help", body).header("cache-control", "public, max-age=600")


def checkout(leg: Leg) -> Answer:
    """The last form before an order."""
    pick = leg.pick
    total = state.money(pick)
    where = state.address(pick)
    fields = (
        f'<input type="hidden" name="order" value="{state.identity(pick)}">',
        f'<input type="hidden" name="attempt" value="{noise.uuid(leg)}">',
        f'<input name="street" value="{escape(where["street"])}">',
        f'<input name="city" value="{where["city"]}">',
        f"<output>{total['amount']:.2f} {total['currency']}</output>",
    )
    body = ["<h1>Checkout</h1>", *_form(leg, "/checkout/confirm", *fields)]
    return _page(leg, "Checkout", body).header("cache-control", "no-store")


def moved(leg: Leg) -> Answer:
    """A short address that leads to a long one."""
    target = f"/p/{state.slug(leg.pick)}/"
    lines = [f'<p>Moved to <a href="{target}">here</a>', f"<!-- {noise.uuid(leg)} -->"]
    return Answer(lines, "html", status=301).header("location", target)


ROUTES = (
    Route("GET /", 9, home),
    Route("GET /login", 4, login_page),
    Route("GET /account", 5, account),
    Route("GET /p/{slug}", 7, product_page),
    Route("GET /help/{page}", 3, help_page),
    Route("GET /checkout", 4, checkout),
    Route("GET /s/{short}", 3, moved),
)
