// Ids: of requests, revisions, processes and temporary folders.
import { eightHexHyphen, longWord, sevenHex, twelveHex } from '../hints.ts'
import type { Row } from './row.ts'

const fluxTempDir =
  'kustomization|kustomize|gitrepository|ocirepository|bucket|helmrepository|helmchart|helmrelease|externalartifact'
const endOfTempDir = String.raw`(?![\w-]|\.(?!tgz|tar|ya?ml|json)\w)`
const idsOf =
  'request|host|correlation|trace|span|tracking|activity|operation|session|transaction|invocation|instance|stream|client|message|error|event|job|run|build|task|ray|process'

export const ids: readonly Row[] = [
  // AWS "RequestID: 0K34…, HostID: ZrTV…", Azure "Correlation ID: …", GitHub "Request ID D0A4:1F2B:…", "stream ID 5"
  [
    ['id=', 'id:', 'id>', 'id"', "id'", 'id 0', 'id "', "id '", 'request id '],
    new RegExp(
      String.raw`(id["']?(?:[:=>] ?| (?=["'\d]|[\dA-F]{4}:[\dA-F]))["']?(?<=(?:${idsOf})[-_ ]?id["':=> ]{1,4}))(?:[\dA-F]{4}:[\dA-F:]{6,80}|[\w+/=.-]{1,200}(?<!\.))`,
      'gi'
    ),
    '$1<id>'
  ],
  [['session'], /(session[-_ ]?name["']?(?:[:=] ?| (?=["'\d]))["']?)[\w+=.@-]{1,200}(?<!\.)/gi, '$1<session>'],
  // Akamai's pages: Reference #18.5f1e2d3c.1663302174.1a2b3c4d
  [['reference #'], /\b(reference #)[\da-f.]{6,80}/gi, '$1<id>'],
  // UIDs in StorageError, volume names, kustomize-controller's 7e114434-c5ab-….yaml of 2021
  [
    [eightHexHyphen],
    /(?=[\da-f]{8}-)(?<![a-z\d])[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}(?![a-z\d])/gi,
    '<uuid>'
  ],
  // Digests; then full commits and hashes, which no image tag is; then short ones, if a word calls them so
  [['sha0:'], /\b(sha(?:1|224|256|384|512):)[\da-f]{7,128}(?!\w)/gi, '$1<digest>'],
  [[twelveHex], /(?=[\da-f]{12})(?<![\w:+-])(?=[a-f]{0,127}\d)(?=\d{0,127}[a-f])[\da-f]{12,128}(?![\w-])/gi, '<hash>'],
  [
    [sevenHex],
    /(?=[\da-f]{7})(?<=\b(?:commit|revision|rev|sha|head|local|remote|onto|parent)s?["']?[ :=(]{1,2}["'(]?)(?=[a-f]{0,39}\d)[\da-f]{7,40}(?![\w-]|\.\w)/gi,
    '<hash>',
    [
      'commit',
      'revision',
      'head',
      'local',
      'remote',
      'onto',
      'parent',
      ...['rev', 'sha'].flatMap((word) => [...' :=(\'"s'].map((end) => word + end))
    ]
  ],
  [[sevenHex], /(?<=\w)@(?=[a-f]{0,39}\d)[\da-f]{7,40}(?![\w-]|\.\w)/g, '@<hash>', ['@']],
  [['.tar.gz'], /\/\.?[\da-f]{7,64}(?=\.tar\.gz)/g, '/<hash>'],
  // os.CreateTemp behind the name of an archive
  [['.tar.gz'], /(\.tar\.gz)[.-]?\d{5,12}(?!\w)/g, '$1<tmp>'],
  // The operation for which a lock of terraform's state is held
  [['operationtype'], /\bOperationType[A-Z][a-z]{2,20}\b/g, '<operation>'],
  // Go pointers, panics and processes
  [['0x'], /\b0x[\da-f]{6,16}\b/gi, '<address>'],
  [
    ['goroutine 0', 'pid 0', 'pid:', 'pid=', 'thread 0', 'thread:', 'thread='],
    /\b(goroutine |pid[ :=]{1,2}|thread[ :=]{1,2})\d{1,9}\b/gi,
    '$1<n>'
  ],
  // os.MkdirTemp: /tmp/kustomization-644156964/apps; source-controller adds the object: /tmp/gitrepository-ns-name-123/
  [
    ['/tmp/'],
    new RegExp(String.raw`(/tmp/(?:${fluxTempDir})-(?:[\w.-]{1,200}?-)?)\d{1,12}${endOfTempDir}`, 'g'),
    '$1<tmp>'
  ],
  // os.MkdirTemp after any other name (/tmp/podinfo637577731/kustomize); mktemp's /tmp/tmp.0MBb4aUOQk, Python's /tmp/tmpab12cd_4
  [['/tmp/'], new RegExp(String.raw`(/tmp/[A-Za-z][\w.-]{0,200}?)\d{6,12}${endOfTempDir}`, 'g'), '$1<tmp>'],
  // ingress-nginx makes one file of all Ingresses, so a line number in it says nothing. nginx names its process and thread:
  // 4123#4123
  [['nginx-cfg0'], /(\/tmp\/nginx\/nginx-cfg)\d{6,12}(?::\d{1,6})?(?!\w)/g, '$1<tmp>'],
  [['] 0#0'], /(?<=\[(?:emerg|alert|crit|error|warn)\] )\d{1,8}#\d{1,8}(?!\w)/g, '<n>'],
  [['/tmp/tmp'], /\/tmp\/tmp(?:\.\w{6,12}|(?=[a-z_]{0,7}\d)[a-z\d_]{8})\b/g, '/tmp/<tmp>'],
  // Challenges of ACME, and anything else with letters of both cases between its digits
  [
    [longWord],
    /(?<![\w-])(?=[\w-]{0,80}[A-Z]|[a-z\d]{20})(?=[\w-]{0,80}?[a-zA-Z\d]{18})(?=(?:[A-Za-z_-]{0,12}\d{1,4}[A-Za-z_-]){4})[\w-]{20,400}(?![\w-])/g,
    '<token>'
  ]
]
