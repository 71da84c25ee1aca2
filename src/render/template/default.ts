// The default template: the relay's own form of a message, as a template to start from.
import type { TemplateText } from './template.ts'

const title = `
{{ transition | glyph }} {% if failure.ending == "corrected" %}drift of {% endif -%}
*{{ links.dashboard | link: object.path }}*
{%- assign state = transition | words %}{% if state != "" %} {{ state }}{% endif -%}
{%- if transition == "updated" and revision %} {{ links.commit | link: revision.short }}
  {%- if revision.subject %} _{{ revision.subject }}_{% endif -%}
{%- endif -%}
{%- if object.cluster != "" %} in {{ object.cluster | code }}{% endif -%}
{%- if failure -%}
  {%- assign lasted = failure.since | lasting -%}
  {%- case transition -%}
    {%- when "changed" %} ({{ lasted }})
    {%- when "repeated" %}, for *{{ lasted }}*
    {%- when "recovered" -%}
      {%- case failure.ending -%}
        {%- when "uninstalled", "deleted" -%}
        {%- when "unblocked", "corrected", "cleared" %} ({{ lasted }})
        {%- else %} after *{{ lasted }}*
      {%- endcase -%}
  {%- endcase -%}
{%- endif -%}
{%- if state == "" and event.summary != "" %}: {{ event.summary }}{% endif %}
`

const facts = `
{% if failure.ending == "unblocked" or failure.ending == "corrected" or failure.ending == "cleared" %}
{{ failure.news }}
{% else %}
{{ object.kind }}
{% if transition == "recovered" and failure %}
was {% if failure.began.reason != failure.reason %}first {{ failure.began.reason }}, last {% endif %}
{{- failure.reason }}{% if failure.severity != "warn" %}, {% if failure.count == 1 %}once{% else %}{{ failure.count }} times{% endif %}{% endif %}
{{ failure.news }}
{% elsif transition == "repeated" and failure %}
{{ event.reason }}: {{ event.decisive }}
{{ failure.count }} times
{% if failure.nextReminder %}next reminder in {{ failure.nextReminder | duration }}{% endif %}
{% elsif transition == "updated" %}
{% if previous and revision %}was {{ previous.short }}{% if links.compare %} ({{ links.compare | link: "compare" }}){% endif %}{% endif %}
{% elsif transition != "heartbeat" %}
{% if failure.before and failure.before != event.reason %}{{ failure.before }} → *{{ event.reason }}*{% else %}{{ event.reason }}{% endif %}
{% endif %}
{% if transition != "updated" and transition != "recovered" and revision %}
{% assign isNamed = false %}{% if object.kind == "HelmRelease" and event.summary contains revision.short %}{% assign isNamed = true %}{% endif %}
{% if transition == "failed" or transition == "changed" %}
{% unless isNamed or previous and object.kind != "HelmRelease" %}{% if object.kind == "HelmRelease" %}chart {% endif %}{{ links.commit | link: revision.short }}{% endunless %}
{% if previous and object.kind == "HelmRelease" %}last good {{ links.compare | link: previous.short }}{% endif %}
{% elsif previous and transition != "repeated" %}{{ links.compare | link: previous.short }} → {{ links.commit | link: revision.short }}
{% elsif transition != "repeated" %}{% if object.kind == "HelmRelease" %}chart {% endif %}{{ links.commit | link: revision.short }}
{% endif %}
{% endif %}
{% unless transition == "repeated" and failure %}{{ event.at | time }}{% endunless %}
{% for fact in shown %}
{% if fact[0] == "summary" %}_{{ fact[1] }}_{% elsif fact[1] contains "://" %}{{ fact[1] | link: fact[0] }}{% else %}{{ fact[0] }} *{{ fact[1] }}*{% endif %}
{% endfor %}
{% for page in links.pages %}
{{ page[1] | link: page[0] }}
{% endfor %}
{% endif %}
`

/** A template that makes the same message as no template. */
export const defaultTemplate: TemplateText = {
  title: title.trim(),
  gist: '{{ event.gist }}',
  facts: facts.trim(),
  body: '{% if transition == "failed" or transition == "changed" %}{{ event.log | fence }}{% endif %}'
}
