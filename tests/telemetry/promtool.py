"""promtool's unit tests of rules, as data: timelines of series, and which alerts fire at which step of them."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

# The machine's cores are shared with what else is tried on it.
PROCESSES = 2
SECONDS = 600
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

needed = pytest.mark.skipif(
    not shutil.which("promtool"), reason="promtool is not on PATH; it is part of Prometheus, which runs the rules."
)


@dataclass(frozen=True)
class Alert:
    """One that fires, with all its labels (but `alertname`) and annotations."""

    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True)
class Timeline:
    """Series from step 0 on, and what fires at some of the steps; whatever else has fired there fails the test."""

    name: str
    series: Mapping[str, str]
    fires: Mapping[int, Sequence[Alert]] = field(default_factory=dict)
    # Expressions at steps, and the values (by labels) that they have there.
    values: Sequence[tuple[int, str, Mapping[str, float]]] = ()


# --- Values of series, in promtool's notation -----------------------------------------------------------------------------


def counter(phases: Iterable[tuple[int, float]], begins: int = 0) -> str:
    """From zero on, where it begins with nothing: so many steps with so much more at each, in sixty-fourths.

    promtool adds binary fractions: a sum that came out a trifle less than what follows would be a counter that was reset.
    """
    total, words = float(begins), [f"{begins}"]
    for steps, rate in phases:
        more = round(rate * 64) / 64
        words.append(f"{_number(total + more)}+{_number(more)}x{steps - 1}")
        total += more * steps
    return " ".join(words)


def gauge(phases: Iterable[tuple[int, float | None]]) -> str:
    """So many steps with this value, or with none. The first begins at step 0 and is a step longer, as a counter's is."""
    words = []
    for place, (steps, value) in enumerate(phases):
        again = steps if place == 0 else steps - 1
        words.append(f"_x{again + 1}" if value is None else f"{_number(value)}x{again}")
    return " ".join(words)


def _number(value: float) -> str:
    return f"{value:.10f}".rstrip("0").rstrip(".")


def selector(name: str, /, **labels: str) -> str:
    """A series by name and labels, which is also how the rules ask for it."""
    matchers = ",".join(f'{key}="{value}"' for key, value in labels.items())
    return f"{name}{{{matchers}}}"


# --- Rules ----------------------------------------------------------------------------------------------------------------


def alerts_of(text: str) -> Iterator[dict[str, Any]]:
    """The rules that alert."""
    return (rule for group in yaml.load(text, LOADER)["groups"] for rule in group["rules"] if "alert" in rule)


# --- promtool -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trial:
    """Rules, and the timelines they are tried on; `step` in seconds is the interval of samples and of evaluation alike."""

    name: str
    rules: Sequence[str]
    step: int
    timelines: Sequence[Timeline]

    def run(self, folder: Path) -> str:
        """What promtool says where something is not as the timelines say; nothing where all is."""
        where = folder / re.sub(r"\W+", "-", self.name)
        where.mkdir()
        files = [where / f"rules-{place}.yaml" for place, _ in enumerate(self.rules)]
        for path, text in zip(files, self.rules, strict=True):
            path.write_text(text, encoding="utf-8")
        names = sorted({rule["alert"] for text in self.rules for rule in alerts_of(text)})
        document = {
            "rule_files": [path.name for path in files],
            "evaluation_interval": f"{self.step}s",
            "tests": [self._test(timeline, names) for timeline in self.timelines],
        }
        (where / "tests.yaml").write_text(yaml.dump(document, Dumper=DUMPER, sort_keys=False), encoding="utf-8")
        done = subprocess.run(
            ["promtool", "test", "rules", "tests.yaml"],
            cwd=where, capture_output=True, text=True, check=False, timeout=SECONDS,
        )  # fmt: skip
        told = done.stdout + done.stderr
        assert done.returncode in (0, 1), told
        # A file that promtool could not read is no outcome of a test.
        assert ("SUCCESS" if done.returncode == 0 else "FAILED:") in told, told
        return "" if done.returncode == 0 else told

    def _test(self, timeline: Timeline, names: Sequence[str]) -> dict[str, Any]:
        return {
            "name": timeline.name,
            "interval": f"{self.step}s",
            "input_series": [{"series": series, "values": values} for series, values in timeline.series.items()],
            "alert_rule_test": [
                {
                    "eval_time": f"{at * self.step}s",
                    "alertname": name,
                    "exp_alerts": [
                        {"exp_labels": dict(alert.labels), "exp_annotations": dict(alert.annotations)}
                        for alert in alerts
                        if alert.name == name
                    ],
                }
                for at, alerts in timeline.fires.items()
                for name in names
            ],
            "promql_expr_test": [
                {
                    "eval_time": f"{at * self.step}s",
                    "expr": expression,
                    "exp_samples": [{"labels": labels, "value": value} for labels, value in values.items()],
                }
                for at, expression, values in timeline.values
            ],
        }


def run(trials: Sequence[Trial], folder: Path) -> dict[str, str]:
    """What promtool says of each, some at a time: it takes one core."""
    with ThreadPoolExecutor(PROCESSES) as pool:
        told = pool.map(lambda trial: trial.run(folder), trials)
        return dict(zip((trial.name for trial in trials), told, strict=True))
