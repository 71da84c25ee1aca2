// Names: what Kubernetes and Helm append to a name.
import { endOfToken, type Row } from './row.ts'

// k8s.io/apimachinery/pkg/util/rand: a pod suffix has 27 characters to choose from; a pod-template-hash, decimal digits
// through SafeEncodeString, only these ten. Narrow on purpose: a git short SHA must not look like a pod.
const podSuffix = '[bcdfghjklmnpqrstvwxz2456789]{5}'
const templateHash = '[456789bcdf]{6,10}'
// A digit directly before a letter: j9lw6 and a0tew have one; words such as https, pgsql, http2 and app01 do not.
const looksRandom = String.raw`(?=[a-z\d]{0,3}\d[a-z])`
// Words without a vowel: names of pods end in them, and a suffix could look like them.
const noWord = '(?!https|http2|pgsql|mssql|smtps|xhtml)'
// The text after the colon of an image is its tag: another image is another failure.
const notInTag = String.raw`(?<!:[\w.-]{0,128})`
const endOfName = String.raw`(?![a-zA-Z\d-])`

export const names: readonly Row[] = [
  // A ReplicaSet alone. A short hash counts only if the text calls it one: ReplicaSet "podinfo-6bc5d5b96" has timed out
  // progressing.
  [
    ['replicaset'],
    new RegExp(
      String.raw`\b(replicasets?(?:\.apps)?[ /"']{1,3}(?:[a-z\d.-]{1,63}/)?[a-z\d.-]{1,100}?)-${templateHash}${endOfName}`,
      'gi'
    ),
    '$1-<hash>'
  ],
  // Pods of a Deployment: podinfo-6bc5d5b96-j9lw6; ReplicaSets; generators of kustomize (api/hasher): settings-79bt28cg56;
  // Jobs of a CronJob (minutes since 1970) and their pods: backup-29471230-x7k2p; names that end in a time; requests and orders
  // of cert-manager: web-1-2750194033; other pods
  [
    ['-'],
    new RegExp(
      String.raw`-(?:${templateHash}-(?=\d{0,4}[a-z])${podSuffix}|(?=\d{0,9}[bcdf])(?=[bcdf]{0,9}\d)[4-9bcdf]{8,10}(?:-[a-z\d]{5})?|(?=[a-z]{0,9}\d)(?=\d{0,9}[a-z])[bcdfghkmt2456789]{10}|(?:\d{1,3}-)?(?:(?:2[6-9]|3[0-3])\d{6}|\d{9,20})(?:-${podSuffix}|-\d{8,10}|-[\da-f]{10,32}(?:-[\da-f]{6,16}){0,2})?|${looksRandom}${podSuffix})${endOfName}${notInTag}`,
      'g'
    ),
    '-<hash>'
  ],
  // Pods of a DaemonSet or Job, and Jobs with generateName: a suffix of any letters counts if the text calls them so
  [
    ['pod', 'job'],
    new RegExp(
      String.raw`\b((?:pods?|jobs?(?:\.batch)?)[ /"'=:]{1,3}(?:[a-z\d.-]{1,63}/)?[a-z\d.-]{1,100}?)-${noWord}(?=[\d]{0,4}[a-z])${podSuffix}${endOfName}`,
      'gi'
    ),
    '$1-<hash>'
  ],
  // Jobs of a chart that are named after the revision of the release, which rises on every try: job gitlab-migrations-7 failed: …
  [
    ['job ', 'job/'],
    /\b((?:job |resource Job\/[\w.-]{1,63}\/)[a-z\d.-]{1,200}?-)\d{1,5}(?= failed: | not ready\. )/g,
    '$1<n>',
    ['-0']
  ],
  // Helm test pods named with randAlphaNum, as podinfo does: pod podinfo-fault-test-a0tew failed
  [['-test-'], new RegExp(String.raw`-test-${looksRandom}[a-z\d]{5}${endOfName}`, 'g'), '-test-<hash>'],
  // Helm's release counter, which rises on every try: release apps/redis.v4, secrets "sh.helm.release.v1.redis.v4"
  [
    ['.v0'],
    new RegExp(
      String.raw`((?:\brelease [a-z\d.-]{1,63}/|\bsh\.helm\.release\.v1\.)[a-z\d.-]{1,63}?\.v)\d{1,6}${endOfToken}`,
      'g'
    ),
    '$1<n>'
  ]
]
