// Phrases: list the words that are the same in every message of a controller, of Kubernetes or of a cloud.

import { cloudPhrases } from './cloud-phrases.ts'
import { kubernetesPhrases } from './kubernetes-phrases.ts'

/**
 * A pattern, its replacement, and a hint: text that is in each such line, given where looking for it costs less. Applied top to
 * bottom to one line of bounded length; every repetition is bounded, too.
 */
export const phrases: readonly (readonly [pattern: RegExp, replacement: string, hint?: string])[] = [
  // Go took the %2F and %3A of an address for verbs of a format
  [/%!F\(MISSING\)/g, '/', '(MISSING)'],
  [/%!A\(MISSING\)/g, ':', '(MISSING)'],
  // gRPC, net/http and net: who asked whom, from which port
  [/\brpc error: code = \w{1,30} desc = /g, '', 'rpc error: code = '],
  [
    /\bconnection error: desc = "transport: (?:Error )?(?:while dialing:? )?([^"]{1,600})"/g,
    '$1',
    'connection error: desc'
  ],
  [/\btls: failed to verify certificate: /g, '', 'tls: failed to verify certificate: '],
  [
    / \(possibly because of "[^"\n]{1,300}" while trying to verify candidate authority certificate "[^"\n]{0,300}"\)/g,
    '',
    ' (possibly because of "'
  ],
  [/\bssh: handshake failed: (?=ssh: )/g, '', 'handshake failed'],
  [/, no supported methods remain\b/g, '', 'supported methods'],
  [
    /(?<=\bno common algorithm for [\w ]{1,40}; )(client|we) offered: (\[[^\]]{0,600}\]), (server|peer) offered: /g,
    '$1 offered $2, $3 offered ',
    'no common algorithm'
  ],
  [/\b(lookup [\w.-]{1,253}) on [\w.:[\]-]{1,60}:\d{1,5}: (?:(?:read|dial) udp [^\s]{1,120}: )?/g, '$1: ', ' on '],
  [/\bdial (?:tcp|udp): (?=lookup)/g, '', 'dial '],
  [/\b(?:read|write) (?:tcp|udp) \S{1,60}->\S{1,60}: (?:(?:read|write): )?/g, '', '->'],
  [/\bdial tcp (\[?[\d.:a-f]{3,60}\]?:\d{1,5}: )(?:connect: )?/g, '$1', 'dial tcp '],
  [/: dckr_jti_[\w-]{1,255}={0,2}(?=\. )/g, '', ': dckr_jti_'],
  [/\.?; (?:\[map\[[^\n]{0,600}\]\]|map\[[^\n[\]]{0,300}\]);?/g, '', 'map['],
  [
    /\breceived non 2xx response status "([^"]{1,100})" when fetching (https?:\/\/\S{1,500})/g,
    'GET $2: $1',
    'received non 2xx response status "'
  ],
  [/\bunexpected status from ([A-Z]{3,7}) request to (https?:\/\/\S{1,500}): /g, '$1 $2: ', 'unexpected status from '],
  // The query of a path is left out.
  [/(?<="[\w./-]{1,300})\?[\w.=&%+-]{1,600}(?=")/g, '', '?'],
  // An address within a sentence is shortened to its host and its last step
  [
    /(?<=[a-z] ['"])https?:\/\/([\w.:-]{1,253}\/)[^\s'"]{8,600}\/(?=[^\s'"/]{1,60}['"] [a-z]{2,20} (?!\S{1,100}$))/g,
    '$1…/',
    '://'
  ],
  // A server that speaks no TLS is asked again without it, and only that answer counts.
  [
    /\bGet "https:[^"]{1,500}": http: server gave HTTP response to HTTPS client; (?=Get "http:)/g,
    '',
    'gave HTTP response to HTTPS client; '
  ],
  [/\bunexpected requesting "[^"]{1,500}" status code: /g, 'status code: ', 'unexpected requesting "'],
  [/\b(?:unexpected|response) status code (?=\d{3}|https?:)/g, '', ' status code '],
  [/ \(Client\.Timeout (?:exceeded while|or context)[^()]{0,80}\)/g, '', ' (Client.Timeout '],
  [/\b(?:client rate limiter Wait returned an error: )(?=context)/g, ''],
  // Fractions of a second are dropped, except in a limit and in what exceeds it, where each digit counts.
  [/(?<![<>] )\b(\d{1,6})\.\d{1,12}(?=[nuµm]?s\b(?! [<>]))/g, '$1'],
  [/ giving up after \d{1,4} attempt(?:s|\(s\))?(?=[:)\s]|$)/g, '', 'giving up after'],
  // It comes first that other fields cannot be changed, and after it the list of those that can.
  [
    /\bForbidden: (updates to \w{1,40} spec for fields other than) ([^\n]{30,400}?) are forbidden/g,
    'Forbidden: $1 these are forbidden ($2)',
    'for fields other than '
  ],
  // urllib3, which most Python programs print
  [
    /\bHTTPS?ConnectionPool\(host='([^']{1,253})', port=(\d{1,5})\): (?:Max retries exceeded with url: \S{1,1000} \(Caused by \w{1,60}\((?:'?<[^<>]{1,200}>(?:: |, ))?["']?([^"'()]{1,400})["']?[^\n]{0,60}\)\))?/g,
    '$1:$2: $3',
    'ConnectionPool(host='
  ],
  // The holder of a lock of terraform's state
  [/(?<=\berror acquiring the state lock): Lock Info: [\s\S]{0,3000}$/i, '', ': Lock Info: '],
  // "… rejected the request", if the next sentence says why
  [/(?<=: |^)[A-Z][\w -]{0,60} (?:rejected|denied|refused|blocked) the request\. (?=[A-Z])/g, '', ' the request. '],
  // A page for a browser
  [/: ?<(?:!doctype|html|\?xml|head|body)\b[^\n]{0,4000}$/i, ''],
  // nginx, about a temporary file of its controller: the time, the process, and the place in the file
  [/(?<!\S)\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d \[(?:emerg|alert|crit|error)\] \d{1,8}#\d{1,8}: /g, '', '#'],
  [/ in (?:\/tmp\/nginx\/)?nginx-cfg\d{1,20}:\d{1,6}(?!\w)/g, '', 'nginx-cfg'],
  [/\b\d{1,4} errors? occurred: (?:\* (?=\S))?/g, '', ' occurred: '],
  // Helm says what it did about the error after the error.
  [
    /\ban error occurred while [a-z ]{4,60}\. original (?:install|upgrade) error: (?:([^\n]{1,3000}): unable to [a-z ]{4,60}: [^\n]{0,3000}$)?/,
    '$1',
    'error occurred while '
  ],
  [
    /\brelease \S{1,253} failed, and has been ([a-z ]{6,20}) due to [a-z-]{4,30} being set: (?=\S)/g,
    '$1: ',
    ', and has been '
  ],
  [/^delete failed, errors: /, '', 'delete failed, errors: '],
  [/^([A-Z]\w{1,62}\/\S{1,320}) delete failed: /, '$1: ', ' delete failed: '],
  [/\buninstallation completed with \d{1,4} error\(s\): /g, '', 'uninstallation completed'],
  // Announcements of the next try, and advice for everybody
  [/[,;.]? (?:retrying|next (?:try|run|scan|retry)) in \d[\d.hmsµn]{0,20}/g, '', ' in '],
  [
    /; please apply your changes to the latest version(?: and try again)?/g,
    '',
    '; please apply your changes to the latest version'
  ],
  [
    /\bOperation cannot be fulfilled on ([a-z]{1,60})[\w.]{0,120} "([^"]{1,253})": /g,
    '$1 $2: ',
    'Operation cannot be fulfilled on '
  ],
  [
    /; if you choose to ignore these errors, turn validation off with --validate=false/g,
    '',
    '; if you choose to ignore these errors, turn validation off with --validate=false'
  ],
  [/ ?\bensure CRDs are installed first\b/g, '', 'ensure CRDs are installed first'],
  [/[.,:;]? (?:please )?(?:see|visit|refer to)(?: also)?:? https?:\/\/\S{1,300}(?: for [\w ]{1,40})?/gi, '', '://'],
  [/(?<=\.) https?:\/\/\S{1,300}$/, '', '. http'],
  ...cloudPhrases,
  // helm-controller internal/reconcile/correct_cluster_drift.go
  [
    /^Failed to (?:partially )?correct cluster state of release \S{1,320}: /,
    'drift correction: ',
    'correct cluster state of release '
  ],
  // kustomize-controller
  [/^kustomize (build|create) failed: (?:Error: )?/, 'kustomize $1: ', 'kustomize '],
  [/\bApply failed with \d{1,6} conflicts?: /g, '', 'Apply failed with '],
  [/ dry-run failed, reason: (\w{1,40})(?:, error)?: /g, ' dry-run failed ($1): ', ' dry-run failed, reason: '],
  [/ dry-run failed(?: \(\w{1,40}\))?: /g, ': ', ' dry-run failed'],
  [/ apply failed(?: \(\w{1,40}\))?: (?=\S)/g, ': ', ' apply failed'],
  [/ dry-run failed, error: /g, ': ', ' dry-run failed, error: '],
  [/\bsubstitute from '([^']{1,320})' error: /g, '$1: ', "' error: "],
  [/, err(?:or)?: /g, ': ', ', err'],
  [
    /\bdecryption failed for '([^']{1,253})': (?:failed to decrypt and format '[^']{1,300}' Secret data: )?/g,
    'decryption of $1: ',
    "decryption failed for '"
  ],
  [/\bfailed to run '\S{0,100}\bgit (\w{1,20})\b[^'\n]{0,600}': (?:fatal: )?/g, 'git $1: ', 'git '],
  [/\b(?:envsubst error: )?variable substitution failed: /g, '', 'variable substitution failed: '],
  [/\benvsubst error: (?:YAMLToJSON: )?/g, '', 'envsubst error: '],
  [
    /\bgithub\.com\/ProtonMail\/[\w/-]{1,100} error: (Could not load secring): open \S{1,300}: no such file or directory(?:; GPG binary error: exit status \d{1,3})?/g,
    '$1',
    'ProtonMail'
  ],
  [/\bvar substitution failed for '([^']{1,253})': /g, 'substitution in $1: ', "var substitution failed for '"],
  [/\bpost build failed for '([^']{1,253})': /g, 'post build of $1: ', "post build failed for '"],
  [
    /\bkustomization path not found: stat (\S{1,300}): no such file or directory/g,
    'path not found: $1',
    'kustomization path not found: stat '
  ],
  [/\bevalsymlink failure on '[^']{0,500}' : lstat (\S{1,500}): /g, '$1: ', "evalsymlink failure on '"],
  [
    /\b(?:open|stat|lstat|read) (\/\S{1,500}): (?=no such file|is a directory|not a directory|permission denied|no space)/g,
    '$1: ',
    ': '
  ],
  [/\bfailed to decode Kubernetes YAML from (\S{1,300}): /g, '$1: ', 'failed to decode Kubernetes YAML from '],
  // The Go type of a value
  [/\bmap\[string\]interface \{\}(?:\(nil\): |(?=\{))/g, '', 'interface {}'],
  [/\baccumulat(?:ing|e)[A-Za-z]{0,20}(?: [a-z]{1,20})?: /g, '', 'accumulat'],
  [/ with config: `…`/g, '', ' with config: `…`'],
  [/(?<=\bdoc is missing (?:path|key): \S{1,500}): missing value$/, '', 'doc is missing'],
  [
    /\bfailed to get the patch file from path\(([^()]{1,300})\): (?:open \S{1,500}: )?/g,
    '$1: ',
    'failed to get the patch file from path('
  ],
  [/\bYAML parse error on (?=\S)/g, '', 'YAML parse error on '],
  [/\berror converting YAML to JSON: (?:yaml: )?/g, '', 'error converting YAML to JSON: '],
  [/\b(conflicts? with "[^"]{1,100}") using [\w./-]{1,100}/g, '$1', ' using '],
  // Go templates that include each other
  [
    /\btemplate: \S{1,300}: executing "[^"]{0,300}" at <[^>]{0,500}>: error calling \w{1,30}: (?=template: |execution error)/g,
    '',
    '>: error calling '
  ],
  [/\btemplate: (\S{1,300}:\d{1,6}):\d{1,6}: executing "[^"]{0,300}" at <\.>: /g, '$1: ', ': executing "'],
  [
    /\btemplate: (\S{1,300}:\d{1,6}):\d{1,6}: executing "[^"]{0,300}" at <([^>]{0,500})>: /g,
    '$1: $2: ',
    ': executing "'
  ],
  [/\bexecution error at \((\S{1,300}:\d{1,6}):\d{1,6}\): /g, '$1: ', 'execution error at ('],
  [/\bparse error at \((\S{1,300}:\d{1,6})\): /g, '$1: ', 'parse error at ('],
  ...kubernetesPhrases,
  // source-controller
  [/\bfailed to checkout and determine revision: /g, '', 'failed to checkout and determine revision: '],
  [/\b(?:failed to copy: )?httpReadSeeker: failed open: (?:failed to do request: )?/g, '', 'httpReadSeeker'],
  [
    /\blooks like "[^"]{1,500}" is not a valid chart repository or cannot be reached: /g,
    '',
    '" is not a valid chart repository or cannot be reached: '
  ],
  [/\bscan failed: /g, '', 'scan failed: '],
  [/\b(Protected branch) update failed for refs\/heads\/[^\s:]{1,250}(?=: )/g, '$1', ' for refs/heads/'],
  [/(?<=\bfailed to push to remote: )remote: (?:error: )?/gi, '', 'to remote: '],
  [/\bdownload archive from (\S{1,500}) failed, status: /g, 'GET $1: ', 'download archive from '],
  [/\bfailed to download (?:artifact|archive|chart) from (\S{1,500}), status: /g, 'GET $1: ', ', status: '],
  [/^successful scan: (found \d{1,9} tags)[\s\S]{0,200}$/, '$1', 'successful scan: '],
  [/^stored artifact for commit '([\s\S]{1,300}?)'$/, 'new commit: $1', "stored artifact for commit '"],
  [
    /^stored artifact with revision '([^']{1,300})' from '(?:oci|https?):\/\/([^']{1,300})'(?:, origin [\s\S]{0,600})?$/,
    'new artifact: $1 of $2',
    "stored artifact with revision '"
  ],
  [
    /^stored fetched index of size (\S{1,20}) from '\w{2,5}:\/\/([^']{1,300})'/,
    'new index of $2 ($1)',
    'stored fetched index of size '
  ],
  [/^(pulled|packaged) '([^']{1,253})' chart with version '([^']{1,128})'/, '$1 $2 $3', "' chart with version '"],
  [
    /\b(?:chart pull error|chart build error|failed to get chart version for remote reference|invalid chart reference): /g,
    '',
    ': '
  ],
  [
    /\bvalues don't meet the specifications of the schema\(s\) in the following chart\(s\): /g,
    'values: ',
    'values don'
  ],
  [/\breconciliation failed: /gi, '', 'econciliation failed: '],
  [/\/tmp\/[\w.-]{1,255}\//g, '', '/tmp/'],
  // Revisions and digests, as short as in `git log --oneline`
  [/@sha\d{1,3}:([\da-f]{7})[\da-f]{20,}/g, '@$1', '@sha'],
  [/\b(sha\d{1,3}:[\da-f]{7})[\da-f]{25,}/g, '$1'],
  [/\b([\da-f]{7})[\da-f]{33}\b/g, '$1']
]
