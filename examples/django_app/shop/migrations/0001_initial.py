"""The first tables of the bookshop."""

from __future__ import annotations

from typing import Any, ClassVar

import django.db.models.deletion
from django.db import migrations, models


def _key() -> Any:
    return models.BigAutoField(
        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
    )


def _book() -> Any:
    return models.ForeignKey(
        on_delete=django.db.models.deletion.CASCADE, to="shop.book"
    )


class Migration(migrations.Migration):
    """Creates everything."""

    initial = True
    dependencies: ClassVar = []
    operations: ClassVar = [
        migrations.CreateModel(
            name="Book",
            fields=[
                ("id", _key()),
                ("title", models.CharField(max_length=100)),
                ("author", models.CharField(max_length=100)),
                ("genre", models.SlugField()),
                ("net_cents", models.IntegerField()),
                ("copies", models.IntegerField()),
            ],
            options={"ordering": ["pk"]},
        ),
        migrations.CreateModel(
            name="OutgoingMail",
            fields=[("id", _key()), ("message", models.TextField())],
        ),
        migrations.CreateModel(
            name="Order",
            fields=[
                ("id", _key()),
                ("copies", models.IntegerField()),
                ("book", _book()),
            ],
        ),
        migrations.CreateModel(
            name="Review",
            fields=[
                ("id", _key()),
                ("reader", models.CharField(max_length=100)),
                ("stars", models.IntegerField()),
                ("book", _book()),
            ],
            options={"ordering": ["pk"]},
        ),
    ]
