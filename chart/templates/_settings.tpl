{{/* The host names that the service answers to: the Service's own, and those of clients. */}}
{{- define "careway.hosts" -}}
{{- $name := include "careway.name" . -}}
{{- $within := printf "%s.%s" $name .Release.Namespace -}}
{{- $own := list $name $within (printf "%s.svc" $within) (printf "%s.svc.cluster.local" $within) -}}
{{- $ingress := ternary .Values.ingress.hosts list .Values.ingress.enabled -}}
{{- $route := ternary .Values.httpRoute.hostnames list .Values.httpRoute.enabled -}}
{{- /* Django writes *.example.org as .example.org */ -}}
{{- concat $own .Values.hosts $ingress $route | uniq | join "," | replace "*." "." -}}
{{- end }}

{{/* The database's URL: without user and password, which are files. In: (list $ place), the place with host and port. */}}
{{- define "careway.databaseUrl" -}}
{{- $root := index . 0 -}}
{{- $place := index . 1 -}}
{{- $database := $root.Values.database -}}
{{- $name := $database.name | default (printf "careway_%s" $root.Values.service) -}}
{{- if $database.trial -}}
postgresql://{{ include "careway.name" $root }}-trial-database:5432/{{ $name }}
{{- else -}}
{{- $authority := ternary "/etc/careway/database-ca/ca.pem" "system" (ne $database.caConfigMap "") -}}
{{- $options := merge (dict "sslmode" "verify-full" "sslrootcert" $authority) $database.options -}}
{{- $pairs := list -}}
{{- range $option, $value := $options }}{{ $pairs = append $pairs (printf "%s=%s" $option (include "careway.text" $value | urlquery)) }}{{ end -}}
postgresql://{{ $place.host }}:{{ $place.port }}/{{ $name }}?{{ join "&" $pairs }}
{{- end -}}
{{- end }}

{{/* Every variable of a process but those of single pods, as YAML of strings. Those of `settings` go before. */}}
{{- define "careway.settings" -}}
{{- $ours := dict
  "CAREWAY_ENVIRONMENT" (ternary "development" "production" .Values.database.trial)
  "CAREWAY_SERVICES" .Values.service
  "CAREWAY_VERSION" .Chart.AppVersion
  "CAREWAY_ALLOWED_HOSTS" (include "careway.hosts" .)
  "CAREWAY_DRAIN_SECONDS" "0"
  "CAREWAY_SECRET_KEY_FILE" "/etc/careway/secrets/secret-key"
  "DATABASE_URL" (include "careway.databaseUrl" (list . .Values.database))
  "DATABASE_USER_FILE" "/etc/careway/secrets/username"
  "DATABASE_PASSWORD_FILE" "/etc/careway/secrets/password"
-}}
{{- if .Values.issuers }}
  {{- $_ := set $ours "CAREWAY_TRUSTED_ISSUERS" (toJson .Values.issuers) }}
{{- end }}
{{- if eq .Values.database.caConfigMap "" }}
  {{- $_ := set $ours "SSL_CERT_FILE" "/etc/ssl/certs/ca-certificates.crt" }}
{{- end }}
{{- if .Values.peer.url }}
  {{- $asks := (include "careway.service" . | fromYaml).asks | upper }}
  {{- $_ := set $ours (printf "CAREWAY_%s_URL" $asks) .Values.peer.url }}
  {{- $_ := set $ours (printf "CAREWAY_%s_TOKEN_FILE" $asks) "/var/run/secrets/careway/token" }}
{{- end }}
{{- with .Values.telemetry }}
  {{- if .endpoint }}
    {{- $_ := set $ours "OTEL_EXPORTER_OTLP_ENDPOINT" .endpoint }}
    {{- $_ := set $ours "OTEL_METRIC_EXPORT_INTERVAL" (mul .exportSeconds 1000 | toString) }}
    {{- $_ := set $ours "OTEL_TRACES_SAMPLER" (ternary "always_on" "parentbased_traceidratio" .tailSampled) }}
    {{- if not .tailSampled }}
      {{- $_ := set $ours "OTEL_TRACES_SAMPLER_ARG" (.tracedShare | toString) }}
    {{- end }}
    {{- if .logs }}
      {{- $_ := set $ours "OTEL_LOGS_EXPORTER" "otlp" }}
    {{- end }}
  {{- end }}
{{- end }}
{{- $given := dict }}
{{- range $name, $value := .Values.settings }}
  {{- $_ := set $given $name (include "careway.text" $value) }}
{{- end }}
{{- merge $given $ours | toYaml }}
{{- end }}
