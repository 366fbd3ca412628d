#!/usr/bin/env python
"""Django's command line. In development without DATABASE_URL it starts the embedded PostgreSQL first."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
# These touch no table; waiting a second for a database to start would only slow them down.
WITHOUT_DATABASE = {"token", "spectacular", "collectstatic", "help", "version"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    development = os.environ.get("CAREWAY_ENVIRONMENT") == "development"
    if development and not os.environ.get("DATABASE_URL") and not WITHOUT_DATABASE & set(sys.argv[1:2]):
        from chassis.postgres import start_embedded  # a package of development, which the image does not have

        os.environ["DATABASE_URL"] = start_embedded(ROOT / ".careway" / "postgres")
    # Only now: what Django loads may read the variables above.
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as fault:
        sys.exit(str(fault))  # the message names what to set; a traceback would only bury it


if __name__ == "__main__":
    main()
