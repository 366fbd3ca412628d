"""A broken chart is noticed: each line of the templates is taken out, each condition turned round, and values are bent."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.chart.mutants import LOOKED_AT, TEMPLATES, Mutant, conditions_negated, lines_removed, noticed
from tests.chart.promises import broken
from tests.chart.promises.release import Release
from tests.chart.rendering import CHART

# What only refuses is tried sentence by sentence in test_refusals.py, and NOTES.txt is no object.
FILES = sorted(
    path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.*") if path.suffix in {".yaml", ".tpl"}
)
FILES.remove("validation.yaml")

# A choice that is no promise: another would do as well, and nobody is to be stopped from changing it.
CHOICES = {
    "revisionHistoryLimit: 5",
    "successfulJobsHistoryLimit: 1",
    "failedJobsHistoryLimit: 3",
    "fsGroupChangePolicy: OnRootMismatch",
    "periodSeconds: 2",
    "timeoutSeconds: 3",
}
# Another file tries it: names of long releases are test_names.py's.
ELSEWHERE = {'{{- printf "%s-%s" (.Release.Name | trunc 27 | trimSuffix "-") (.Release.Name | sha256sum | trunc 6) -}}'}

DENIED = "podSelector:\n    matchLabels: {app.kubernetes.io/instance: {{ .Release.Name }}}"
# What is bent rather than missing: template, old text, new text.
BENT = [
    ("_pod.tpl", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false"),
    ("_pod.tpl", "drop: [ALL]}", "drop: [ALL], add: [NET_BIND_SERVICE]}"),
    ("_pod.tpl", "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true"),
    ("_pod.tpl", "automountServiceAccountToken: false", "automountServiceAccountToken: true"),
    ("_pod.tpl", "runAsNonRoot: true", "runAsNonRoot: false"),
    ("_pod.tpl", "runAsUser: 10001", "runAsUser: 0"),
    ("_pod.tpl", "type: RuntimeDefault", "type: Unconfined"),
    ("_pod.tpl", "medium: Memory, sizeLimit: 64Mi", "sizeLimit: 64Mi"),
    ("_pod.tpl", "defaultMode: 0440", "defaultMode: 0444"),
    ("_pod.tpl", "mountPath: /etc/careway/secrets, readOnly: true", "mountPath: /etc/careway/secrets"),
    ("_pod.tpl", "mountPath: /etc/careway/secrets", "mountPath: /etc/careway/secrets/secret-key, subPath: secret-key"),
    ("_pod.tpl", 'audience: {{ .Values.peer.audience | quote }}', "audience: https://kubernetes.default.svc"),
    ("_pod.tpl", '(has $component (list "server" "job"))', '(has $component (list "server" "job" "test"))'),
    ("_names.tpl", "{{ .repository }}@{{ .digest }}", "{{ .repository }}:{{ $.Chart.AppVersion }}"),
    ("_names.tpl", "app.kubernetes.io/instance: {{ $root.Release.Name }}", "app.kubernetes.io/instance: careway"),
    ("_settings.tpl", '"sslmode" "verify-full"', '"sslmode" "require"'),
    ("_settings.tpl", 'ternary "development" "production"', 'ternary "production" "development"'),
    ("_settings.tpl", "merge $given $ours", "merge $ours $given"),
    ("deployment.yaml", "maxUnavailable: 0", "maxUnavailable: 1"),
    ("deployment.yaml", "add .Values.preStopSeconds $drain $grace 10", "add $drain $grace 10"),
    ("deployment.yaml", "add .Values.preStopSeconds $drain $grace 10", "add .Values.preStopSeconds $grace 10"),
    ("deployment.yaml", "migrate, --check, --wait", "migrate, --wait"),
    ("deployment.yaml", "whenUnsatisfiable: ScheduleAnyway", "whenUnsatisfiable: DoNotSchedule"),
    ("deployment.yaml", "readinessProbe: {{- toYaml .Values.readinessProbe", "readinessProbe: {{- toYaml .Values.livenessProbe"),
    ("deployment.yaml", '{{ include "careway.settings" . | sha256sum }}', '"always-the-same"'),
    ("job.yaml", '(printf "-migrate-%s" ($job | sha256sum | trunc 8))', '(printf "-migrate-%d" .Release.Revision)'),
    ("job.yaml", "backoffLimit: 6", "ttlSecondsAfterFinished: 600\nbackoffLimit: 6"),
    ("job.yaml", "restartPolicy: Never", "restartPolicy: OnFailure"),
    ("cronjob.yaml", "concurrencyPolicy: Forbid", "concurrencyPolicy: Allow"),
    ("networkpolicy.yaml", "policyTypes: [Ingress, Egress]", "policyTypes: [Ingress]"),
    ("networkpolicy.yaml", "policyTypes: [Ingress, Egress]", "policyTypes: [Egress]"),
    ("networkpolicy.yaml", DENIED, "podSelector: {}"),
    ("networkpolicy.yaml", "values: [server, migration, job]", "values: [server, migration, job, test-stranger]"),
    ("networkpolicy.yaml", "values: [server, migration, job]", "values: [server, migration]"),
    ("networkpolicy.yaml", "cidr: {{ .cidr | quote }}", "cidr: 0.0.0.0/0"),
    ("networkpolicy.yaml", "matchLabels: {kubernetes.io/metadata.name: {{ .namespace | quote }}}", "{}"),
    ("tests/networkpolicy.yaml", '"test-within"', '"test-stranger"'),
    ("trial/networkpolicy.yaml", "values: [server, migration, job]", "values: [server, migration, job, test-within]"),
    ("trial/deployment.yaml", "type: Recreate", "type: RollingUpdate"),
    ("trial/deployment.yaml", "runAsUser: 999", "runAsUser: 0"),
    ("trial/secret.yaml", 'printf "secret-key %s" (include "careway.trialPassword" .)', 'include "careway.trialPassword" .'),
    ("poddisruptionbudget.yaml", "minAvailable: {{", "maxUnavailable: {{"),
    ("poddisruptionbudget.yaml", "unhealthyPodEvictionPolicy: AlwaysAllow", "unhealthyPodEvictionPolicy: IfHealthyBudget"),
    ("role.yaml", "resources: [pods, ", "resources: [secrets, pods, "),
    ("role.yaml", "resources: [pods, ", "resources: [pods/exec, pods, "),
    ("role.yaml", "verbs: [get, list, watch]", 'verbs: ["*"]'),
    ("rolebinding.yaml", "kind: Role, name", "kind: ClusterRole, name"),
    ("service.yaml", "appProtocol: http", "appProtocol: tcp"),
    ("serviceaccount.yaml", "automountServiceAccountToken: false", "automountServiceAccountToken: true"),
    ("secretstore.yaml", "name: {{ include \"careway.name\" $ }}-secrets", "name: default"),
    ("externalsecret.yaml", "deletionPolicy: Retain", "deletionPolicy: Delete"),
    ("httproute.yaml", "value: /{{ $.Values.service }}", "value: /"),
    ("ingress.yaml", "path: /{{ $.Values.service }}", "path: /"),
    ("_rules.tpl", 'list "page" 2 720', 'list "page" 2 700'),
    ("_rules.tpl", 'list "ticket" 10 10', 'list "page" 10 10'),
    ("_rules.tpl", "div $long 12", "div $long 6"),
    ("_rules.tpl", ".long .factor", ".short .factor"),
    ("_rules.tpl", "mul .period 120", "mul .period 100"),
    ("_rules.tpl", 'outcome!~"limited|refused"', 'outcome!="limited"'),
    ("_rules.tpl", 'http_response_status_code!~"401|408|429|5.."', 'http_response_status_code!~"401|408|5.."'),
    ("_rules.tpl", ' ".+/(openapi[.]json|docs)"', ' "nothing"'),
    ("_rules.tpl", "add $patience $twice -1", "add $patience 0"),
    ("_rules.tpl", "mul 4 .Values.telemetry.exportSeconds", "mul 1 .Values.telemetry.exportSeconds"),
    ("_rules.tpl", ".Values.monitoring.selector | default $default", "$default"),
    ("_rules.tpl", 'concat $common (include "careway.service" . | fromYaml).alerts', "$common"),
    ("_rules.tpl", 'trimSuffix "/" $root', "$root"),
    ("prometheusservicelevel.yaml", 'printf "%s.%s" .Release.Namespace', 'printf "%s.%s" .Values.service'),
    ("servicelevelobjective.yaml", "absent: false", "absent: true"),
    ("dashboards.yaml", "$dashboard.uid ($release | sha256sum | trunc 8)", '$dashboard.uid "same"'),
    ("dashboards.yaml", '"release" (include "careway.name" $)', '"release" $.Values.service'),
    ("dashboards.yaml", '(dict "text" . "value" .)', '(dict "text" . "value" "$__all")'),
    ("tests/pod.yaml", "audience: nobody, ", ""),
    ("tests/pod.yaml", "helm.sh/hook: test", "helm.sh/hook: post-install"),
]  # fmt: skip


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    chart = tmp_path_factory.mktemp("mutants") / "chart"
    shutil.copytree(CHART, chart)
    return chart


@pytest.mark.parametrize("values", LOOKED_AT, ids=range(len(LOOKED_AT)))
def test_the_chart_itself_is_whole(values: dict[str, object]) -> None:
    assert list(broken(Release.of(values))) == []


# A file of tests runs in one process, each class in its own: two halves of the work.
OF_PODS = ["_names.tpl", "_pod.tpl", "_settings.tpl", "cronjob.yaml", "deployment.yaml", "job.yaml"]


def unnoticed(template: str, chart: Path) -> list[str]:
    mutants = [*lines_removed(template), *conditions_negated(template)]
    assert mutants
    return [
        str(each)
        for each in mutants
        if each.what.removeprefix("without ") not in CHOICES | ELSEWHERE and not noticed(each, chart)
    ]


class TestPods:
    @pytest.mark.parametrize("template", OF_PODS)
    def test_no_line_and_no_condition_can_be_lost_unnoticed(self, template: str, copy: Path) -> None:
        assert unnoticed(template, copy) == []


class TestOtherObjects:
    @pytest.mark.parametrize("template", sorted(set(FILES) - set(OF_PODS)))
    def test_no_line_and_no_condition_can_be_lost_unnoticed(self, template: str, copy: Path) -> None:
        assert unnoticed(template, copy) == []


class TestBent:
    @pytest.mark.parametrize(("template", "old", "new"), BENT)
    def test_what_is_bent_is_noticed(self, template: str, old: str, new: str, copy: Path) -> None:
        text = (TEMPLATES / template).read_text(encoding="utf-8")
        assert old in text
        assert noticed(Mutant(template, 0, text.replace(old, new, 1), f"{old} is {new}"), copy)


def test_every_exception_is_still_one() -> None:
    text = "\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in FILES)
    assert [each for each in CHOICES | ELSEWHERE if each not in text] == []
