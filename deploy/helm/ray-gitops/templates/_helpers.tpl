{{- define "ray-gitops.name" -}}
{{- if contains "ray-gitops" .Release.Name -}}
{{ .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-ray-gitops" .Release.Name | trunc 52 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{/* A ClusterRole is seen by all namespaces; two releases of one name must not share it. */}}
{{- define "ray-gitops.clusterName" -}}
{{ printf "%s:%s" .Release.Namespace (include "ray-gitops.name" .) }}
{{- end -}}

{{/* Of a Role in a namespace that the agent is kept to: releases elsewhere may be kept to it, too. */}}
{{- define "ray-gitops.objectsName" -}}
{{ printf "%s-%s-objects" .Release.Namespace (include "ray-gitops.name" .) }}
{{- end -}}

{{- define "ray-gitops.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (ternary (include "ray-gitops.name" .) "default" .Values.serviceAccount.create) }}
{{- end -}}

{{- define "ray-gitops.selector" -}}
app.kubernetes.io/name: ray-gitops
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "ray-gitops.labels" -}}
{{ include "ray-gitops.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* The namespaces that the agent is kept to, as JSON: those of the values, and its own. Empty: all of them. */}}
{{- define "ray-gitops.namespaces" -}}
{{- $namespaces := dig "cluster" "namespaces" list .Values.config -}}
{{- if $namespaces -}}{{- $namespaces = append $namespaces .Release.Namespace | uniq -}}{{- end -}}
{{ toJson $namespaces }}
{{- end -}}

{{/* The configuration file: what the values say, and what only the chart can know. */}}
{{- define "ray-gitops.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- $_ := set $config "apiVersion" "ray-gitops.io/v1alpha1" -}}
{{- $_ := set $config "kind" "AgentConfig" -}}
{{- $_ := set $config "agentNamespace" .Release.Namespace -}}
{{- $_ := set $config "cacheDirectory" "/var/cache/ray-gitops" -}}
{{- with include "ray-gitops.namespaces" . | fromJsonArray -}}
{{- $_ := set $config.cluster "namespaces" . -}}
{{- $_ := set $config "defaultNamespace" (default (first .) $config.defaultNamespace) -}}
{{- end -}}
{{- if .Values.metrics.enabled -}}
{{- $_ := set $config "metrics" (dict "address" (printf "0.0.0.0:%d" (int .Values.metrics.port))) -}}
{{- end -}}
{{- if .Values.gitCredentials.secretName -}}
{{- $credentials := dict "username" .Values.gitCredentials.username "tokenFile" "/etc/ray-gitops/git/token" -}}
{{- $_ := set $config.repository "credentials" $credentials -}}
{{- end -}}
{{ toYaml $config }}
{{- end -}}
