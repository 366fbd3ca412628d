"""The standard OTEL_* variables, tried at the start: each malformed one gets a sentence instead of a surprise later.

Left to the SDK, some of them end every worker as it starts, others are replaced by a default with a warning from each
worker, and others fail at every export for ever. There is no parser of its own to ask: it reads where it uses. Values
are never repeated, for some hold credentials (the SDK's own warning of a malformed header quotes it).
"""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from urllib.parse import urlsplit

from opentelemetry.util.re import parse_env_headers

Given = Mapping[str, str]
Fault = tuple[str, str]
# What is wrong with a text, or "".
Check = Callable[[str], str]

OTLP = "OTEL_EXPORTER_OTLP_"
SIGNALS = ("TRACES_", "METRICS_", "LOGS_")
# An attempt to export, not the end of the process: that is bounded by chassis/flush.py. The specification counts
# milliseconds and the SDK seconds, so 10000 would be hours.
LONGEST_SECONDS = 60
# The SDK's own, of spans and of log records alike.
QUEUE, BATCH = 2048, 512


def faults(given: Given) -> Iterator[Fault]:
    """Each malformed variable with what it must be; those that nothing reads without a collector are left alone."""
    set_ones = {name: text for name, text in given.items() if name.startswith("OTEL_") and text.strip()}
    yield from _checked(set_ones, ALWAYS)
    if f"{OTLP}ENDPOINT" in set_ones:
        yield from _checked(set_ones, WITH_COLLECTOR)
        yield from _batches(set_ones)
        yield from _client_certificates(set_ones)
        return
    for signal in SIGNALS:
        if f"{OTLP}{signal}ENDPOINT" in set_ones:
            yield f"{OTLP}{signal}ENDPOINT", f"is of no effect without {OTLP}ENDPOINT; set that one too"


def _checked(given: Given, checks: Mapping[str, Check]) -> Iterator[Fault]:
    for name, check in checks.items():
        if name in given and (wrong := check(given[name])):
            yield name, wrong


# --- Kinds of value ---------------------------------------------------------------------------------------------------


def _url(text: str, *, forbidden: str = r"[\s?#]") -> str:
    wrong = "must be the http or https URL of a collector, such as http://collector:4318"
    try:
        address = urlsplit(text)
        plain = address.scheme in {"http", "https"} and bool(address.hostname) and address.port != 0
        (address.hostname or "").encode("idna")  # no empty label, such as that of a namespace nobody filled in
    except ValueError:  # UnicodeError is one
        return wrong
    if "@" in address.netloc:
        return f"must hold no credentials; {OTLP}HEADERS is their place"
    return "" if plain and not re.search(forbidden, text) else wrong


# That of a signal is used as it is, with its query; to the general one the SDK appends a path.
_signal_url = partial(_url, forbidden=r"[\s#]")


def _protocol(text: str) -> str:
    return "" if text.strip() == "http/protobuf" else "must be http/protobuf (the exporter of gRPC is not installed)"


def _exporter(text: str) -> str:
    # console would print lines between those of the log that are no JSON.
    return "" if text in {"otlp", "none"} else "must be otlp or none"


def _one_of(*choices: str) -> Check:
    return lambda text: "" if text.strip().lower() in choices else f"must be one of {', '.join(choices)}"


def _installed(group: str, text: str) -> str:
    names = sorted(entry.name for entry in entry_points(group=group))
    return "" if text.strip() in names else f"must be one of {', '.join(names)}"


def _propagators(text: str) -> str:
    names = sorted({"none", *(entry.name for entry in entry_points(group="opentelemetry_propagator"))})
    wrong = {word.strip() for word in text.split(",")} - {*names}
    return f"must be words out of {', '.join(names)}, separated by commas" if wrong else ""


def _between(least: float, most: float, kind: type[int] | type[float], wrong: str, text: str) -> str:
    try:
        return "" if least <= kind(text) <= most else wrong
    except ValueError:
        return wrong


def _seconds(text: str) -> str:
    return _between(0.001, LONGEST_SECONDS, float, f"must be seconds, above 0 and at most {LONGEST_SECONDS}", text)


_ratio = partial(_between, 0, 1, float, "must be a number from 0 to 1")
_positive = partial(_between, 1, 2**31 - 1, int, "must be a whole number above 0")
_limit = partial(_between, 0, 2**31 - 1, int, "must be a whole number, 0 or above")


def _headers(text: str) -> str:
    parser = logging.getLogger("opentelemetry.util.re")
    parser.disabled, before = True, parser.disabled  # it would print what it cannot read
    try:
        read = [parse_env_headers(pair, liberal=True) for pair in text.split(",") if pair.strip()]
    finally:
        parser.disabled = before
    # What http.client cannot send would fail at each export.
    fit = all(pair and all(value.isascii() and value.isprintable() for value in pair.values()) for pair in read)
    return "" if fit and text.isascii() else "must be name=value, separated by commas, each value percent-encoded"


def _resource_attributes(text: str) -> str:
    pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    if not all(name.strip() and equals for name, equals, _ in pairs):
        return "must be name=value, separated by commas"
    return ""


