{{/* Seconds as Prometheus writes them, in the largest unit that is whole. */}}
{{- define "careway.duration" -}}
{{- $seconds := int64 . -}}
{{- if not (mod $seconds 86400) -}}
{{- div $seconds 86400 -}}d
{{- else if not (mod $seconds 3600) -}}
{{- div $seconds 3600 -}}h
{{- else if not (mod $seconds 60) -}}
{{- div $seconds 60 -}}m
{{- else -}}
{{- $seconds -}}s
{{- end -}}
{{- end }}

{{/* A number without the noise of its last bits: an objective has two places, so its budget has four. */}}
{{- define "careway.decimal" -}}
{{- regexReplaceAll "[.]?0+$" (printf "%.4f" .) "" -}}
{{- end }}

{{/* What an objective leaves, as a share: of 99.9 it is 0.001. */}}
{{- define "careway.budget" -}}
{{- include "careway.decimal" (divf (subf 100 .objective) 100) -}}
{{- end }}

{{/* What selects the series of the release, without braces, so that more can follow. */}}
{{- define "careway.series" -}}
{{- $default := dict "k8s_namespace_name" .Release.Namespace "k8s_deployment_name" (include "careway.name" .) -}}
{{- $matchers := list -}}
{{- range $label, $value := .Values.monitoring.selector | default $default }}{{ $matchers = append $matchers (printf "%s=%q" $label $value) }}{{ end -}}
{{- join "," $matchers -}}
{{- end }}

{{/* Whose a rule is, as labels: no rule of another release has the same. */}}
{{- define "careway.owner" -}}
service: {{ .Values.service | quote }}
namespace: {{ .Release.Namespace | quote }}
release: {{ include "careway.name" . | quote }}
{{- end }}

{{/* Who is woken: the team's name, or else the namespace, which is the team's. */}}
{{- define "careway.team" -}}
{{- .Values.monitoring.team | default .Release.Namespace -}}
{{- end }}

{{/* The labels of an alert, as YAML. In: (list $ severity). */}}
{{- define "careway.alertLabels" -}}
{{- $root := index . 0 -}}
severity: {{ index . 1 }}
team: {{ include "careway.team" $root | quote }}
{{ include "careway.owner" $root }}
{{- end }}

{{/* The annotations of an alert, as YAML. In: (list $ alert summary), the summary without whom it is about. */}}
{{- define "careway.alertAnnotations" -}}
{{- $root := index . 0 -}}
summary: {{ printf "%s in %s %s" $root.Values.service $root.Release.Namespace (index . 2) | quote }}
runbook_url: {{ printf "%s/%s.md" (trimSuffix "/" $root.Values.monitoring.runbooks) (index . 1) | quote }}
{{- end }}

{{/* What the objectives count, as YAML: all requests, and the bad ones or the good ones, each a selector of one metric. */}}
{{- define "careway.indicators" -}}
{{- $series := include "careway.series" . -}}
{{- $service := .Values.service -}}
{{- $threshold := include "careway.text" .Values.slo.latency.threshold -}}
{{- /* The pages of documentation are the chassis' own; what takes the time of its file or document is the service's. */ -}}
{{- $unhurried := prepend (include "careway.service" . | fromYaml | dig "unhurried" list) ".+/(openapi[.]json|docs)" | join "|" -}}
{{- $slow := printf `%s,http_route=~"%s/.+",http_route!~%q,http_response_status_code!~"401|408|429|5.."` $series $service $unhurried -}}
availability:
  alert: CarewayAvailabilityBudgetBurn
  total: {{ printf `careway_requests_total{%s,api=%q,outcome!~"limited|refused"}` $series $service | quote }}
  bad: {{ printf `careway_requests_total{%s,api=%q,outcome="failed"}` $series $service | quote }}
  page: fails requests so often that its budget of errors will be spent in a few days
  ticket: fails requests more often than its objective allows
  promise: {{ printf "%s percent of the requests are answered without a fault of the service" (include "careway.decimal" .Values.slo.availability.objective) }}
