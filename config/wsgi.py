"""The application object that gunicorn serves, whole: no first request waits for what has yet to be imported."""

import gc
import os

# Nearly all that is made from here on stays. To look through it for garbage, again and again, takes a fifth of the start;
# and later, every full collection would stop the worker for 50 ms. What was made by then is left out of them.
gc.disable()

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import get_resolver  # noqa: E402

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
get_resolver().url_patterns  # noqa: B018  (imports the routes, and the views behind them)
gc.freeze()
gc.enable()
