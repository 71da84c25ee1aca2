// Provider types: knows what Flux does by those types of Provider that the relay has no part in.

// fluxcd/notification-controller api/v1beta3/provider_types.go of 1.9.3.
const purposes: Record<string, readonly string[]> = {
  'sets the status of commits': ['github', 'gitlab', 'gitea', 'bitbucketserver', 'bitbucket', 'azuredevops'],
  'comments on pull requests': ['githubpullrequestcomment', 'gitlabmergerequestcomment', 'giteapullrequestcomment'],
  'starts workflows': ['githubdispatch'],
  'raises and ends alerts': ['alertmanager', 'opsgenie', 'pagerduty'],
  'records events in another tool': ['sentry', 'datadog', 'grafana', 'otel'],
  'feeds other programs': ['generic', 'generic-hmac', 'nats', 'googlepubsub', 'azureeventhub'],
  'posts to a chat that the relay does not know': [
    'msteams',
    'googlechat',
    'webex',
    'telegram',
    'lark',
    'matrix',
    'zulip'
  ]
}

/** What Flux does by a Provider of `type`; undefined if it has no such type. */
export function purposeOf(type: string): string | undefined {
  return Object.entries(purposes).find(([, types]) => types.includes(type))?.[0]
}

/** Returns the known type that `type` is except for its case; undefined if the case is right, or there is no such type. */
export function typeMeantBy(type: string): string | undefined {
  const lower = type.toLowerCase()
  const isOne = ['slack', 'discord', 'rocket'].includes(lower) || purposeOf(lower) !== undefined
  return isOne && lower !== type ? lower : undefined
}