latency:
  alert: CarewayLatencyBudgetBurn
  total: {{ printf `http_server_request_duration_seconds_count{%s}` $slow | quote }}
  good: {{ printf `http_server_request_duration_seconds_bucket{%s,le=%q}` $slow $threshold | quote }}
  page: answers so slowly that its budget of slow requests will be spent in a few days
  ticket: answers slowly more often than its objective allows
  promise: {{ printf "%s percent of the requests are answered within %s seconds" (include "careway.decimal" .Values.slo.latency.objective) $threshold }}
{{- end }}

{{/* Requests per second over a window. In: (list indicator window). */}}
{{- define "careway.requests" -}}
sum(rate({{ (index . 0).total }}[{{ index . 1 }}]))
{{- end }}

{{/* Of these the bad ones. Where the good ones are counted a scrape in between must not make less than none. */}}
{{- define "careway.errors" -}}
{{- $indicator := index . 0 -}}
{{- $window := index . 1 -}}
{{- if $indicator.bad -}}
sum(rate({{ $indicator.bad }}[{{ $window }}]))
{{- else -}}
{{- /* Prometheus 3 writes a whole bound as 1 where it came by OTLP, and as 1.0 where it was scraped. */ -}}
{{- $good := regexReplaceAll `le="([0-9]+)"` $indicator.good `le=~"${1}([.]0)?"` -}}
clamp_min({{ include "careway.requests" . }} - sum(rate({{ $good }}[{{ $window }}])), 0)
{{- end -}}
{{- end }}

{{/* As so many requests per second fewer of them count: of ten at night, one that fails is no tenth. */}}
{{- define "careway.guard" -}}
{{ int64 .minimumTraffic }} / {{ mul .period 120 }}
{{- end }}

{{/* Table 5-8 of the SRE Workbook as YAML, its windows as parts of a period of 30 days. In: an objective of the values. */}}
{{- define "careway.burns" -}}
{{- range $burn := list (list "page" 2 720) (list "page" 5 120) (list "ticket" 10 10) }}
{{- $long := div (mul $.period 86400) (index $burn 2) }}
- severity: {{ index $burn 0 }}
  # In seconds.
  long: {{ $long }}
  short: {{ div $long 12 }}
  # The share of the budget that is spent in the long window, times how often that window is in the period.
  factor: {{ include "careway.decimal" (divf (mul (index $burn 1) $.period 86400) (mul $long 100)) | quote }}
{{- end }}
{{- end }}

{{/* The selector of a series that the rules record. In: (list $ slo name). */}}
{{- define "careway.recorded" -}}
{{- $root := index . 0 -}}
{{ index . 2 }}{{ printf "{slo=%q,service=%q,namespace=%q,release=%q}" (index . 1) $root.Values.service $root.Release.Namespace (include "careway.name" $root) }}
{{- end }}

{{/* The labels of what the rules record of an objective, as YAML. In: (list $ slo). */}}
{{- define "careway.recordLabels" -}}
slo: {{ index . 1 }}
{{ include "careway.owner" (index . 0) }}
{{- end }}

{{/* The mean of what was recorded of the shortest window, over a longer one. In: (list series shortest window), in seconds. */}}
{{/* A moment in which nothing was recorded counts as one without requests: by avg_over_time one failure in the first */}}
{{/* minutes of a release, or of a Prometheus, would be an hour of failures. Requests and errors are both rates, so */}}
{{/* their means keep their weight, and few series are read. Windows of pages are read five times as often: no page is late. */}}
{{- define "careway.mean" -}}
{{- $shortest := index . 1 -}}
{{- $window := index . 2 -}}
{{- $step := ternary (div $shortest 5) $shortest (le (div $window $shortest) 72) -}}
sum_over_time({{ index . 0 }}[{{ include "careway.duration" $window }}:{{ include "careway.duration" $step }}]) / {{ div $window $step }}
{{- end }}

