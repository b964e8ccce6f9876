"""Subscribes the alert when Django starts: the usual place for signal handlers."""

from __future__ import annotations

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    """An app that does nothing but listen."""

    name = "examples.django_app.alerts"

    def ready(self) -> None:
        """Start to listen; the signal keeps only a weak reference to the receiver."""
        from examples.django_app.alerts import alert
        from shadow_middleware.signals import divergence_found

        divergence_found.connect(alert)
