"""The Django app of this service."""

from django.apps import AppConfig


class ServiceConfig(AppConfig):
    name = __package__
