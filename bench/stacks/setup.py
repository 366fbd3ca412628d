"""Django's settings for a stack that is one file."""

from __future__ import annotations

import os
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit

import django
from django.conf import settings


def configure(urls: str, apps: list[str], **others: Any) -> None:
    """What `django-admin startproject` writes, without sessions and pages; each thread keeps its connection."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    settings.configure(
        SECRET_KEY=token_hex(),
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=urls,
        USE_TZ=True,
        TIME_ZONE="UTC",
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", *apps],
        MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": parts.path[1:],
                "HOST": parts.hostname,
                "PORT": parts.port,
                "USER": parts.username,
                "PASSWORD": parts.password,
                "CONN_MAX_AGE": None,
            }
        },
        **others,
    )
    django.setup()
