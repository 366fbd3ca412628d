{{/* The name that all objects begin with: the release's. Names of CronJobs end at 52 characters, so it ends at 34. */}}
{{- define "careway.name" -}}
{{- if le (len .Release.Name) 34 -}}
{{- .Release.Name -}}
{{- else -}}
{{- printf "%s-%s" (.Release.Name | trunc 27 | trimSuffix "-") (.Release.Name | sha256sum | trunc 6) -}}
{{- end -}}
{{- end }}

{{/* What selects the pods of one component. In: (list $ component). Never changed: a Deployment's selector is immutable. */}}
{{- define "careway.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Values.service }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* The labels of a pod. In: (list $ component). Without the chart's version: another chart alone restarts nothing. */}}
{{- define "careway.podLabels" -}}
{{- $root := index . 0 -}}
{{ include "careway.selector" . }}
app.kubernetes.io/part-of: careway
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
{{- with $root.Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The head of an object. In: (list $ component suffix), the suffix with its hyphen, or empty. */}}
{{- define "careway.metadata" -}}
{{- $root := index . 0 -}}
name: {{ include "careway.name" $root }}{{ index . 2 }}
namespace: {{ $root.Release.Namespace | quote }}
labels:
  {{- include "careway.podLabels" (list $root (index . 1)) | nindent 2 }}
  app.kubernetes.io/managed-by: {{ $root.Release.Service }}
  helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* The image, by digest where there is one. */}}
{{- define "careway.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{- end -}}
{{- end -}}
{{- end }}

{{/* The Secret with secret-key, username and password, whoever makes it. */}}
{{- define "careway.secret" -}}
{{- .Values.secrets.existing | default (include "careway.name" .) -}}
{{- end }}

{{/* What chart/files/services.yaml says of the service, as YAML. */}}
{{- define "careway.service" -}}
{{- index (.Files.Get "files/services.yaml" | fromYaml) .Values.service | toYaml -}}
{{- end }}

{{/* A value as text. Helm reads whole numbers of files as floats: 33554432 would be 3.3554432e+07. */}}
{{- define "careway.text" -}}
{{- $whole := and (kindIs "float64" .) (eq (floor .) .) -}}
{{- ternary (int64 .) . $whole -}}
{{- end }}
