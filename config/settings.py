"""Every setting, read once. The only reader of os.environ (with manage.py and config/wsgi.py, which name this file).

What only one service needs is read where that service is served, and exists nowhere else.
"""

import os
from pathlib import Path
from typing import Any

from django.utils.module_loading import import_string

from chassis.development import development_issuers
from chassis.environment import Environment
from chassis.issuers import Issuer, parse_issuers
from chassis.logs import logging_configuration

ROOT = Path(__file__).resolve().parent.parent
# What the checkout writes in development: database, keys, demo data. Git ignores it.
STATE = ROOT / ".careway"

env = Environment(os.environ)
_environment = env.text(
    "CAREWAY_ENVIRONMENT",
    "Development makes its own key, trusts it, and needs none of the required variables.",
    default="production",
    choices=["production", "development"],
)
DEVELOPMENT = _environment == "development"

# --- Services ---------------------------------------------------------------------------------------------------------
# Each with the scopes it knows; tokens of development hold them all when nobody narrows them.
AVAILABLE_SERVICES = {"genomics": ["read", "write", "sign"], "clinical": ["read", "write"]}
_services = env.words(
    "CAREWAY_SERVICES",
    "The services this process serves, separated by commas.",
    default=list(AVAILABLE_SERVICES),
    shown="all of this build",
)
SERVICES = list(dict.fromkeys(_services))
for unknown in sorted(set(SERVICES) - set(AVAILABLE_SERVICES)):
    env.fault("CAREWAY_SERVICES", f"names {unknown}; this build has {', '.join(AVAILABLE_SERVICES)}")
SERVICES = [name for name in SERVICES if name in AVAILABLE_SERVICES]
if not SERVICES:
    env.fault("CAREWAY_SERVICES", f"names no service; this build has {', '.join(AVAILABLE_SERVICES)}")
SCOPES = [f"{name}:{right}" for name in SERVICES for right in AVAILABLE_SERVICES[name]] + ["history:read"]
VERSION = env.text(
    "CAREWAY_VERSION",
    "The version that `/` and the OpenAPI document show.",
    default="0.1.0",
    shown="the version in the code",
)

INSTALLED_APPS = [
    # Nothing of ours uses these two: django-pghistory's migrations refer to a user.
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.staticfiles",
    "pgtrigger",
    "pghistory",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "chassis",
    *SERVICES,
]

# --- Security ---------------------------------------------------------------------------------------------------------
DEBUG = False  # never: a debug page shows patients' data
SECRET_KEY = env.secret(
    "CAREWAY_SECRET_KEY",
    "Signs the cursors of lists. Another key makes old cursors invalid, nothing else.",
    bounds="at least 32 characters",
) or ("development-only-" * 4 if DEVELOPMENT else "")
if len(SECRET_KEY) < 32:
    env.fault("CAREWAY_SECRET_KEY", "is required and has at least 32 characters (it signs the cursors of lists)")
    SECRET_KEY = "-" * 32
ALLOWED_HOSTS = env.words(
    "CAREWAY_ALLOWED_HOSTS",
    "The host names that clients use, separated by commas. Another one is answered 400 on every route but the probes.",
    default=["localhost", "127.0.0.1", "[::1]"] if DEVELOPMENT else [],
    shown="required",
)
if not ALLOWED_HOSTS:
    env.fault("CAREWAY_ALLOWED_HOSTS", "is required: the host names that clients use, separated by commas")
_behind_tls_proxy = env.flag(
    "CAREWAY_BEHIND_TLS_PROXY",
    "A proxy that ends TLS sets `X-Forwarded-Proto`, and removes it from what clients send. Links are then `https`, and"
    " HSTS is sent.",
    default=False,
)
if _behind_tls_proxy:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000

# Who may issue tokens: a list of issuers, see docs/operating.md. In development it is a key made on first start.
DEVELOPMENT_KEY = STATE / "development-key.json"
_issuers = env.json("CAREWAY_TRUSTED_ISSUERS", "Who may issue tokens: see below.", bounds="at least one")
if _issuers is None and DEVELOPMENT:
    _issuers = development_issuers(DEVELOPMENT_KEY)
TRUSTED_ISSUERS: tuple[Issuer, ...] = ()
if _issuers is None:
    if not any(fault.startswith("CAREWAY_TRUSTED_ISSUERS") for fault in env.faults):
        env.fault("CAREWAY_TRUSTED_ISSUERS", "is required: a JSON list of trusted token issuers")
else:
    TRUSTED_ISSUERS, _faults = parse_issuers(_issuers, development=DEVELOPMENT)
    for fault in _faults:
        env.fault("CAREWAY_TRUSTED_ISSUERS", fault)

