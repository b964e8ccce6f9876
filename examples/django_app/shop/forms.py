"""The form on the contact page, and the one that checks an order."""

from __future__ import annotations

from django import forms

from examples.django_app.shop.models import Book

__all__ = ["ContactForm", "OrderForm"]


class ContactForm(forms.Form):
    """A message to the shop."""

    message = forms.CharField(max_length=500)


class OrderForm(forms.Form):
    """A book and how many copies of it."""

    book = forms.ModelChoiceField(Book.objects.all())
    copies = forms.IntegerField(min_value=1)
