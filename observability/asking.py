"""What the servers themselves say of their configurations, where their binaries are on PATH."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

# The collector's file for AWS is not asked about: its exporters are in the official image alone.
QUESTIONS = (
    (("promtool",), ("check", "config", "{here}/prometheus.yaml")),
    (("promtool",), ("check", "rules", "{rules}")),
    (("amtool",), ("check-config", "{here}/alertmanager.yaml")),
    (("otelcol", "otelcol-contrib"), ("validate", "--config={here}/collector.yaml")),
    (("loki",), ("-verify-config", "-config.file={here}/loki.yaml")),
    (("jaeger",), ("validate", "--config={here}/jaeger.yaml")),
)
SECONDS = 60


def servers(here: Path, rules: Path) -> list[str]:
    """A sentence for each that refuses its file; `rules` is a folder of rules that a chart rendered."""
    return [each for binaries, arguments in QUESTIONS for each in _asked(binaries, arguments, here, rules)]


def _asked(binaries: tuple[str, ...], arguments: tuple[str, ...], here: Path, rules: Path) -> Iterator[str]:
    binary = next(filter(None, map(shutil.which, binaries)), None)
    if binary is None:
        return
    words = [each.format(here=here, rules=rules) for each in arguments]
    if words[-1] == str(rules):
        words[-1:] = sorted(map(str, rules.glob("*.yaml")))
    done = subprocess.run([binary, *words], capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines() or ["nothing"]
        yield f"{binaries[0]} refuses {Path(words[-1].partition('=')[2] or words[-1]).name}: {' '.join(said[-3:])}"