{{/* Whether the budget burns too fast over one window. In: (list $ slo window factor), the window in seconds. */}}
{{- define "careway.burning" -}}
{{- $root := index . 0 -}}
{{- $slo := index . 1 -}}
{{- $promised := index $root.Values.slo $slo -}}
{{- $window := include "careway.duration" (index . 2) -}}
{{- $errors := include "careway.recorded" (list $root $slo (printf "careway:slo_errors:rate%s" $window)) -}}
{{- $requests := include "careway.recorded" (list $root $slo (printf "careway:slo_requests:rate%s" $window)) -}}
{{ $errors }} / clamp_min({{ $requests }}, {{ include "careway.guard" $promised }}) > {{ index . 3 }} * {{ include "careway.budget" $promised }}
{{- end }}

{{/* The group of rules of one objective, as YAML: what is recorded, and what rings. In: (list $ slo). */}}
{{- define "careway.objectiveGroup" -}}
{{- $root := index . 0 -}}
{{- $slo := index . 1 -}}
{{- $promised := index $root.Values.slo $slo -}}
{{- $indicator := index (include "careway.indicators" $root | fromYaml) $slo -}}
{{- $period := mul $promised.period 86400 -}}
{{- $burns := include "careway.burns" $promised | fromYamlArray -}}
{{- $shortest := (index $burns 0).short | int64 -}}
{{- $windows := list -}}
{{- range $burns }}{{ $windows = append (append $windows (int64 .short)) (int64 .long) }}{{ end -}}
- name: {{ printf "careway:%s:%s:%s" $root.Release.Namespace (include "careway.name" $root) $slo }}
  rules:
    {{- range $what := list "requests" "errors" }}
    {{- range $window := append $windows $period | uniq }}
    - record: careway:slo_{{ $what }}:rate{{ include "careway.duration" $window }}
      expr: |-
        {{- if eq $window $shortest }}
        {{ include (printf "careway.%s" $what) (list $indicator (include "careway.duration" $window)) }}
        {{- else }}
        {{- $recorded := include "careway.recorded" (list $root $slo (printf "careway:slo_%s:rate%s" $what (include "careway.duration" $shortest))) }}
        {{ include "careway.mean" (list $recorded $shortest $window) }}
        {{- end }}
      labels: {{- include "careway.recordLabels" (list $root $slo) | nindent 8 }}
    {{- end }}
    {{- end }}
    - record: careway:slo_objective:ratio
      expr: vector({{ include "careway.decimal" (divf $promised.objective 100) }})
      labels: {{- include "careway.recordLabels" (list $root $slo) | nindent 8 }}
    - record: careway:slo_error_budget_remaining:ratio
      expr: |-
        {{- $errors := include "careway.recorded" (list $root $slo (printf "careway:slo_errors:rate%s" (include "careway.duration" $period))) }}
        {{- $requests := include "careway.recorded" (list $root $slo (printf "careway:slo_requests:rate%s" (include "careway.duration" $period))) }}
        1 - {{ $errors }} / ({{ $requests }} > 0) / {{ include "careway.budget" $promised }}
      labels: {{- include "careway.recordLabels" (list $root $slo) | nindent 8 }}
    {{- range $severity := list "page" "ticket" }}
    - alert: {{ $indicator.alert }}
      expr: |-
        {{- $joint := "" }}
        {{- range $burns }}
        {{- if eq .severity $severity }}
        {{- $joint }}
        (
          {{ include "careway.burning" (list $root $slo .long .factor) }}
          and
          {{ include "careway.burning" (list $root $slo .short .factor) }}
        )
        {{- $joint = "\n        or" }}
        {{- end }}
        {{- end }}
      labels:
        slo: {{ $slo }}
        {{- include "careway.alertLabels" (list $root $severity) | nindent 8 }}
      annotations: {{- include "careway.alertAnnotations" (list $root $indicator.alert (index $indicator $severity)) | nindent 8 }}
    {{- end }}
{{- end }}

