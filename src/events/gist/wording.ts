// Wording: takes the words out of one line of a controller that are the same in every such line, and shortens names.
import type { ObjectRef } from '../flux.ts'

/**
 * What goes, and what stands in its place; and what is in each such line where looking for that costs less. Applied top to
 * bottom to one line of bounded length; every repetition is bounded, too.
 */
const rows: readonly (readonly [pattern: RegExp, replacement: string, hint?: string])[] = [
  // gRPC, net/http and net: what asked whom, from which port
  [/\brpc error: code = \w{1,30} desc = /g, ''],
  [
    /\bconnection error: desc = "transport: (?:Error )?(?:while dialing:? )?([^"]{1,600})"/g,
    '$1',
    'connection error: desc'
  ],
  [/\btls: failed to verify certificate: /g, ''],
  [/\bssh: handshake failed: (?=ssh: )/g, '', 'handshake failed'],
  [/, no supported methods remain\b/g, '', 'supported methods'],
  [/\b(lookup [\w.-]{1,253}) on [\w.:[\]-]{1,60}:\d{1,5}: (?:(?:read|dial) udp [^\s]{1,120}: )?/g, '$1: '],
  [/\bdial (?:tcp|udp): (?=lookup)/g, ''],
  [/\b(?:read|write) (?:tcp|udp) \S{1,60}->\S{1,60}: (?:(?:read|write): )?/g, '', '->'],
  [/\bdial tcp (\[?[\d.:a-f]{3,60}\]?:\d{1,5}: )(?:connect: )?/g, '$1'],
  [/; \[map\[[^\n]{0,600}\]\];?/g, ''],
  [/\breceived non 2xx response status "([^"]{1,100})" when fetching (https?:\/\/\S{1,500})/g, 'GET $2: $1'],
  [/\bunexpected requesting "[^"]{1,500}" status code: /g, 'status code: '],
  [/\b(?:unexpected|response) status code (?=\d{3})/g, ''],
  [/ \(Client\.Timeout (?:exceeded while|or context)[^()]{0,80}\)/g, ''],
  [/\b(?:client rate limiter Wait returned an error: )(?=context)/g, ''],
  [/\b(\d{1,6})\.\d{1,12}(?=[nuµm]?s\b)/g, '$1'],
  [/ giving up after \d{1,4} attempt(?:s|\(s\))?(?=[:)\s]|$)/g, '', 'giving up after'],
  // That it was refused, where the next sentence says why
  [/(?<=: |^)[A-Z][\w -]{0,60} (?:rejected|denied|refused|blocked) the request\. (?=[A-Z])/g, '', ' the request. '],
  // What comes next, and what everybody should do
  [/[,;.]? (?:retrying|next (?:try|run|scan|retry)) in \d[\d.hmsµn]{0,20}/g, ''],
  [/; please apply your changes to the latest version(?: and try again)?/g, ''],
  [/\bOperation cannot be fulfilled on ([a-z]{1,60})[\w.]{0,120} "([^"]{1,253})": /g, '$1 $2: '],
  [/; if you choose to ignore these errors, turn validation off with --validate=false/g, ''],
  [/\bensure CRDs are installed first,? ?/g, ''],
  [/[.,;]? (?:please )?(?:see|visit|refer to)(?: also)?:? https?:\/\/\S{1,300}(?: for [\w ]{1,40})?/gi, '', '://'],
  [/(?<=\.) https?:\/\/\S{1,300}$/, '', '. http'],
  // Cloud
  [/\bgoogleapi: Error (?=\d{3}: )/g, ''],
  [/\b([\w-]{1,63}@[\w-]{1,63})\.iam\.gserviceaccount\.com\b/g, '$1'],
  [
    /\boperation error [\w ]{1,60}: \w{1,60}, (?:https? response error )?(?:StatusCode: \d{3}, )?(?:RequestID: [^\s,]{0,120}, )?(?:HostID: [^\s,]{0,200}, )?(?:api error )?/g,
    ''
  ],
  [/\barn:aws[\w-]{0,12}:\w{1,20}:[\w-]{0,20}:\d{0,12}:(assumed-role\/[^/\s]{1,64})\/[^\s:,]{1,128}/g, '$1'],
  [/\bAccessDenied(?:Exception)?: (?:User: )?(?=\S{1,200} is not authorized)/g, ''],
  // kustomize-controller
  [/^kustomize (build|create) failed: (?:Error: )?/, 'kustomize $1: '],
  [/\bApply failed with \d{1,6} conflicts?: /g, ''],
  [/ dry-run failed, reason: (\w{1,40})(?:, error)?: /g, ' dry-run failed ($1): '],
  [/ dry-run failed(?: \(\w{1,40}\))?: /g, ': '],
  [/ apply failed(?: \(\w{1,40}\))?: (?=\S)/g, ': '],
  [/, error: /g, ': '],
  [
    /\bdecryption failed for '([^']{1,253})': (?:failed to decrypt and format '[^']{1,300}' Secret data: )?/g,
    'decryption of $1: '
  ],
  [/\bfailed to run '\S{0,100}\bgit (\w{1,20})\b[^'\n]{0,600}': (?:fatal: )?/g, 'git $1: ', 'git '],
  [/\b(?:envsubst error: )?variable substitution failed: /g, ''],
  [/\benvsubst error: (?:YAMLToJSON: )?/g, ''],
  [/\bvar substitution failed for '([^']{1,253})': /g, 'substitution in $1: '],
  [/\bpost build failed for '([^']{1,253})': /g, 'post build of $1: '],
  [/\bkustomization path not found: stat (\S{1,300}): no such file or directory/g, 'path not found: $1'],
  [/\bevalsymlink failure on '[^']{0,500}' : lstat (\S{1,500}): /g, '$1: '],
  [
    /\b(?:open|stat|lstat|read) (\/\S{1,500}): (?=no such file|is a directory|not a directory|permission denied|no space)/g,
    '$1: '
  ],
  [/\bfailed to decode Kubernetes YAML from (\S{1,300}): /g, '$1: '],
  [/\baccumulat(?:ing|e)[A-Za-z]{0,20}(?: [a-z]{1,20})?: /g, ''],
  [/ with config: `…`/g, ''],
  [/(?<=\bdoc is missing (?:path|key): \S{1,500}): missing value$/, '', 'doc is missing'],
  [/\bfailed to get the patch file from path\(([^()]{1,300})\): (?:open \S{1,500}: )?/g, '$1: '],
  [/\bYAML parse error on (?=\S)/g, ''],
  [/\berror converting YAML to JSON: (?:yaml: )?/g, ''],
  [/\b(conflicts? with "[^"]{1,100}") using [\w./-]{1,100}/g, '$1'],
  // Go templates, of which one includes the other
  [
    /\btemplate: \S{1,300}: executing "[^"]{0,300}" at <[^>]{0,500}>: error calling \w{1,30}: (?=template: |execution error)/g,
    ''
  ],
  [/\btemplate: (\S{1,300}:\d{1,6}):\d{1,6}: executing "[^"]{0,300}" at <\.>: /g, '$1: '],
  [/\btemplate: (\S{1,300}:\d{1,6}):\d{1,6}: executing "[^"]{0,300}" at <([^>]{0,500})>: /g, '$1: $2: '],
  [/\bexecution error at \((\S{1,300}:\d{1,6}):\d{1,6}\): /g, '$1: '],
  // Kubernetes
  [/\bInternal error occurred: /g, ''],
  [
    /\bserver-side apply failed for object (\S{1,320}) \S{1,253}, Kind=(\w{1,63}): (?:\2(?:\.[\w.-]{1,200})? "[^"]{1,253}" is invalid: )?/g,
    '$2/$1: '
  ],
  [
    /\bfailed to (?:create typed \w{1,20} object|convert new object|create typed live object) \(\/?([^();]{1,330}); [^();]{0,200}Kind=(\w{1,63})\)(?: to smd typed)?: (?:errors: )?/g,
    '$2/$1: '
  ],
  [
    /\bcannot (?:patch|create|delete|get) "([^"]{1,253})" with kind (\w{1,63}): (?:\2(?:\.[\w.-]{1,200})? "[^"]{1,253}" is invalid: )?/g,
    '$2 $1: '
  ],
  [/^([A-Z]\w{1,62}\/\S{1,320}) (?=namespace not specified)/, '$1: '],
  [
    /\buser "(?:system:serviceaccount:)?([\w.@-]{1,253}):?([\w.-]{0,253})" \(groups=\[[^\]]{0,600}\]\) (?=is attempting)/gi,
    '$1/$2 '
  ],
  [/\bfailed to create manager for existing fields: /g, ''],
  [/\b([A-Z]\w{1,62})\.[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,6} (?="[^"]{1,253}" not found)/g, '$1 ', '" not found'],
  [/(?<=: ')validation error: /g, ''],
  // Kyverno repeats the rule behind what it says.
  [/\.? rule [\w.-]{1,120} failed at path \/[^\s']{0,300}/g, '', 'failed at path'],
  [/^([A-Z]\w{1,62}(?:\/[\w.:-]{1,253}){1,2}: )[A-Z]\w{0,62}(?:\.[a-z0-9.-]{1,200})? "[^"]{1,253}" is invalid: /, '$1'],
  [/\bThe (\w{1,63}) "([^"]{1,253})" is invalid: /g, '$1 $2: '],
  [/\b([A-Z]\w{1,62})(?:\.[a-z0-9.-]{1,200})? "([^"]{1,253})" is invalid: /g, '$1 $2: ', '" is invalid: '],
  [
    /\bUser "system:serviceaccount:([\w.-]{1,63}):([\w.-]{1,253})" cannot (\w{1,20}) resource "([\w./-]{1,253})" in API group "[^"]{0,253}"(?: in the namespace "([^"]{1,63})"| at the cluster scope)?/g,
    '$1/$2 cannot $3 $4 in $5 (forbidden)'
  ],
  [
    /\b[a-z][\w.-]{1,253} (?:"[^"]{0,253}" )?is forbidden: (?=[\w.-]{1,63}\/[\w.-]{1,253} cannot )/g,
    '',
    'is forbidden: '
  ],
  [/ in {1,2}\(forbidden\)/g, ' (forbidden)'],
  [
    /\bfailed calling webhook "([^"]{1,253})": (?:failed to call webhook: )?(?:(?:Post|Get) "[^"]{1,500}": )?/g,
    'webhook $1: '
  ],
  [/\badmission webhook "([^"]{1,253})" denied the request(?: without explanation)?(: ?)?/g, 'denied by $1$2'],
  [
    /\b([A-Z]\w{1,62}[/ ](?:[\w-]{1,63}\/)?([\w.:-]{1,253}): )[a-z][\w.-]{1,253} "\2" is forbidden: /g,
    '$1forbidden: ',
    '" is forbidden: '
  ],
  [/\badmission webhook "([^"]{1,253})" does not support dry run/g, 'webhook does not support dry run ($1)'],
  [/\bdenied by [\w.-]{0,100}kyverno[\w.-]{0,100}/g, 'denied by Kyverno'],
  [/\bdenied by [\w.-]{0,100}gatekeeper[\w.-]{0,100}/g, 'denied by Gatekeeper'],
  [/(\bdenied by Kyverno: )Policy ([\w.-]{1,253}) failed: ([^\n]{1,3000})$/, '$1$3 [$2]'],
  [/\b(denied by|webhook) ([\w-]{1,63}\.[\w-]{1,63})(?:\.[\w-]{1,63}){2,8}(?=:|$)/g, '$1 $2'],
  [/(\bdenied by [^:\s]{1,253}: )\[([\w.-]{1,100})\] ([\s\S]{1,3000})$/, '$1$3 [$2]'],
  [/\bdependency [a-z0-9.-]{1,100}\/v\d[a-z0-9]{0,20}\/(?=[A-Z])/g, 'dependency '],
  [/\bresource (?=[A-Z]\w{0,62}\/\S{1,300} (?:not ready|still exists))/g, ''],
  [/ (not ready|still exists)\. status: (\w{1,20}), message: /g, ' $1: '],
  [/\b((?:pre|post)-(?:install|upgrade|rollback|delete)|test) hooks? failed: /g, '$1 hook: ', ' hook'],
  [/\bwarning: Hook [a-z-]{1,20} (\S{1,300}) failed: /gi, '$1: ', 'Hook '],
  [
    /\[?\bresource mapping not found for name: "([^"]{0,253})" namespace: "[^"]{0,63}" from "[^"]{0,300}": /g,
    '$1: ',
    'resource mapping'
  ],
  [/\bunable to recognize "[^"]{0,300}": /g, ''],
  [/\b(?:unable to build kubernetes objects from (?:current |new )?release manifest|failed to create resource): /g, ''],
  [
    /\brendered manifests contain a resource that already exists\. Unable to continue with \w{1,20}: ([A-Z]\w{1,62}) "([^"]{1,253})" in namespace "[^"]{0,63}" exists and cannot be imported into the current release: [\s\S]{0,3000}$/,
    '$1 $2 already exists, with invalid ownership metadata'
  ],
  // source-controller
  [/\bfailed to checkout and determine revision: /g, ''],
  [/\b(?:failed to copy: )?httpReadSeeker: failed open: (?:failed to do request: )?/g, '', 'httpReadSeeker'],
  [/\blooks like "[^"]{1,500}" is not a valid chart repository or cannot be reached: /g, ''],
  [/\bscan failed: /g, ''],
  [/\bdownload archive from (\S{1,500}) failed, status: /g, 'GET $1: '],
  [/^successful scan: (found \d{1,9} tags)[\s\S]{0,200}$/, '$1'],
  [/^stored artifact for commit '([\s\S]{1,300}?)'$/, 'new commit: $1'],
  [
    /^stored artifact with revision '([^']{1,300})' from '(?:oci|https?):\/\/([^']{1,300})'(?:, origin [\s\S]{0,600})?$/,
    'new artifact: $1 of $2'
  ],
  [/^stored fetched index of size (\S{1,20}) from '\w{2,5}:\/\/([^']{1,300})'/, 'new index of $2 ($1)'],
  [/^(pulled|packaged) '([^']{1,253})' chart with version '([^']{1,128})'/, '$1 $2 $3'],
  [
    /\b(?:chart pull error|chart build error|failed to get chart version for remote reference|invalid chart reference): /g,
    ''
  ],
  [
    /\bvalues don't meet the specifications of the schema\(s\) in the following chart\(s\): /g,
    'values: ',
    'values don'
  ],
  [/\breconciliation failed: /gi, '', 'econciliation failed: '],
  [/\/tmp\/[\w.-]{1,255}\//g, ''],
  [/ : (?=\S)/g, ': '],
  // Revisions and digests, as `git log --oneline` has them
  [/@sha\d{1,3}:([\da-f]{7})[\da-f]{20,}/g, '@$1'],
  [/\b(sha\d{1,3}:[\da-f]{7})[\da-f]{25,}/g, '$1'],
  [/\b([\da-f]{7})[\da-f]{33}\b/g, '$1']
]

/** Where there is no room for all that has to be read. */
const briefer: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  // The names that kustomize has for objects: Deployment.v1.apps/web.shop, ConfigMap.v1.[noGrp]/web.[noNs]
  [
    /\b([A-Z]\w{1,62})\.v\d\w{0,20}\.(?:\[noGrp\]|[a-z0-9.-]{1,253})\/(\[?[\w.:-]{1,320}?)(?:\.\[noNs\])?(?=['":,;\s\]]|$)/g,
    '$1 $2'
  ],
  [/\bmay not add resource with an (?=already registered id\b)/, ''],
  [/ \(strict mode\)$/, ''],
  // helm-controller names the chart of a release after it.
  [/^HelmChart '[\w./-]{1,400}' is not ready$/, 'HelmChart not ready'],
  [/\bassociative list with keys has an element that (?=omits key field)/, '']
]

/** A part of a line in so few words that something is lost. */
export function inFewestWords(text: string): string {
  return briefer.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), text)
}

const reference = /\b([A-Z][A-Za-z]{1,62})\/([a-z0-9][a-z0-9-]{0,62})\/([a-z0-9][a-z0-9.:-]{0,252})/g

/** `line` in fewer words, and without the name of the `object` that it is about: that is said beside it. */
export function inFewerWords(line: string, object: ObjectRef): string {
  let text = line
  for (const [pattern, replacement, hint] of rows) {
    if (hint === undefined || text.includes(hint)) text = text.replace(pattern, replacement)
  }
  text = withoutEcho(text).replace(/(?<=^|: )([A-Z][A-Za-z]{1,62})\/([\w.:-]{1,253})(?=: )/g, '$1 $2')
  text = text.replace(reference, (_, kind: string, namespace: string, name: string) =>
    nameOf({ kind, namespace, name }, object)
  )
  return withoutOwn(text, object)
}

/** `Get "a": refused; Get "b": refused` */
function withoutEcho(text: string): string {
  const [first = '', second, ...rest] = text.split('; ', 3)
  const cause = second?.slice(second.lastIndexOf(': '))
  return cause !== undefined && cause.length > 5 && rest.length === 0 && first.endsWith(cause) ? first : text
}

/** `Deployment apps/web`, and `Deployment web` where it is in the namespace of `object`. */
export function nameOf(
  { kind, namespace, name }: { kind: string; namespace: string; name: string },
  object: ObjectRef
): string {
  const place = namespace === '' || namespace === object.namespace ? name : `${namespace}/${name}`
  return kind === '' ? place : `${kind} ${place}`
}

function withoutOwn(text: string, { kind, namespace, name }: ObjectRef): string {
  if (name === '' || !text.includes(name)) return text
  const names = [
    `${kind} ${namespace}/${name}`,
    `${kind} '${namespace}/${name}'`,
    `${kind} '${name}'`,
    `${kind} "${name}"`,
    `${kind} ${name}`
  ]
  for (const form of names) {
    if (text === form || text.startsWith(`${form}: `)) return text.slice(form.length).replace(/^: /, '')
    if (text.startsWith(`${form} `)) return text.slice(form.length + 1)
  }
  return text
}
