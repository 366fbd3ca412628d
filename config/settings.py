"""Every setting, read once. The only reader of os.environ (with manage.py and config/wsgi.py, which name this file).

What only one service needs is read where that service is served, and exists nowhere else.
"""

import os
from pathlib import Path
from typing import Any

from django.utils.module_loading import import_string

from chassis import otel
from chassis.development import development_issuers
from chassis.environment import Environment
from chassis.issuers import Issuer, parse_issuers
from chassis.logs import logging_configuration
from chassis.postgresql import credentials, tls
from chassis.telemetry import variables

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
elif len({*SECRET_KEY}) < 8:  # 32 random hexadecimal digits have so few once in 28 million times
    env.fault("CAREWAY_SECRET_KEY", "has too few different characters to be random")
ALLOWED_HOSTS = env.words(
    "CAREWAY_ALLOWED_HOSTS",
    "The host names that clients use, separated by commas. Another one is answered 400 on every route but the probes.",
    default=["localhost", "127.0.0.1", "[::1]"] if DEVELOPMENT else [],
    shown="required",
)
if not ALLOWED_HOSTS:
    env.fault("CAREWAY_ALLOWED_HOSTS", "is required: the host names that clients use, separated by commas")
if "*" in ALLOWED_HOSTS and not DEVELOPMENT:
    env.fault("CAREWAY_ALLOWED_HOSTS", "must name hosts: with * a client could choose the host in our links")
