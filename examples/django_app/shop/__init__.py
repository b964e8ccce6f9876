"""The bookshop itself: models, views, forms. Nothing here knows of shadowing."""

from __future__ import annotations