def _semantics(text: str) -> str:
    # The old names of HTTP put the paths of unknown routes into metrics.
    if {"http", "database"} <= {word.strip() for word in text.split(",")}:
        return ""
    return "must hold http and database, or be left unset: the old names put paths into metrics"


def _patterns(text: str) -> str:
    try:
        re.compile("|".join(pattern.strip() for pattern in text.split(",")))
    except re.error:
        return "must be regular expressions, separated by commas"
    return ""


def _authorities(text: str) -> str:
    """A file of trusted certificates, or a folder of them."""
    path = Path(text)
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(**{"capath" if path.is_dir() else "cafile": text})
    except OSError as error:  # SSLError is one
        return f"must be a readable file of PEM certificates ({type(error).__name__})"
    return ""


# --- Which variable is of which kind ----------------------------------------------------------------------------------

# The API reads it as soon as it is imported, with telemetry or without.
ALWAYS: dict[str, Check] = {"OTEL_PROPAGATORS": _propagators}

WITH_COLLECTOR: dict[str, Check] = {
    **{
        f"{OTLP}{signal}{name}": check
        for signal in ("", *SIGNALS)
        for name, check in {
            "ENDPOINT": _signal_url if signal else _url,
            "PROTOCOL": _protocol,
            "HEADERS": _headers,
            "TIMEOUT": _seconds,
            "COMPRESSION": _one_of("none", "gzip", "deflate"),
            "CERTIFICATE": _authorities,
        }.items()
    },
    **{f"OTEL_{signal}EXPORTER": _exporter for signal in SIGNALS},
    **{
        f"OTEL_{kind}_{name}": _positive
        for kind in ("BSP", "BLRP")
        for name in ("SCHEDULE_DELAY", "EXPORT_TIMEOUT", "MAX_QUEUE_SIZE", "MAX_EXPORT_BATCH_SIZE")
    },
    "OTEL_METRIC_EXPORT_INTERVAL": _positive,
    "OTEL_METRIC_EXPORT_TIMEOUT": _positive,
    **{
        f"OTEL_{name}_LIMIT": _limit
        for name in (
            *("ATTRIBUTE_COUNT", "ATTRIBUTE_VALUE_LENGTH", "SPAN_ATTRIBUTE_COUNT", "SPAN_ATTRIBUTE_VALUE_LENGTH"),
            *("SPAN_EVENT_COUNT", "SPAN_LINK_COUNT", "EVENT_ATTRIBUTE_COUNT", "LINK_ATTRIBUTE_COUNT"),
            *("LOGRECORD_ATTRIBUTE_COUNT", "LOGRECORD_ATTRIBUTE_VALUE_LENGTH"),
        )
    },
    "OTEL_SDK_DISABLED": _one_of("true", "false"),
    "OTEL_TRACES_SAMPLER": partial(_installed, "opentelemetry_traces_sampler"),
    "OTEL_TRACES_SAMPLER_ARG": _ratio,
    "OTEL_METRICS_EXEMPLAR_FILTER": _one_of("always_on", "always_off", "trace_based"),
    f"{OTLP}METRICS_TEMPORALITY_PREFERENCE": _one_of("cumulative", "delta", "lowmemory"),
    f"{OTLP}METRICS_DEFAULT_HISTOGRAM_AGGREGATION": _one_of(
        "explicit_bucket_histogram", "base2_exponential_bucket_histogram"
    ),
    "OTEL_RESOURCE_ATTRIBUTES": _resource_attributes,
    "OTEL_SEMCONV_STABILITY_OPT_IN": _semantics,
    "OTEL_PYTHON_EXCLUDED_URLS": _patterns,
    "OTEL_PYTHON_DJANGO_EXCLUDED_URLS": _patterns,
    "OTEL_CONFIG_FILE": lambda _: "is not supported; use the variables",
}


# --- What several variables have to agree on ---------------------------------------------------------------------------


def _batches(given: Given) -> Iterator[Fault]:
    """The SDK refuses a batch larger than its queue, and only in the worker."""
    for kind in ("BSP", "BLRP"):
        queue, batch = f"OTEL_{kind}_MAX_QUEUE_SIZE", f"OTEL_{kind}_MAX_EXPORT_BATCH_SIZE"
        if any(_positive(given.get(name, "1")) for name in (queue, batch)):
            continue  # told already
        if int(given.get(batch, BATCH)) > int(given.get(queue, QUEUE)):
            yield batch, f"must not be above {queue} (without being set they are {BATCH} and {QUEUE})"


def _client_certificates(given: Given) -> Iterator[Fault]:
    """A certificate with its key, each signal's own or the general one."""
    for signal in ("", *SIGNALS):
        names = [f"{OTLP}{signal}CLIENT_CERTIFICATE", f"{OTLP}{signal}CLIENT_KEY"]
        if not any(name in given for name in names):
            continue
        certificate, key = (given.get(name) or given.get(name.replace(signal, "")) for name in names)
        if not certificate:
            yield names[1], f"is of no effect without {names[0]}"
            continue
        try:
            # An empty password: a key that needs one would make each worker ask for it on a terminal.
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password="")
        except OSError as error:
            yield names[0], f"must be a readable PEM certificate, with its key, unencrypted ({type(error).__name__})"
