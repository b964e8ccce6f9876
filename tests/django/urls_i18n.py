"""URL patterns that depend on the language."""

from __future__ import annotations

from django.conf.urls.i18n import i18n_patterns
from django.urls import path
from django.utils.translation import gettext_lazy as _

from tests.django.urls import show

urlpatterns = [
    *i18n_patterns(path("items/<int:number>/", show)),
    path(_("Monday"), show),
]