{{/* The alerts beside those of the objectives, as YAML by name: severity, expression, seconds that it has to hold, and what is said. */}}
{{- define "careway.faults" -}}
{{- $series := include "careway.series" . -}}
{{- $patience := int64 .Values.monitoring.patienceSeconds -}}
{{- /* Long enough for four exports; a pod that is gone says nothing after that. */ -}}
{{- $recent := include "careway.duration" (mul 4 .Values.telemetry.exportSeconds) -}}
{{- $export := include "careway.duration" .Values.telemetry.exportSeconds -}}
{{- $hour := include "careway.duration" (mul 12 $patience) -}}
{{- $wait := include "careway.duration" $patience -}}
{{- $asked := printf `careway_requests_total{%s,api=%q,outcome` $series .Values.service -}}
{{- $answered := printf `%s="answered"}` $asked -}}
{{- $quarter := include "careway.duration" (mul 3 $patience) -}}
{{- $limited := printf `sum(increase(%s="limited"}[%s]))` $asked $hour -}}
{{- $ingested := printf `sum(increase(careway_ingestions_total{%s}[%s]))` $series $hour -}}
{{- $failed := printf `sum(increase(careway_ingestions_total{%s,outcome="failed"}[%s]))` $series $hour -}}
CarewayDatabaseUnreachable:
  severity: page
  expr: {{ printf "max(max_over_time(careway_database_reachable{%s}[%s])) == 0" $series $recent | quote }}
  # It silences its consequences (observability/alertmanager.yaml): so it rings before them, without patience, and for as
  # long after the repair as the shortest window remembers the failures.
  keepFiringFor: {{ mul 10 .Values.slo.availability.period }}
  summary: reaches its database from no pod
CarewayTelemetryAbsent:
  severity: page
  # A process that dies as it starts sends once or twice: so one of them has to have sent half of what was due. One that dies
  # after minutes sends more: so one has to have sent four fifths at some time of the last three patiences, unless there was
  # none before these. Where none has sent anything there is nothing to count. Without max() it would have the labels of the
  # selector.
  {{- $twice := mul 2 .Values.telemetry.exportSeconds | int64 }}
  {{- $sent := printf "max(count_over_time(%s[%s]))" $answered $wait }}
  {{- $best := printf "max_over_time(%s[%s:%s])" $sent $quarter (include "careway.duration" (div $patience 5)) }}
  {{- $before := printf "max(count_over_time(%s[%s] offset %s))" $answered $quarter $quarter }}
  expr: {{ printf "%s < %d or %s < %d and %s or max(absent_over_time(%s[%s]))" $sent (div (add $patience $twice -1) $twice) $best (div (mul 8 $patience) (mul 5 $twice)) $before $answered $wait | quote }}
  for: {{ $patience }}
  summary: has sent no metrics, so that none of its other alerts can ring
CarewayEverybodyRefused:
  severity: page
  # Who is refused counts for no objective. One client with an old token may ask more often than all others: so of as many as
  # were let in a week ago, on such a day at such a time, less than a tenth is, and more than a quarter is refused that was
  # not. A younger release is compared with an hour ago.
  {{- $refused := printf `increase(%s="refused"}[%s]` $asked $quarter }}
  {{- $others := printf `increase(%s!="refused"}[%s]` $asked $quarter }}
  {{- $then := printf "(sum(%%s offset 7d)) or sum(%%s offset %s)))" $hour }}
  expr: {{ printf "sum(%s)) - %s > 0.25 * (%s > 20 > 10 * sum(%s)))" $refused (printf $then $refused $refused) (printf $then $others $others) $others | quote }}
  summary: refuses nearly everybody
CarewayDatabaseConnectionsNearLimit:
  severity: ticket
  # Of several limits the nearest is told, so that both series can jump at once: what is divided is of one export.
  expr: {{ printf "max(max_over_time((last_over_time(careway_database_connections{%s}[%s]) / last_over_time(careway_database_connections_limit{%s}[%s]))[%s:%s])) > 0.8" $series $export $series $export $recent $export | quote }}
  for: {{ $patience }}
  summary: has more than four fifths of the connections that the database allows it