_behind_tls_proxy = env.flag(
    "CAREWAY_BEHIND_TLS_PROXY",
    "A proxy that ends TLS sets `X-Forwarded-Proto`, and removes it from what clients send. Links are then `https`, and"
    " HSTS is sent.",
    default=False,
)
if _behind_tls_proxy:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
SECURE_REFERRER_POLICY = "no-referrer"  # URLs name records

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
tls.judge(env, _database or {}, production=not DEVELOPMENT)
_credentials = credentials.read(env, _database or {})
POOLED_ELSEWHERE = env.flag(
    "CAREWAY_TRANSACTION_POOLER",
    "A pooler in transaction mode stands before the database: nothing is prepared on the server, and time-outs are the"
    " role's (below).",
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
_oldest = env.integer(
    "CAREWAY_CONNECTION_SECONDS", "How old a connection to the database gets.", default=3600, minimum=10, maximum=86_400
)
WORKERS = env.integer("CAREWAY_WORKERS", "Worker processes.", default=1, minimum=1, maximum=64)
THREADS = env.integer(
    "CAREWAY_THREADS", "Threads of a worker, each with one connection at most.", default=4, minimum=1, maximum=64
)
if _database is None and not DEVELOPMENT and not any(fault.startswith("DATABASE_URL") for fault in env.faults):
    env.fault("DATABASE_URL", "is required: postgresql://user:password@host:5432/database")
HAS_DATABASE = _database is not None
_database = _database or {"ENGINE": "django.db.backends.postgresql", "NAME": "careway"}
_time_outs = (
    f"-c lock_timeout={LOCK_TIMEOUT_SECONDS}s -c statement_timeout={STATEMENT_TIMEOUT_SECONDS}s"
    " -c idle_in_transaction_session_timeout=60s"
)
# The URL's own stay, such as a search_path; of two that set the same, the last counts.
_time_outs = f"{_database.get('OPTIONS', {}).get('options', '')} {_time_outs}".strip()
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **_database,
        "ENGINE": "chassis.postgresql",
        "CREDENTIALS": _credentials,
        "OPTIONS": {
            # Before the URL's own options, which win. A host that vanishes without a word is noticed after 10 s; sooner,
            # and a server whose disk is slow would lose the file that it is being sent.
            "connect_timeout": 2,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "tcp_user_timeout": 10_000,
            **_database.get("OPTIONS", {}),
            "application_name": "careway",
            # One connection a thread, so that a request waits for a new one alone. What waits longer is answered 503.
            "pool": {"name": "careway", "min_size": 1, "max_size": THREADS, "timeout": 1.5, "max_lifetime": _oldest},
            # Server-side binding lets psycopg prepare what it repeats; a transaction pooler would lose the plans.
            "server_side_binding": True,
            "prepare_threshold": None if POOLED_ELSEWHERE else 5,
            # A pooler in transaction mode refuses them, or drops them: there they are the role's (docs/operating.md).
            **({} if POOLED_ELSEWHERE else {"options": _time_outs}),
        },
        "TEST": {"NAME": "careway_test"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SILENCED_SYSTEM_CHECKS = [
    "models.E034",  # an index's name may be longer than 30 characters: PostgreSQL has 63, and a test counts them
    "security.W003",  # no cookie lets anybody in, so no site can abuse one
    "security.W005",  # other services' hosts are theirs to decide about
    "security.W008",  # probes are plain HTTP; and a token that was sent without TLS is lost already
    "security.W009",  # our own rule is above: 32 characters, which are 128 bits in hexadecimal digits
    "security.W021",  # nobody types the address of an API into a browser
]

# --- HTTP -------------------------------------------------------------------------------------------------------------
PORT = env.integer(
    "CAREWAY_PORT",
    "The port that is served: in development on 127.0.0.1, else on every address of the host, IPv6 and IPv4. gunicorn's"
    " `--bind` goes before it.",
    default=8000,
    minimum=1,
    maximum=65_535,
)
DRAIN_SECONDS = env.integer(
    "CAREWAY_DRAIN_SECONDS",
    "How long new connections are still served after SIGTERM, while `/readyz` says 503. Longer than what stands before"
    " the service takes to notice; 0 where that has been waited for already.",
    default=0 if DEVELOPMENT else 5,
    minimum=0,
    maximum=300,
    shown="5; 0 in development",
)
GRACEFUL_SECONDS = env.integer(
    "CAREWAY_GRACEFUL_SECONDS",
    "How long requests may go on after that. What runs longer is cut off.",
    default=30,
    minimum=1,
    maximum=3600,
)
ROOT_URLCONF = "config.urls"
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",  # first: ours answers some requests itself
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "chassis.requests.RequestMiddleware",
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
WHITENOISE_ALLOW_ALL_ORIGINS = False  # our own page alone reads these files
MAX_BODY_BYTES = env.integer(
    "CAREWAY_MAX_BODY_BYTES", "The largest JSON body.", default=1_048_576, minimum=1024, maximum=33_554_432
)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
REQUESTS_PER_SUBJECT = env.integer(
    "CAREWAY_REQUESTS_PER_SUBJECT",
    "How many requests of one subject run at once in a process; one more is answered 429. 0 means no limit.",
    default=0 if DEVELOPMENT else max(1, THREADS - 1),
    minimum=0,
    maximum=64,
    shown="`CAREWAY_THREADS` less one, at least 1; 0 in development",
)
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
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "chassis.negotiation.Negotiation",
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
# The exporters that OTEL_* name start only where a collector is named.
TELEMETRY = bool(
    env.text(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "Where the OpenTelemetry collector listens (OTLP over HTTP). Unset means no telemetry. The other `OTEL_*`"
        " variables work as their specification says.",
        default="",
        shown="none",
    )
)
for _name, _fault in otel.faults(os.environ):
    env.fault(_name, _fault)
if TELEMETRY:
    _name = f"careway-{SERVICES[0]}" if len(SERVICES) == 1 else "careway"
    os.environ.update(variables(os.environ, service=_name, version=VERSION))
    # It asks Django for these settings as it starts, which is before config/wsgi.py names them.
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", __name__)
_log_level = env.text(
    "CAREWAY_LOG_LEVEL",
    "Requests and accesses are `INFO`.",
    default="INFO",
    choices=["DEBUG", "INFO", "WARNING", "ERROR"],
)
LOGGING = logging_configuration(level=_log_level)
LOGGING_CONFIG = "chassis.logs.configure"

# What `manage.py document_settings` writes into docs/.
DOCUMENTED_SETTINGS = tuple(env.declared.values())
env.finish()
