"""
Version 2, the rewrite under test: only the routes that it answers differently.

Each fault is planted on purpose and marked with its name in `planted.py`.
"""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from examples.fastapi_app import v1
from examples.fastapi_app.v1 import Shop, pages, product_or_404

__all__ = ["router"]

router = APIRouter()


@router.get("/")
def home(request: Request, shop: Shop) -> HTMLResponse:
    products = shop.rows("SELECT id, name FROM products ORDER BY id LIMIT 8")
    # PLANTED html-text: 50 became 60.
    context = {"products": products, "free_delivery_from": 60}
    return pages.TemplateResponse(request, "home.html", context)


@router.get("/products")
def products(shop: Shop, limit: int = 10) -> list[dict[str, Any]]:
    # PLANTED cache-header: Cache-Control is no longer set.
    return shop.rows("SELECT id, name, category FROM products LIMIT ?", limit)


@router.get("/products/{product_id}")
def product(shop: Shop, product_id: int) -> dict[str, Any]:
    found = product_or_404(shop, product_id)
    # PLANTED price-rounding: cut off, no longer rounded half up.
    cents = found["net_cents"] * 119 // 100
    return {"id": product_id, "name": found["name"], "price": cents / 100}


@router.get("/products/{product_id}/reviews")
def reviews(shop: Shop, product_id: int) -> dict[str, Any]:
    answer = v1.reviews(shop, product_id)
    for review in answer["reviews"]:
        del review["author"]  # PLANTED review-author: the field is gone.
    return answer


@router.get("/stock/{product_id}")
def stock(shop: Shop, product_id: int) -> dict[str, Any]:
    answer = v1.stock(shop, product_id)
    # PLANTED stock-type: the number became a string.
    return {**answer, "quantity": str(answer["quantity"])}


@router.get("/search")
def search(shop: Shop, q: str = "") -> dict[str, Any]:
    answer = v1.search(shop, q)
    # PLANTED search-order: by name, no longer by price.
    return {**answer, "hits": sorted(answer["hits"], key=lambda hit: str(hit["name"]))}


@router.get("/categories/{name}")
def category(shop: Shop, name: str) -> dict[str, Any]:
    found = shop.rows("SELECT id, name FROM products WHERE category = ?", name)
    if not found:
        # PLANTED not-found-status, not-found-body: 200 with an error inside.
        return {"error": "no such category"}
    # PLANTED category-count: a new field.
    return {"category": name, "products": found, "count": len(found)}


@router.get("/recommendations/{product_id}")
def recommendations(shop: Shop, product_id: int) -> dict[str, Any]:
    time.sleep(0.15)  # PLANTED slow-route: a query without its index.
    return v1.recommendations(shop, product_id)


@router.get("/prices.csv")
def prices(shop: Shop) -> StreamingResponse:
    found = shop.rows("SELECT id, name, net_cents FROM products ORDER BY id")
    # PLANTED csv-separator: semicolons.
    lines = (f"{row['id']};{row['name']};{row['net_cents']}\r\n" for row in found)
    return StreamingResponse(lines, media_type="text/csv")


@router.get("/basket")
def basket(response: Response) -> dict[str, Any]:
    # PLANTED cookie-flag: HttpOnly is gone.
    response.set_cookie("basket", "empty", samesite="lax")
    return {"items": []}
