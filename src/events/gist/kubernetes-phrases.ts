// Kubernetes phrases: list the words that are the same in every message of the API server, its webhooks and policies, and of Helm
// about objects.

import { countedKinds } from '../vocabulary.ts'

/** These are in the form of the other phrases and stand among them: applied top to bottom, each repetition bounded. */
export const kubernetesPhrases: readonly (readonly [pattern: RegExp, replacement: string, hint?: string])[] = [
  [
    /(?<=\bcomplete list of server APIs: [\w.-]{0,253}\/v\d\w{0,20}: [^,]{1,300}), [\w.-]{0,253}\/v\d\w{0,20}: [^\n]{0,4000}$/,
    '',
    'complete list of server APIs: '
  ],
  [/\bInternal error occurred: /g, '', 'Internal error occurred: '],
  // The scheduler says first why no node was left, then what it tried: only the first matters.
  [/(?<= nodes? (?:is|are) available: [^\n]{1,1500}?)\. preemption: [^\n]{1,1500}$/, '', '. preemption: '],
  [
    /\b(?:server-side apply failed for|conflict occurred while applying) object \/?(\S{1,320}) \S{1,253}, Kind=(\w{1,63}): (?:\2(?:\.[\w.-]{1,200})? "[^"]{1,253}" is invalid: )?/g,
    '$2/$1: ',
    ', Kind='
  ],
  [
    /\bfailed to (?:create typed \w{1,20} object|convert new object|create typed live object) \(\/?([^();]{1,330}); [^();]{0,200}Kind=(\w{1,63})\)(?: to smd typed)?: (?:errors: )?/g,
    '$2/$1: ',
    'failed to '
  ],
  [
    /\bcannot (?:patch|create|delete|get) "([^"]{1,253})" with kind (\w{1,63}): (?:\2(?:\.[\w.-]{1,200})? "[^"]{1,253}" is invalid: )?/g,
    '$2 $1: ',
    '" with kind '
  ],
  [/^([A-Z]\w{1,62}\/\S{1,320}) (?=namespace not specified)/, '$1: '],
  [
    /\buser "system:serviceaccount:([\w.-]{1,63}):([\w.-]{1,253})" \(groups=\[[^\]]{0,600}\]\) (?=is attempting)/gi,
    '$1/$2 ',
    ' (groups=['
  ],
  [/\buser "([\w.:@-]{1,253})" \(groups=\[[^\]]{0,600}\]\) (?=is attempting)/gi, '$1 ', ' (groups=['],
  [
    /\bid resid\.ResId\{Gvk:resid\.Gvk\{[^{}]{0,200}Kind:"(\w{1,63})"[^{}]{0,60}\}, Name:"([^"]{1,253})"[^{}]{0,300}\} (?=exists)/g,
    '$1 $2 ',
    'resid.ResId'
  ],
  [/\b([A-Z]\w{1,62})\.[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,6} (?="[^"]{1,253}" not found)/g, '$1 ', '" not found'],
  [
    /\b(RFC 1123 (?:subdomain|label)) must consist of lower case alphanumeric characters(, '-' or '\.'| or '-'), and must start and end with an alphanumeric character(?: \(e\.g\.[^\n]{0,300}?'\))?/g,
    '$1 must consist of a-z, 0-9$2 (not at its ends)',
    ' RFC 1123 '
  ],
  [
    /\b(DNS-1035 label) must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character(?: \(e\.g\.[^\n]{0,300}?'\))?/g,
    "$1 must start with a-z and consist of a-z, 0-9 or '-' (not at its end)",
    ' DNS-1035 '
  ],
  [/\b(?:The )?([A-Z]\w{1,62})(?:\.[a-z0-9.-]{1,200})? "([^"]{1,253})" is invalid: /g, '$1 $2: ', '" is invalid: '],
  // A check that the API server did not get to is no error of its own.
  [
    /<nil>: Invalid value: "?null"?: some validation rules were not checked because [^,\]\n]{1,200}, |, <nil>: Invalid value: "?null"?: some validation rules were not checked because [^,\]\n]{1,200}/g,
    '',
    ': some validation rules were not checked '
  ],
  // The schema of a CRD names the field again behind the value.
  [
    /(?<=\b([\w.[\]"-]{1,200}): (?:Invalid|Unsupported) value: [^\n:]{1,100}: )\1 in body (?=should |must )/g,
    '',
    ' in body '
  ],
  // Added by a cloud's own authorizer, which is asked after Kubernetes
  [
    /: (?:Azure does not have opinion for this user|User does not have access to the resource in Azure)\.[^\n]{0,300}$/,
    '',
    'Azure'
  ],
  [/: (requires one of \[[^\]\n]{1,300}\]) permission\(s\)\.?$/, ' ($1)', ': requires one of ['],
  [
    /\bUser "system:serviceaccount:([\w.-]{1,63}):([\w.-]{1,253})" cannot (\w{1,20}) resource "([\w./-]{1,253})" in API group "[^"]{0,253}"(?: in the namespace "([^"]{1,63})"| at the cluster scope)?/g,
    '$1/$2 cannot $3 $4 in $5 (forbidden)',
    'User "system:serviceaccount:'
  ],
  [
    /\bUser "([^"\s]{1,253})" cannot (\w{1,20}) resource "([\w./-]{1,253})" in API group "[^"]{0,253}"(?: in the namespace "([^"]{1,63})"| at the cluster scope)?/g,
    '$1 cannot $2 $3 in $4 (forbidden)',
    '" cannot '
  ],
  [
    /\b[a-z][\w.-]{1,253} (?:"[^"]{0,253}" )?is forbidden: (?=[\w.:@/-]{1,320} cannot \w{1,20} )/g,
    '',
    'is forbidden: '
  ],
  [/ in {1,2}\(forbidden\)/g, ' (forbidden)', '(forbidden)'],
  [
    /\bfailed calling webhook "([^"]{1,253})": (?:failed to call webhook: )?(?:(?:Post|Get) "[^"]{1,500}": )?/g,
    'webhook $1: ',
    'failed calling webhook "'
  ],
  // The times tell which of the two it is. Without the times, there is room for the owner of the certificate.
  [
    /(?<=\bcertificate )has expired or is not yet valid: current time [\w:.+-]{1,40} is after [\w:.+-]{1,40}/g,
    'has expired',
    ' is after '
  ],
  [
    /(?<=\bcertificate )has expired or (is not yet valid): current time [\w:.+-]{1,40} is before [\w:.+-]{1,40}/g,
    '$1',
    ' is before '
  ],
  [
    /\badmission webhook "([^"]{1,253})" denied the request(?: without explanation)?(: ?)?/g,
    'denied by $1$2',
    '" denied the request'
  ],
  [
    /\b([A-Z]\w{1,62}[/ ](?:[\w-]{1,63}\/)?([\w.:-]{1,253}): )[a-z][\w.-]{1,253} "\2" is forbidden: /g,
    '$1forbidden: ',
    '" is forbidden: '
  ],
  [
    /\badmission webhook "([^"]{1,253})" does not support dry run/g,
    'webhook does not support dry run ($1)',
    '" does not support dry run'
  ],
  [/\bdenied by [\w.-]{0,100}kyverno[\w.-]{0,100}/g, 'denied by Kyverno', 'denied by '],
  [/\bdenied by [\w.-]{0,100}gatekeeper[\w.-]{0,100}/g, 'denied by Gatekeeper', 'denied by '],
  [/(\bdenied by Kyverno: )Policy ([\w.-]{1,253}) failed: ([^\n]{1,3000})$/, '$1$3 [$2]', ' failed: '],
  [/\bwebhook (?=webhook\.)/g, '', 'webhook webhook.'],
  [/\b(denied by|webhook) ([\w-]{1,63}\.[\w-]{1,63})(?:\.[\w-]{1,63}){2,8}(?=:|$)/g, '$1 $2'],
  [
    /(\S{1,400}) signature key(?:less)? validation failed for authority \S{1,253} for \S{1,400}: /g,
    '$1: ',
    ' validation failed for authority '
  ],
  [
    /\bfailed policy: ([\w.-]{1,253}): (?:spec|metadata)[\w.[\]-]{0,200}: ([^\n]{1,3000})$/,
    '$2 [$1]',
    'failed policy: '
  ],
  [/(?<= denied request: failed expression): /, ' ', 'failed expression: '],
  [
    /\bValidatingAdmissionPolicy '([^']{1,253})' with binding '[^']{1,253}' denied request: ([^\n]{1,3000})$/,
    '$2 [$1]',
    'ValidatingAdmissionPolicy'
  ],
  [/(\bdenied by [^:\s]{1,253}: )\[(?:denied by )?([\w.-]{1,100})\] ([\s\S]{1,3000})$/, '$1$3 [$2]', '] '],
  [/\bdependency [a-z0-9.-]{1,100}\/v\d[a-z0-9]{0,20}\/(?=[A-Z])/g, 'dependency ', 'dependency '],
  // Helm 4. A failure, or the words of the kind's own controller, say more than that a resource is not ready. `Kind//name` has no
  // namespace.
  [/\bresource ([A-Z]\w{0,62}\/)\/?(?=\S{1,300} (?:not ready|still exists))/g, '$1', 'resource '],
  [
    new RegExp(
      String.raw`\b(?:([A-Z]\w{0,62}/\S{1,300}) not ready\. status: Failed|((?!(?:${countedKinds.join('|')})/)[A-Z]\w{0,62}/\S{1,300}) not ready\. status: \w{1,20}), message: (?=\S)`,
      'g'
    ),
    '$1$2: ',
    ' not ready. status: '
  ],
  [/ (not ready|still exists)\. status: (\w{1,20}), message: /g, ' $1: ', ', message: '],
  [/\b((?:pre|post)-(?:install|upgrade|rollback|delete)|test) hooks? failed: /g, '$1 hook: ', ' hook'],
  [/\bwarning: Hook [a-z-]{1,20} (\S{1,300}) failed: /gi, '$1: ', 'Hook '],
  [
    /(?:\[(?=resource mapping)(?![^\n]{0,4000}\]$))?\bresource mapping not found for name: "([^"]{0,253})" namespace: "[^"]{0,63}" from "[^"]{0,300}": /g,
    '$1: ',
    'resource mapping'
  ],
  [/\bunable to recognize "[^"]{0,300}": /g, '', 'unable to recognize "'],
  [
    /\b(?:rendered manifests contain a resource that already exists\. )?Unable to continue with \w{1,20}: ([A-Z]\w{1,62}) "([^"]{1,253})" in namespace "[^"]{0,63}" exists and cannot be imported into the current release: [\s\S]{0,3000}$/,
    '$1 $2 already exists, with invalid ownership metadata',
    'exists and cannot be imported'
  ]
]
