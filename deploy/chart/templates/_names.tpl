{{- /* Names: say what the objects of a release are called, and find each other by. */ -}}

{{- define "flux-relay.name" -}}
{{- $name := .Values.fullnameOverride | default .Release.Name | replace "." "-" | trunc 52 -}}
{{- /* Helm takes such a name for a release, Kubernetes none for a Service, and what comes before that would be there already. */ -}}
{{- if regexMatch "^[0-9]" $name }}{{ fail (printf "nothing can be called %s, which begins with a digit: set fullnameOverride" $name) }}{{ end -}}
{{- regexReplaceAll "-+$" $name "" -}}
{{- end -}}

{{- /* The one label of deploy/base: Deployment, Service and policies select by it, so two releases differ in it. */ -}}
{{- define "flux-relay.labels" -}}
app.kubernetes.io/name: {{ include "flux-relay.name" . }}
{{- end -}}

{{- define "flux-relay.image" -}}
{{- with .Values.image -}}
{{- with regexFind ":[^/]*$" .repository }}{{ fail (printf "image.repository ends in %s: a tag belongs into image.tag" .) }}{{ end -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ with .digest }}@{{ . }}{{ end }}
{{- end -}}
{{- end -}}

{{- /* What the config calls the cluster, unless that comes from the environment, or is a text to the relay alone, as `yes` is: Helm
       reads YAML 1.1. Where the Alert says nothing, the relay's own name for it counts. */ -}}
{{- define "flux-relay.cluster" -}}
{{- $cluster := (fromYaml .Values.config).cluster -}}
{{- if and (kindIs "string" $cluster) (not (contains "${" $cluster)) }}{{ trim $cluster }}{{ end -}}
{{- end -}}
