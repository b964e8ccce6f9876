"""The tables of the bookshop."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

__all__ = ["Book", "Order", "OutgoingMail", "Review"]


class Book(models.Model):
    """A book, its net price in cents, and how many are left."""

    title = models.CharField(max_length=100)
    author = models.CharField(max_length=100)
    genre = models.SlugField()
    net_cents = models.IntegerField()
    copies = models.IntegerField()

    class Meta:
        """Stable order everywhere."""

        ordering: ClassVar = ["pk"]


class Review(models.Model):
    """What a reader says of a book."""

    book = models.ForeignKey(Book, on_delete=models.CASCADE)
    reader = models.CharField(max_length=100)
    stars = models.IntegerField()

    class Meta:
        """Stable order everywhere."""

        ordering: ClassVar = ["pk"]


class Order(models.Model):
    """Somebody wants a book."""

    book = models.ForeignKey(Book, on_delete=models.CASCADE)
    copies = models.IntegerField()


class OutgoingMail(models.Model):
    """Written after the answer has gone out."""

    message = models.TextField()