CarewayMigrationsPending:
  severity: ticket
  expr: {{ printf "max(max_over_time(careway_migrations_pending{%s}[%s])) > 0" $series $recent | quote }}
  for: {{ $patience }}
  summary: waits for migrations of its database
CarewayKeySetStale:
  severity: ticket
  expr: {{ printf "max by (issuer) (max_over_time(careway_key_set_age_seconds{%s}[%s])) > %d" $series $recent (mul 6 $patience) | quote }}
  summary: has an old key set of the issuer {{ "{{ $labels.issuer }}" }}, since it cannot be read
CarewayCertificateExpiring:
  severity: ticket
  expr: {{ printf "min(min_over_time(careway_certificate_expiry_seconds{%s}[%s])) - time() < 30 * 86400" $series $recent | quote }}
  summary: trusts an authority of its database whose certificate expires within 30 days
CarewayIngestionFailing:
  severity: ticket
  # An increase is extrapolated: two failures may be three while few samples of a worker are left, so it waits, and three are
  # never less. A file that is turned away, since enough of them arrive, is no ingestion and is sent again: that takes more.
  expr: {{ printf "%s > 2.5 and %s >= 0.1 * %s or %s > 10 and %s > 9 * (%s or vector(0))" $failed $failed $ingested $limited $limited $ingested | quote }}
  for: {{ $patience }}
  summary: fails to store a tenth of the files that it is given, or turns most of them away
CarewayLinksPending:
  severity: ticket
  expr: {{ printf "max(max_over_time(careway_links_pending_age_seconds{%s}[%s])) > %d" $series $recent (mul 12 $patience) | quote }}
  summary: has links to findings that wait to be verified for too long
{{- end }}

{{/* The group of the other alerts, as YAML: those of every service, and those that services.yaml adds. */}}
{{- define "careway.faultGroup" -}}
{{- $root := . -}}
{{- $faults := include "careway.faults" . | fromYaml -}}
{{- $common := list "CarewayDatabaseUnreachable" "CarewayTelemetryAbsent" "CarewayEverybodyRefused" "CarewayDatabaseConnectionsNearLimit" "CarewayMigrationsPending" "CarewayKeySetStale" "CarewayCertificateExpiring" -}}
- name: {{ printf "careway:%s:%s:alerts" .Release.Namespace (include "careway.name" .) }}
  rules:
    {{- range $name := concat $common (include "careway.service" . | fromYaml).alerts }}
    {{- $fault := index $faults $name | required (printf "the chart has no alert %s" $name) }}
    - alert: {{ $name }}
      expr: |-
        {{ $fault.expr }}
      {{- with $fault.for }}
      for: {{ include "careway.duration" . }}
      {{- end }}
      {{- with $fault.keepFiringFor }}
      keep_firing_for: {{ include "careway.duration" . }}
      {{- end }}
      labels: {{- include "careway.alertLabels" (list $root $fault.severity) | nindent 8 }}
      annotations: {{- include "careway.alertAnnotations" (list $root $name $fault.summary) | nindent 8 }}
    {{- end }}
{{- end }}

{{/* All groups of plain rules, as YAML. Sloth and Pyrra make those of the objectives themselves. */}}
{{- define "careway.groups" -}}
groups:
  {{- if has .Values.monitoring.rules (list "configmap" "prometheusrule") }}
  {{- range $slo := list "availability" "latency" }}
  {{- include "careway.objectiveGroup" (list $ $slo) | nindent 2 }}
  {{- end }}
  {{- end }}
  {{- include "careway.faultGroup" . | nindent 2 }}
{{- end }}

{{/* The head of an object that an operator or a sidecar finds by its labels. In: (list $ suffix labels). */}}
{{- define "careway.objectMetadata" -}}
{{- $metadata := include "careway.metadata" (list (index . 0) "monitoring" (index . 1)) | fromYaml -}}
{{- mergeOverwrite $metadata (dict "labels" (index . 2)) | toYaml -}}
{{- end }}
