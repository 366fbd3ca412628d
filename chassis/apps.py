"""The Django app of the chassis."""

from django.apps import AppConfig


class ChassisConfig(AppConfig):
    name = __package__

    def ready(self) -> None:
        from . import checks  # noqa: F401  (registers the system checks; they need the models, which are loaded now)
