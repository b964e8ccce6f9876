"""The routes of version 2: its own views first, the rest from version 1."""

from __future__ import annotations

from django.urls import path

from examples.django_app.shop import urls, views_v2

urlpatterns = [
    path("", views_v2.home, name="home"),
    path("books/", views_v2.books),
    path("books/<int:pk>/", views_v2.book),
    path("books/<int:pk>/reviews/", views_v2.reviews),
    path("stock/<int:pk>/", views_v2.stock),
    path("search/", views_v2.search),
    path("genres/<slug:slug>/", views_v2.genre),
    path("bestsellers/", views_v2.bestsellers),
    path("prices.csv", views_v2.prices),
    path("basket/", views_v2.basket),
    *urls.urlpatterns,
]
