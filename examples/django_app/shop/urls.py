"""The routes of version 1."""

from __future__ import annotations

from django.urls import path

from examples.django_app.shop import views

urlpatterns = [
    path("", views.home, name="home"),
    path("contact/", views.contact, name="contact"),
    path("books/", views.books),
    path("books/<int:pk>/", views.book),
    path("books/<int:pk>/reviews/", views.reviews),
    path("stock/<int:pk>/", views.stock),
    path("search/", views.search),
    path("genres/<slug:slug>/", views.genre),
    path("bestsellers/", views.bestsellers),
    path("prices.csv", views.prices),
    path("export/", views.export),
    path("events/", views.events),
    path("guide/", views.guide),
    path("login/", views.log_in),
    path("account/", views.account),
    path("basket/", views.basket),
    path("orders/", views.orders),
    path("orders/<int:pk>/", views.order),
    path("status/", views.status),
]
