"""Every change the tables went through, in order; Alembic walks them."""

from __future__ import annotations
