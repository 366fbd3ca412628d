"""`make lint` refuses a configuration with a typo: one of each kind, with its sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from observability import asking, check, ottl
from observability.check import faults_of, files
from tests.test_house import ROOT

FOLDER = ROOT / "observability"
BASE = yaml.safe_load((FOLDER / "collector.yaml").read_text(encoding="utf-8"))


def faults(file: str, old: str, new: str) -> list[str]:
    """Of a file in which something stands once, and is written otherwise."""
    text = (FOLDER / file).read_text(encoding="utf-8")
    assert old in text, f"{file} has no {old!r}"
    base = BASE if file == "collector-aws.yaml" else None
    return [str(each) for each in faults_of(f"observability/{file}", text.replace(old, new, 1), base=base)]


class TestTheFiles:
    def test_they_are_as_they_should_be(self) -> None:
        found = [*files(), *FOLDER.glob("*.yml")]
        assert len(found) >= 10
        assert [fault for path in found for fault in faults(str(path.relative_to(FOLDER)), "", "")] == []

    def test_the_whole_of_it_says_nothing(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert (check.main(), capsys.readouterr().err) == (0, "")


class TestAFault:
    @pytest.mark.parametrize(
        ("file", "old", "new", "sentence"),
        [
            (
                "collector.yaml",
                "timeout: 1s",
                "timout: 1s",
                "processors/batch/timout: `timout` is no key of this place",
            ),
            ("collector.yaml", "timeout: 1s", "timeout: 1x", 'processors/batch/timeout: "1x" does not match'),
            ("collector.yaml", "level: warn", "level: wran", "logs/level: `wran` is none of debug, info, warn, error"),
            ("collector.yaml", "check_interval: 1s", "", "memory_limiter: `check_interval` is missing"),
            ("collector.yaml", "  batch:", "  batsh:", "`batsh` is none of the processors known here (memory_limiter,"),
            ("collector.yaml", "  batch:", "  batch/other:", "batch/other: `batch/other` is used nowhere in `service`"),
            (
                "collector.yaml",
                "batch]",
                "bach]",
                "pipelines/metrics/processors/3: `bach` is none of the processors of this",
            ),
            ("collector.yaml", "  extensions: [health_check]", "", "`health_check` is used nowhere in `service`"),
            (
                "collector.yaml",
                "type: latency",
                "type: late",
                "policies/1/type: `late` is none of status_code, latency",
            ),
            (
                "collector.yaml",
                "sampling_percentage: 10",
                "sampling_percentage: 1000",
                "1000 is greater than the maximum",
            ),
            (
                "collector.yaml",
                "set(trace_state",
                "st(trace_state",
                "begins with `st`, which is no function that changes",
            ),
            ("collector.yaml", "set(trace_state", "set(trace_stat", "`trace_stat` is no path of the context `span`"),
            (
                "collector.yaml",
                "context: spanevent",
                "context: event",
                "the context `event` is none of resource, scope, span",
            ),
            ("collector.yaml", "IsMatch(name", "IsMatches(name", "`IsMatches` is no function"),
            ("collector.yaml", 'set(trace_state, "")', 'set(trace_state, ""', "a quote or a bracket is not closed"),
            ("collector.yaml", "careway[.].+|", "careway[.].+(|", "does not compile: missing )"),
            ("collector.yaml", "    timeout: 1s", "    timeout: 1s\n    timeout: 2s", "the key `timeout` stands twice"),
            (
                "collector.yaml",
                "[memory_limiter, k8s_attributes, transform/allow, batch]",
                "[k8s_attributes, memory_limiter, transform/allow, batch]",
                "metrics/processors: `memory_limiter` does not stand first",
            ),
            (
                "collector.yaml",
                "transform/allow, batch]",
                "batch, transform/allow]",
                "metrics/processors: `batch` does not stand last",
            ),
            (
                "collector.yaml",
                "k8s_attributes, transform/allow, batch]",
                "k8s_attributes, batch]",
                "metrics/processors: `transform/allow` is missing.",
            ),
            (
                "collector.yaml",
                "transform/allow, tail_sampling",
                "tail_sampling, transform/allow",
                "`transform/allow` is missing, or stands behind `tail_sampling`",
            ),
            (
                "collector-aws.yaml",
                "transform/allow, transform/xray, tail_sampling",
                "transform/xray, tail_sampling, transform/allow",
                "`transform/allow` is missing, or stands behind `tail_sampling`",
            ),
            ("collector.yaml", "${env:LOKI_URL", "${env:LOKI", "the environment variable `LOKI` is not listed at the"),
            ("collector.yaml", "${env:LOKI_URL", "${env:LOKI", "the environment variable `LOKI_URL` is read nowhere"),
            ("collector.yaml", ":-10s}", ":-20s}", "the environment variable `DECISION_WAIT` has another default"),
            (
                "collector-aws.yaml",
                "unit: Count",
                "unit: Counts",
                "metric_descriptors/0/unit: `Counts` is none of Bytes, Count",
            ),
            ("collector-aws.yaml", '"^careway[.](requests', '"^careway[.](?!requests', "`(?!`, which Go does not know"),
            (
                "compose.yaml",
                '"127.0.0.1:4318:',
                '"4318:',
                "ports/0: the port does not begin with `127.0.0.1:`: 4318:4318",
            ),
            ("collector-aws.yaml", " namespace:", " name_space:", "awsemf/name_space: `name_space` is no key of this"),
            ("collector-aws.yaml", "remote_write_queue", "sending_queue", "write/sending_queue: `sending_queue` is no"),
            ("collector-aws.yaml", "service: aps", "services: aps", "sigv4auth: `service` is missing"),
            ("collector-aws.yaml", "or: sigv4auth", "or: sigv4", "authenticator: `sigv4` is none of the extensions"),
            ("collector-aws.yaml", "max_staleness", "max_stale", "cumulativetodelta/max_stale: `max_stale` is no key"),
            ("collector-aws.yaml", "IsMatch(name", "IsMatch(body", "`body` is no path of the context `metric`"),
            ("collector-aws.yaml", 'resource.attributes["service', 'resource["service', "`resource` is no path of"),
            (
                "collector-aws.yaml",
                "[awsxray]",
                "[xray]",
                "pipelines/traces/exporters/0: `xray` is none of the exporters",
            ),
            (
                "collector-aws.yaml",
                "[awsxray]",
                "[awsemf]",
                "exporters/awsxray: `awsxray` is used nowhere in `service`",
            ),
            ("jaeger.yaml", "max_traces", "max_trace", "memory/memory/max_trace: `max_trace` is no key of this place"),
            (
                "jaeger.yaml",
                "  jaeger_storage:",
                "  jaeger_store:",
                "`jaeger_store` is none of the extensions known here",
            ),
            ("loki.yaml", "path_prefix", "path_prefx", "common/path_prefx: `path_prefx` is no key of this place"),
            ("prometheus.yaml", "rule_files", "rules_files", "rules_files: `rules_files` is no key of this place"),
            (
                "alertmanager.yaml",
                "group_wait: 30s",
                "groupwait: 30s",
                "routes/1/groupwait: `groupwait` is no key of this",
            ),
            (
                "alertmanager.yaml",
                "receiver: page\n",
                "receiver: pager\n",
                "routes/1/receiver: `pager` is no receiver of this",
            ),
            ("alertmanager.yaml", "- name: page\n", "- name: pager\n", "receivers/0/name: no route leads to `pager`"),
            ("alertmanager.yaml", 'severity = "page"', "severity page", 'matchers/0: "severity page" does not match'),
            ("compose.yaml", "ports:", "port:", "services/collector/port: `port` is no key of this place"),
            ("grafana/datasources.yaml", "datasourceUid: jaeger", "datasourceUid: jager", "a link leads to `jager`"),
            ("grafana/dashboards.yaml", "options:", "option:", "providers/0/option: `option` is no key of this place"),
            ("rules/watchdog.yaml", "vector(1)", "vektor(1)", "does not parse: unknown function with name 'vektor'"),
            ("rules/watchdog.yaml", "alert:", "alrt:", "rules/0/alrt: `alrt` is no key of this place"),
            ("rules/watchdog.yaml", "severity: none", "severity: [none", "it is not YAML"),
        ],
    )
    def test_it_is_one_sentence_with_file_and_place(self, file: str, old: str, new: str, sentence: str) -> None:
        found = faults(file, old, new)
        (told,) = [each for each in found if sentence in each]
        assert told.startswith(f"observability/{file}:")
        assert told.endswith(".")
        assert told.count("\n") == 0

    def test_its_line_is_where_it_stands(self) -> None:
        lines = (FOLDER / "collector.yaml").read_text(encoding="utf-8").splitlines()
        (told,) = faults("collector.yaml", "timeout: 1s", "timout: 1s")
        assert told.startswith(f"observability/collector.yaml:{lines.index('    timeout: 1s') + 1}: ")

    def test_all_are_told_at_once(self) -> None:
        text = (FOLDER / "prometheus.yaml").read_text(encoding="utf-8")
        for word in ("rule_files", "scrape_interval", "out_of_order_time_window"):
            text = text.replace(word, f"{word}s", 1)
        assert len(faults_of("observability/prometheus.yaml", text)) == 3

    def test_a_rule_of_another_file_is_held_to_the_same(self) -> None:
        rule = {"record": "a:b", "expr": "sum(rate(c[5m])", "label": {}}
        text = yaml.safe_dump(
            {"groups": [{"name": "a", "rules": [rule]}, {"name": "a", "rules": [{"record": "c", "expr": "1"}]}]}
        )
        told = "\n".join(map(str, faults_of("the chart's rules of genomics", text)))
        assert "rules/0/label: `label` is no key of this place" in told
        assert "rules/0/expr: the expression does not parse" in told
        assert "groups/1/name: another group is called `a` too" in told


class TestAStatement:
    @pytest.mark.parametrize(
        "statement",
        [
            'set(name, "a") where attributes["http.route"] == nil and not IsMatch(name, "(a|b)$")',
            "keep_keys(attributes, [\"a\", \"b\"])",
            'set(status.code, STATUS_CODE_ERROR) where kind == SPAN_KIND_SERVER',
            'replace_all_patterns(attributes, "value", "[0-9]+", "{id}")',
            'replace_pattern(name, "[*+?]+[(?!]\\\\+", "")',
        ],
    )  # fmt: skip
    def test_it_is_read(self, statement: str) -> None:
        assert list(ottl.faults(statement, "span")) == []

    @pytest.mark.parametrize(
        ("statement", "sentence"),
        [
            ('set(name, "a") where STATUS_ERROR == 1', "`STATUS_ERROR` is no word of the language"),
            ('set(body, "a")', "`body` is no path of the context `span`"),
            ('IsMatch(name, "a")', "begins with `IsMatch`, which is no function that changes something"),
            ('name == "a"', "begins with `name`, which is no function that changes something"),
            ('replace_all_patterns(attributes, "value", "[0-9", "a")', "does not compile"),
            ("set(name)", "`set` takes 2 arguments, and has 1"),
            ('set(name, "a") where IsString(name, "a")', "`IsString` takes 1 arguments, and has 2"),
            ('delete_key(attributes, "a") where', "nothing stands after `where`"),
            ('delete_key(attributes, "a") name == "b"', "`name` stands where only `where` may"),
            ('replace_pattern(name "a", "b")', "a comma or an operator is missing before a text"),
            ('keep_keys(attributes, ["a" "b"])', "a comma or an operator is missing before a text"),
            *(
                (f'replace_pattern(name, "{pattern}", "")', "which Go does not know")
                for pattern in ("a(?!b)", "a(?=b)", "(?<!a)b", "(?<=a)b", "(?>a)b", "a*+", "a++", "(a)\\\\1")
            ),
        ],
    )
    def test_a_typo_is_not(self, statement: str, sentence: str) -> None:
        assert any(sentence in each for each in ottl.faults(statement, "span"))


class TestACondition:
    @pytest.mark.parametrize(
        "condition",
        ['not IsMatch(name, "^a$")', 'IsMatch(name, "^a$") and unit == "s"', 'resource.attributes["a.b"] != "c"'],
    )
    def test_it_is_read(self, condition: str) -> None:
        assert list(ottl.faults(condition, "metric", changes=False)) == []

    @pytest.mark.parametrize(
        ("condition", "sentence"),
        [
            ('set(name, "a")', "`set` is no function"),
            ('not IsMatch(name, "a(?!b)")', "which Go does not know"),
            ('IsMatch(name, "a"', "a quote or a bracket is not closed"),
            ('body == "a"', "`body` is no path of the context `metric`"),
        ],
    )
    def test_a_typo_is_not(self, condition: str, sentence: str) -> None:
        assert any(sentence in each for each in ottl.faults(condition, "metric", changes=False))


class TestTheServers:
    def test_one_that_is_there_is_asked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        refusing = tmp_path / "amtool"
        refusing.write_text("#!/bin/sh\necho it is not well\nexit 1\n")
        refusing.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert asking.servers(FOLDER, tmp_path) == ["amtool refuses alertmanager.yaml: it is not well"]

    def test_without_any_there_is_nothing_to_say(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        assert asking.servers(FOLDER, tmp_path) == []