# --- Database ---------------------------------------------------------------------------------------------------------
_database: dict[str, Any] | None = env.database(
    "DATABASE_URL",
    "`postgresql://user:password@host:5432/database`; options of libpq such as `?sslmode=verify-full` may follow.",
)
POOLED_ELSEWHERE = env.flag(
    "CAREWAY_TRANSACTION_POOLER",
    "A pooler in transaction mode stands before the database: nothing is prepared on the server.",
    default=False,
)
LOCK_TIMEOUT_SECONDS = env.integer(
    "CAREWAY_LOCK_TIMEOUT_SECONDS", "How long a statement waits for a lock.", default=5, minimum=1, maximum=60
)
STATEMENT_TIMEOUT_SECONDS = env.integer(
    "CAREWAY_STATEMENT_TIMEOUT_SECONDS",
    "How long a statement may take. Ingestions and exports are excepted.",
    default=15,
    minimum=1,
    maximum=600,
)
WORKERS = env.integer("CAREWAY_WORKERS", "Worker processes.", default=1, minimum=1, maximum=64)
THREADS = env.integer(
    "CAREWAY_THREADS",
    "Threads of a worker; also its largest number of database connections.",
    default=4,
    minimum=1,
    maximum=64,
)
if _database is None and not DEVELOPMENT and not any(fault.startswith("DATABASE_URL") for fault in env.faults):
    env.fault("DATABASE_URL", "is required: postgresql://user:password@host:5432/database")
_database = _database or {"ENGINE": "django.db.backends.postgresql", "NAME": "careway"}
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **_database,
        "ENGINE": "chassis.postgresql",
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **_database.get("OPTIONS", {}),
            "application_name": "careway",
            "connect_timeout": 3,
            # One connection a thread; a request that waits longer than this is answered 503 rather than queued for ever.
            "pool": {"min_size": 1, "max_size": THREADS, "timeout": 5},
            # Server-side binding lets psycopg prepare what it repeats; a transaction pooler would lose the plans.
            "server_side_binding": True,
            "prepare_threshold": None if POOLED_ELSEWHERE else 5,
            "options": (
                f"-c lock_timeout={LOCK_TIMEOUT_SECONDS}s -c statement_timeout={STATEMENT_TIMEOUT_SECONDS}s"
                " -c idle_in_transaction_session_timeout=60s"
            ),
        },
        "TEST": {"NAME": "careway_test"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# An index may have a name of 30 characters, for another database's sake. PostgreSQL has 63, and a test counts them.
SILENCED_SYSTEM_CHECKS = ["models.E034"]

# --- HTTP -------------------------------------------------------------------------------------------------------------
PORT = env.integer(
    "CAREWAY_PORT",
    "The port that is served: in development on 127.0.0.1, else on every address of the host, IPv6 and IPv4. gunicorn's"
    " `--bind` goes before it.",
    default=8000,
    minimum=1,
    maximum=65_535,
)
ROOT_URLCONF = "config.urls"
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
MIDDLEWARE = [
    "chassis.requests.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
STATIC_URL = "/static/"
STATIC_ROOT = ROOT / "static"
if DEVELOPMENT:
    STATIC_ROOT = STATE / "static"  # empty, and there: WhiteNoise warns of a missing folder
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)
# In development the documentation page's files come straight from their package; the image collects them at build.
WHITENOISE_USE_FINDERS = DEVELOPMENT
WHITENOISE_AUTOREFRESH = False
MAX_BODY_BYTES = env.integer(
    "CAREWAY_MAX_BODY_BYTES", "The largest JSON body.", default=1_048_576, minimum=1024, maximum=33_554_432
)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
BODY_IDLE_SECONDS = env.integer(
    "CAREWAY_BODY_IDLE_SECONDS",
    "How long a body may pause. (JSON has five minutes in all.)",
    default=10,
    minimum=1,
    maximum=300,
)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["chassis.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["chassis.permissions.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["chassis.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["chassis.renderers.JSONRenderer"],
    "DEFAULT_FILTER_BACKENDS": ["chassis.filters.StrictFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "chassis.schema.RecordSchema",
    "EXCEPTION_HANDLER": "chassis.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}

# --- The services' own ----------------------------------------------------------------------------------------------------
# Each reads what it alone needs; of a service that is not served here there is no setting.
for _service in SERVICES:
    env.room = _service
    globals().update(import_string(f"{_service}.settings.read")(env, globals()))
env.room = ""

# --- OpenAPI ------------------------------------------------------------------------------------------------------------
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.1",
    "VERSION": VERSION,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": ["chassis.openapi.complete_document"],
}

# --- Telemetry --------------------------------------------------------------------------------------------------------
# The exporters that OTEL_* name start only where a collector is named. The distro's own default protocol would be gRPC,
# whose exporter is not installed: it does not survive a fork.
TELEMETRY = bool(
    env.text(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "Where the OpenTelemetry collector listens (OTLP over HTTP). Unset means no telemetry. The other `OTEL_*`"
        " variables work as their specification says.",
        default="",
        shown="none",
    )
)
os.environ.setdefault("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
_log_level = env.text(
    "CAREWAY_LOG_LEVEL",
    "Requests and accesses are `INFO`.",
    default="INFO",
    choices=["DEBUG", "INFO", "WARNING", "ERROR"],
)
LOGGING = logging_configuration(level=_log_level)

# What `manage.py document_settings` writes into docs/.
DOCUMENTED_SETTINGS = tuple(env.declared.values())
env.finish()
