{{/* What every pod of the release has in common: who it is, what it may, what it can read. In: (list $ component). */}}
{{- define "careway.pod" -}}
{{- $component := index . 1 -}}
{{- with index . 0 -}}
{{ include "careway.placement" . }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  # An archive of years is not gone through file by file at each start.
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
volumes:
  - name: memory
    emptyDir: {medium: Memory, sizeLimit: 64Mi}
  {{- if and .Values.database.trial (ne $component "test") }}
  - name: trial-key
    emptyDir: {medium: Memory, sizeLimit: 1Mi}
  {{- end }}
  {{- if ne $component "test" }}
  # A directory of its own: files mounted with subPath never change, and these are rotated.
  - name: secrets
    secret: {secretName: {{ include "careway.secret" . | quote }}, defaultMode: 0440}
  {{- end }}
  {{- with .Values.database.caConfigMap }}
  - name: database-ca
    configMap: {name: {{ . | quote }}}
  {{- end }}
  {{- with .Values.keySets }}
  - name: key-sets
    configMap: {name: {{ . | quote }}}
  {{- end }}
  {{- if and .Values.peer.url (has $component (list "server" "job")) }}
  - name: peer-token
    projected:
      defaultMode: 0440
      sources:
        - serviceAccountToken:
            audience: {{ .Values.peer.audience | quote }}
            expirationSeconds: {{ int .Values.peer.tokenSeconds }}
            path: token
  {{- end }}
  {{- with .Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Who a pod is and where it may run; the trial's database is no exception. */}}
{{- define "careway.placement" -}}
serviceAccountName: {{ include "careway.name" . }}
# The API server is nobody's business here; the token for the peer is a volume of its own.
automountServiceAccountToken: false
# Otherwise each Service of the namespace adds seven variables.
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- end }}

{{/* What every container of the image has in common, but its resources. In: (list $ component). */}}
{{- define "careway.container" -}}
{{- $component := index . 1 -}}
{{- with index . 0 -}}
image: {{ include "careway.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  capabilities: {drop: [ALL]}
  readOnlyRootFilesystem: true
envFrom:
  - configMapRef: {name: {{ include "careway.name" . }}}
env:
  - name: K8S_POD_NAME
    valueFrom: {fieldRef: {fieldPath: metadata.name}}
  - name: K8S_POD_UID
    valueFrom: {fieldRef: {fieldPath: metadata.uid}}
  - name: K8S_POD_IP
    valueFrom: {fieldRef: {fieldPath: status.podIP}}
  - name: K8S_NODE_NAME
    valueFrom: {fieldRef: {fieldPath: spec.nodeName}}
  {{- if eq $component "test" }}
  - {name: CAREWAY_PROVED, value: "{{ include "careway.name" . }}:8000"}
  - {name: CAREWAY_COLLECTION, value: /{{ .Values.service }}/v1/{{ (include "careway.service" . | fromYaml).collection }}}
  - {name: CAREWAY_POLICIES, value: {{ .Values.networkPolicy.enabled | quote }}}
  {{- end }}
  {{- if and .Values.database.direct.host (eq $component "migration") }}
  - {name: DATABASE_URL, value: {{ include "careway.databaseUrl" (list . .Values.database.direct) | quote }}}
  - {name: CAREWAY_TRANSACTION_POOLER, value: "false"}
  {{- end }}
  - name: OTEL_RESOURCE_ATTRIBUTES
    value: {{ include "careway.attributes" . | quote }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
volumeMounts:
  - {name: memory, mountPath: /tmp}
  {{- if and .Values.database.trial (ne $component "test") }}
  # Where a process of a trial makes the key that signs its tokens.
  - {name: trial-key, mountPath: /srv/careway/.careway}
  {{- end }}
  {{- if ne $component "test" }}
  - {name: secrets, mountPath: /etc/careway/secrets, readOnly: true}
  {{- end }}
  {{- if .Values.database.caConfigMap }}
  - {name: database-ca, mountPath: /etc/careway/database-ca, readOnly: true}
  {{- end }}
  {{- if .Values.keySets }}
  - {name: key-sets, mountPath: /etc/careway/key-sets, readOnly: true}
  {{- end }}
  {{- if and .Values.peer.url (has $component (list "server" "job")) }}
  - {name: peer-token, mountPath: /var/run/secrets/careway, readOnly: true}
  {{- end }}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Attributes of the telemetry's resource; those of the pod are filled in by the kubelet. */}}
{{- define "careway.attributes" -}}
{{- $pairs := list "k8s.pod.name=$(K8S_POD_NAME)" "k8s.pod.uid=$(K8S_POD_UID)" "k8s.node.name=$(K8S_NODE_NAME)" -}}
{{- $pairs = append $pairs (printf "k8s.namespace.name=%s" .Release.Namespace) -}}
{{- $pairs = append $pairs (printf "k8s.deployment.name=%s" (include "careway.name" .)) -}}
{{- range $name, $value := .Values.telemetry.attributes }}{{ $pairs = append $pairs (printf "%s=%s" $name ($value | urlquery | replace "+" "%20")) }}{{ end -}}
{{- join "," $pairs -}}
{{- end }}
