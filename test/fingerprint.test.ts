// Fingerprint: is the same for the same failure, and different for a different one.
import t from 'tap'
import { failureFingerprint } from '../src/events/cause.ts'
import { fingerprint, withoutVariation } from '../src/events/fingerprint.ts'
import { parseRevision } from '../src/events/revision.ts'
import { event } from './fixtures/events.ts'
import { fc } from './fixtures/fc.ts'

type Pair = readonly [name: string, one: string, other: string]

const print = (message: string): string => fingerprint('BuildFailed', message)

// A long apply log with the error in the middle, as in notification-controller#81.
const wall = (action: string): string =>
  [
    `apply failed: secret/flux-known-hosts-79bt28cg56 ${action}`,
    `service/notification-controller ${action}`,
    `gitrepository.source.toolkit.fluxcd.io/flux-workspaces ${action}`,
    'The Service "webhook-receiver" is invalid: spec.clusterIP: Invalid value: "10.200.133.61": field is immutable',
    ''
  ].join('\n')

const upgradeFailed = 'Helm upgrade failed for release apps/podinfo with chart podinfo@6.5.3: context deadline exceeded'
const helmLogs = (...lines: string[]): string => `${upgradeFailed}\n\nLast Helm logs:\n\n${lines.join('\n')}`

const waitingFor = (...culprits: string[]): string =>
  `health check failed after 5m0.01s: timeout waiting for: [${culprits.join(', ')}]`
const deployments = Array.from({ length: 900 }, (_, n) => `Deployment/team-${n % 40}/service-${n} status: 'InProgress'`)

// 39,000 characters: an error and an apply log of hundreds of lines; only durations and actions vary between tries.
const longLog = (seconds: string, action: string): string =>
  `Deployment/apps/web dry-run failed after ${seconds}: admission webhook denied the request\n` +
  Array.from({ length: 900 }, (_, n) => `ConfigMap/apps/settings-of-a-tenant-with-a-long-name-${n} ${action}`).join(
    '\n'
  )

// One line of 39,000 characters with durations whose length varies.
const longLine = (seconds: string): string =>
  `apply failed after ${seconds}: ${'spec.rules[0].host: Required value; '.repeat(1_050)}gave up after ${seconds}`

const same: Pair[] = [
  [
    'the id of a request to GitHub',
    'failed to push to remote: remote: Internal Server Error\nremote: Request ID D0A4:1F2B:33AA12:44BB34:65A1B2C3',
    'failed to push to remote: remote: Internal Server Error\nremote: Request ID 8E13:3A1F:1B2C3D:2D3E4F:67F0A1B2'
  ],
  ['Go duration, seconds', 'Health check passed in 29.574578ms', 'Health check passed in 5.02s'],
  [
    'Go duration, minutes and fractions',
    "health check failed after 5m0.010334s: timeout waiting for: [Deployment/apps/web status: 'InProgress']",
    "health check failed after 5m0.01s: timeout waiting for: [Deployment/apps/web status: 'InProgress']"
  ],
  [
    'Go duration, hours',
    'API rate limit of 60 still exceeded, not making remote request. [rate reset in 1h2m]',
    'API rate limit of 60 still exceeded, not making remote request. [rate reset in 58m2s]'
  ],
  [
    'microseconds of a registry asking to wait',
    'response status code 429: toomanyrequests: retry-after: 1.16676ms, allowed: 44000/minute',
    'response status code 429: toomanyrequests: retry-after: 744.1µs, allowed: 44000/minute'
  ],
  ['whole minutes after a word of time', 'Too many requests, try again in 13m', 'Too many requests, try again in 9m'],
  [
    'RFC 3339, the clock of a certificate check',
    'tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-09-16T04:22:54Z is after 2026-09-15T23:59:59Z',
    'tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-09-16T04:32:54.120034+02:00 is after 2026-09-15T23:59:59Z'
  ],
  [
    'time.Time.String() with its monotonic part',
    'secret not yet synced (started: 2020-07-19 17:45:39.471540102 +0000 UTC m=+505595.125356740)',
    'secret not yet synced (started: 2020-07-19 17:55:40.1 +0000 UTC m=+506196.002340000)'
  ],
  [
    'klog header and Go pointer',
    'exit status 1: E0719 17:46:09.471959       1 dispatcher.go:168] failed calling webhook (0xc0004c8e10)',
    'exit status 1: E0720 03:06:11.000012       7 dispatcher.go:168] failed calling webhook (0xc000a10370)'
  ],
  [
    'Go log header',
    'exit status 1: 2022/05/16 12:59:00 [ERROR] failed to render',
    'exit status 1: 2022/05/17 08:01:44 [ERROR] failed to render'
  ],
  [
    'ctime and HTTP dates',
    'release locked since Tue Jan 28 04:16:05 2025, retry at Tue, 28 Jan 2025 04:20:00 GMT',
    'release locked since Wed Jan  8 14:06:55 2025, retry at Wed, 08 Jan 2025 14:10:00 GMT'
  ],
  [
    'ephemeral source port of a DNS timeout',
    "unable to clone 'ssh://git@github.com/allenporter/k8s-gitops', error: dial tcp: lookup github.com on 10.96.0.10:53: read udp 192.168.124.26:46932->10.96.0.10:53: i/o timeout",
    "unable to clone 'ssh://git@github.com/allenporter/k8s-gitops', error: dial tcp: lookup github.com on 10.96.0.10:53: read udp 192.168.124.26:1311->10.96.0.10:53: i/o timeout"
  ],
  [
    'source address of a rescheduled controller, IPv6',
    "unable to clone 'ssh://git@github.com/xxx/yyys': ssh: handshake failed: read tcp [fd00:10:244::1f]:45906->[2606:50c0:8000::154]:22: read: connection timed out",
    "unable to clone 'ssh://git@github.com/xxx/yyys': ssh: handshake failed: read tcp [fd00:10:244::2a]:40112->[2606:50c0:8000::154]:22: read: connection timed out"
  ],
  [
    'ephemeral port without an arrow',
    'Get "https://127.0.0.1:43567/healthz": read udp [::]:51820: i/o timeout, tunnel on port 40022 closed',
    'Get "https://127.0.0.1:38001/healthz": read udp [::]:33033: i/o timeout, tunnel on port 59998 closed'
  ],
  [
    'ephemeral port of a tunnel, in a URL',
    'Get "http://tunnel.apps.svc:43567/healthz": EOF',
    'Get "http://tunnel.apps.svc:38001/healthz": EOF'
  ],
  [
    'kustomize-controller temp dir',
    'kustomization path not found: stat /tmp/kustomization-644156964/cluster-resources/my-app: no such file or directory',
    'kustomization path not found: stat /tmp/kustomization-2520510114/cluster-resources/my-app: no such file or directory'
  ],
  [
    'source-controller temp dir with a short number',
    "failed to build chart: open '/tmp/helmchart-apps-web-6.5-123/chart/values.yaml': no such file",
    "failed to build chart: open '/tmp/helmchart-apps-web-6.5-98765432/chart/values.yaml': no such file"
  ],
  [
    'archive in the temp dir',
    "failed to load chart: open '/tmp/helmchart-apps-web-123.tgz': no such file",
    "failed to load chart: open '/tmp/helmchart-apps-web-644156964.tgz': no such file"
  ],
  [
    'temp dir of 2021, number glued to the name',
    "kustomize build failed: evalsymlink failure on '/tmp/kraan-config437913525/addons/mgr.yaml' : lstat /tmp/kraan-config437913525/addons/mgr.yaml: no such file or directory",
    "kustomize build failed: evalsymlink failure on '/tmp/kraan-config152966032/addons/mgr.yaml' : lstat /tmp/kraan-config152966032/addons/mgr.yaml: no such file or directory"
  ],
  [
    'mktemp dir',
    'read /tmp/tmp.0MBb4aUOQk/config/crd: is a directory',
    'read /tmp/tmp.Bfasy0Dhc6/config/crd: is a directory'
  ],
  [
    'file named by a UUID',
    'validation failed: error: error validating "7e114434-c5ab-4ba7-a151-877a82b4312b.yaml": error validating data: ValidationError(HelmRelease.spec.chart.spec): missing required field "chart"\n',
    'validation failed: error: error validating "8117172a-dd83-422a-9a54-1db02f6a0601.yaml": error validating data: ValidationError(HelmRelease.spec.chart.spec): missing required field "chart"\n'
  ],
  [
    'UID and resourceVersion in a StorageError',
    'StorageError: invalid object, Code: 4, Key: /registry/apps/web, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ceaf50e7-8391-40fe-b534-8dfe2e134a0a, UID in object meta: ',
    'StorageError: invalid object, Code: 4, Key: /registry/apps/web, ResourceVersion: 8812345, AdditionalErrorMsg: Precondition failed: UID in precondition: e7040dd6-cc0c-4bce-84e3-285acbfb9b9b, UID in object meta: '
  ],
  [
    'AWS request and host ids',
    'operation error S3: HeadBucket, https response error StatusCode: 403, RequestID: 0K34WCWYG7PGXGYM, HostID: ZrTVen/9xqs6cfPJ7PzsHdipyVllgQT6zE/dPji57KFj7g35NRrMGfNEc1E44UoTxLcBC/NdBbA=, api error Forbidden: Forbidden',
    'operation error S3: HeadBucket, https response error StatusCode: 403, RequestID: F5VN6S14D1C1DMC4, HostID: +bhom7Xc0sEoAexP7Xlx5XzLGxKzZusG1Xucs3OMyLXUvXWcJudGa6GK3QlHQq4PlJs6+nXN44I=, api error Forbidden: Forbidden'
  ],
  [
    'GitHub request id',
    'GET https://api.github.com/app: 401 Unauthorized (request ID: D0A4:1F2B:3C4D5E:6F7081:66F0A1B2)',
    'GET https://api.github.com/app: 401 Unauthorized (request ID: 9E41:AA10:1B2C3D:5E6F70:66F0C3D4)'
  ],
  [
    'pod of a Deployment',
    'pods "podinfo-6bc5d5b96-j9lw6" is forbidden: exceeded quota: compute',
    'pods "podinfo-55b66b8dff-9kzn7" is forbidden: exceeded quota: compute'
  ],
  [
    'ReplicaSet by its name',
    'ReplicaSet "podinfo-6bc5d5b96" has timed out progressing.',
    'ReplicaSet "podinfo-7c9d8f5b4d" has timed out progressing.'
  ],
  [
    'pod of a DaemonSet',
    'pod kube-system/node-agent-x2k4z is not running',
    'pod kube-system/node-agent-7q9bd is not running'
  ],
  [
    'Job of a CronJob and its pod',
    'Job/apps/backup-29471230 failed, see pod apps/backup-29471230-x7k2p',
    'Job/apps/backup-29472670 failed, see pod apps/backup-29472670-bm4wz'
  ],
  [
    'Helm test pod with a random name, on a later release of the same chart',
    'Helm test failed for release podinfo/podinfo.v1 with chart podinfo@6.5.3: 1 error occurred:\n\t* pod podinfo-fault-test-a0tew failed\n\n',
    'Helm test failed for release podinfo/podinfo.v12 with chart podinfo@6.5.3: 1 error occurred:\n\t* pod podinfo-fault-test-q7xub failed\n\n'
  ],
  [
    "Helm's storage counter",
    'Helm upgrade failed for release apps/redis with chart redis@19.6.3: create: failed to create: secrets "sh.helm.release.v1.redis.v4" already exists',
    'Helm upgrade failed for release apps/redis with chart redis@19.6.3: create: failed to create: secrets "sh.helm.release.v1.redis.v5" already exists'
  ],
  [
    'progress of a hook that Helm 4 waits for',
    'post-upgrade hooks failed: resource Job/apps/migrate not ready. status: InProgress, message: Job in progress. success:0, active: 1, failed: 2\ncontext deadline exceeded',
    'post-upgrade hooks failed: resource Job/apps/migrate not ready. status: Unknown, message: Job in progress. success:0, active: 0, failed: 3\ncontext deadline exceeded'
  ],
  [
    'Helm logs in another order',
    helmLogs(
      '2026-09-16T04:22:54.471540102Z: beginning wait for 2 resources with timeout of 5m0s',
      '2026-09-16T04:22:56.5Z: Deployment is not ready: apps/podinfo. 0 out of 1 expected pods are ready',
      '2026-09-16T04:27:52.5Z: Deployment is not ready: apps/podinfo. 0 out of 1 expected pods are ready (146 duplicate lines omitted)'
    ),
    helmLogs('2026-09-16T05:22:56Z: warning: Upgrade "podinfo" failed: context deadline exceeded')
  ],
  ['Helm logs on the same line', upgradeFailed, `${upgradeFailed} Last Helm logs: beginning wait`],
  ['Helm logs or none', upgradeFailed, helmLogs('Patch Deployment "podinfo" in namespace apps')],
  [
    'Helm logs alone: time stamps, counts and duplicates',
    'Last Helm logs:\n\n2026-09-16T04:22:54.4Z: Deployment is not ready: apps/web. 0 out of 2 expected pods are ready (2 duplicate lines omitted)',
    'Last Helm logs:\n\n2026-09-16T05:00:01.12345Z: Deployment is not ready: apps/web. 1 out of 2 expected pods are ready (1 duplicate line omitted)'
  ],
  [
    'attempts made so far',
    'GET http://source-controller.flux-system.svc.cluster.local./web.tar.gz giving up after 10 attempt(s): attempt 3 of 5 failed 2 times',
    'GET http://source-controller.flux-system.svc.cluster.local./web.tar.gz giving up after 4 attempt(s): attempt 5 of 5 failed 9 times'
  ],
  [
    'generations of an object being rolled out',
    'Deployment generation is 2, but latest observed generation is 1',
    'Deployment generation is 14, but latest observed generation is 13'
  ],
  [
    'panic of a controller',
    'panic: runtime error: invalid memory address [recovered] goroutine 412 [running]',
    'panic: runtime error: invalid memory address [recovered] goroutine 9 [running]'
  ],
  [
    'health check: order, statuses and their errors',
    waitingFor(
      "Deployment/apps/web status: 'InProgress'",
      'StatefulSet/apps/db (unknown status)',
      'Job/apps/seed status: \'Unknown\': Get "https://10.96.0.1:443/apis": dial tcp, EOF'
    ),
    waitingFor(
      "Job/apps/seed status: 'Failed'",
      "can't determine status for StatefulSet/apps/db",
      "Deployment/apps/web status: 'Failed'"
    )
  ],
  [
    'health check of replaced pods, whose random names sort before or after others',
    waitingFor("Pod/apps/web-7c9d8f5b4d-x2k4z status: 'Failed'", "Pod/apps/web-7b status: 'Failed'"),
    waitingFor(
      "Pod/apps/web-6bc5d5b96-j9lw6 status: 'InProgress'",
      "Pod/apps/web-6bc5d5b96-9kzn7 status: 'Failed'",
      "Pod/apps/web-7b status: 'Failed'"
    )
  ],
  [
    'stalled resources in another order',
    "health check failed after 157.881092ms: failed early due to stalled resources: [Job/observability/seed status: 'Failed', HelmRelease/commerce/lago status: 'Failed']",
    "health check failed after 31.896309ms: failed early due to stalled resources: [HelmRelease/commerce/lago status: 'Failed', Job/observability/seed status: 'Failed']"
  ],
  [
    'health check of 2021',
    "Health check timed out for [deployments.apps 'keycloak/operator', deployments.apps 'keycloak/web']",
    "Health check timed out for [deployments.apps 'keycloak/web', deployments.apps 'keycloak/operator']"
  ],
  [
    'health check of nine hundred in another order',
    waitingFor(...deployments),
    waitingFor(...deployments.toReversed())
  ],
  [
    'collected errors in another order',
    '2 errors occurred:\n\t* namespaces "b" not found\n\t* pod apps/db-0 failed\n\n',
    '2 errors occurred:\n\t* pod apps/db-0 failed\n\t* namespaces "b" not found\n\n'
  ],
  ['apply log around the error', wall('unchanged'), wall('configured')],
  ['apply log with objects that are only created once', wall('created'), wall('skipped')],
  [
    'validation log of 2021 around the error',
    'validation failed: kustomization.kustomize.toolkit.fluxcd.io/alb created (dry run)\nerror: missing required field "path"',
    'validation failed: kustomization.kustomize.toolkit.fluxcd.io/alb configured (dry run)\nsecret/x unchanged (dry run)\nerror: missing required field "path"'
  ],
  [
    'pruning before the error',
    'ConfigMap/apps/old deleted\nerror: missing required field "path"',
    'error: missing required field "path"'
  ],
  [
    'apply log of 39,000 characters around the error',
    `${longLog('1s', 'created')}\nerror: quota`,
    `${longLog('1s', 'unchanged')}\nerror: quota`
  ],
  ['apply log of 39,000 characters', longLog('9.8s', 'created'), longLog('10.23s', 'unchanged')],
  ['a line of 39,000 characters', longLine('9.8s'), longLine('1m10.23456s')],
  [
    'another chart version',
    'Helm upgrade failed for release apps/podinfo with chart podinfo@6.5.3: timed out waiting for the condition',
    'Helm upgrade failed for release apps/podinfo with chart podinfo@6.5.4: timed out waiting for the condition'
  ],
  [
    'another address behind the arrow',
    'read udp 10.0.0.1:43210->10.96.0.10:53: i/o timeout',
    'read udp 10.0.0.1:43210->10.96.0.11:53: i/o timeout'
  ],
  [
    'another address',
    'dial tcp 10.100.47.29:80: connect: connection refused',
    'dial tcp 10.100.47.30:80: connect: connection refused'
  ],
  [
    'another commit',
    'failed to download archive: GET http://source-controller/437f3d5915f678979e0f607f30c88e3d353a1456.tar.gz: 404',
    'failed to download archive: GET http://source-controller/687b5930bbe44638b9c5e377ac50e33afbb542b9.tar.gz: 404'
  ],
  ['another short commit', "failed to push commit '3ebb95c'", "failed to push commit '4fcc06d'"],
  [
    'another digest',
    'failed to verify sha256:2c6f56657df53e55ae32ba81b6a818a9b7fec5f04ea38e174fe717187236567f',
    'failed to verify sha256:3251a7c972d1d605c1e41a5f58d9804e363cdd81fce9a51343add88545b63a83'
  ],
  ['spaces, tabs, line ends', "bucket  'my-new-bucket'\r\n\tdoes not exist\n", "bucket 'my-new-bucket' does not exist"]
]

const different: Pair[] = [
  [
    'another resource',
    'Deployment/apps/web dry-run failed (Forbidden): quota exceeded',
    'Deployment/apps/api dry-run failed (Forbidden): quota exceeded'
  ],
  [
    'another file in the temp dir',
    'kustomization path not found: stat /tmp/kustomization-644156964/apps/web: no such file or directory',
    'kustomization path not found: stat /tmp/kustomization-644156964/apps/api: no such file or directory'
  ],
  [
    'another numbered directory in the temp dir',
    'stat /tmp/kustomization-644156964/cluster-123456/web: no such file or directory',
    'stat /tmp/kustomization-644156964/cluster-654321/web: no such file or directory'
  ],
  [
    'another field',
    'Deployment.apps "web" is invalid: spec.template.spec.containers[0].image: Required value',
    'Deployment.apps "web" is invalid: spec.template.spec.containers[1].image: Required value'
  ],
  [
    'another rejected value',
    'spec.resources.requests: Invalid value: "500m": must be less than or equal to cpu limit of 250m',
    'spec.resources.requests: Invalid value: "400m": must be less than or equal to cpu limit of 250m'
  ],
  [
    'another rejected duration',
    'spec.interval: Invalid value: "5s": must be at least 10s',
    'spec.interval: Invalid value: "6s": must be at least 10s'
  ],
  [
    'another CPU limit',
    'must be less than or equal to cpu limit of 250m',
    'must be less than or equal to cpu limit of 500m'
  ],
  ['another image tag', 'manifest for ghcr.io/org/app:1.4.2 not found', 'manifest for ghcr.io/org/app:1.4.3 not found'],
  [
    'an image tag that looks like a port',
    'manifest for ghcr.io/org/app:45123 not found',
    'manifest for ghcr.io/org/app:45124 not found'
  ],
  [
    'an image tag that is a duration',
    "failed to pull 'oci://ttl.sh/org/app:1h'",
    "failed to pull 'oci://ttl.sh/org/app:2h'"
  ],
  [
    'an image tag with a git short SHA in pod characters',
    'manifest for ghcr.io/org/app:main-9d8c7b6f not found',
    'manifest for ghcr.io/org/app:main-6bc5d5b9 not found'
  ],
  [
    'an image tag with a git short SHA and a random suffix',
    'manifest for ghcr.io/org/app:main-3ebb95c-j9lw6 not found',
    'manifest for ghcr.io/org/app:main-4fcc06d-j9lw6 not found'
  ],
  [
    'an image tag with a build number',
    'manifest for ghcr.io/org/app:main-9d8c7b6f-58494 not found',
    'manifest for ghcr.io/org/app:main-9d8c7b6f-58495 not found'
  ],
  [
    'another release',
    'Helm test failed for release apps/redis.v1 with chart redis@19.6.3: pod failed',
    'Helm test failed for release apps/valkey.v1 with chart redis@19.6.3: pod failed'
  ],
  [
    'another HTTP status',
    'failed to fetch Helm repository index: failed to cache index to temporary file: failed to fetch https://charts.example.com/index.yaml : 404 Not Found',
    'failed to fetch Helm repository index: failed to cache index to temporary file: failed to fetch https://charts.example.com/index.yaml : 503 Service Unavailable'
  ],
  ['another status code with the same words', 'response status code 403: denied', 'response status code 401: denied'],
  [
    'another line of the YAML',
    "kustomize create failed: failed to decode Kubernetes YAML from /tmp/flux-system673152982/podinfo.yaml: error converting YAML to JSON: yaml: line 13: could not find expected ':'",
    "kustomize create failed: failed to decode Kubernetes YAML from /tmp/flux-system673152982/podinfo.yaml: error converting YAML to JSON: yaml: line 14: could not find expected ':'"
  ],
  [
    'another host',
    'dial tcp: lookup github.com on 10.96.0.10:53: no such host',
    'dial tcp: lookup gitlab.com on 10.96.0.10:53: no such host'
  ],
  [
    'a host that begins like a duration',
    'dial tcp: lookup 5s.example.com: no such host',
    'dial tcp: lookup 6s.example.com: no such host'
  ],
  [
    'another port of a service',
    'Post "https://victoria-metrics-operator.monitoring.svc:9443/validate?timeout=10s": context deadline exceeded',
    'Post "https://victoria-metrics-operator.monitoring.svc:8443/validate?timeout=10s": context deadline exceeded'
  ],
  [
    'another port in words',
    'connection to server at "db", port 5432 failed: refused',
    'connection to server at "db", port 5433 failed: refused'
  ],
  [
    'another tag of a repository',
    "unable to clone 'https://github.com/stefanprodan/podinfo': couldn't find remote ref \"refs/tags/v1.8.9\"",
    "unable to clone 'https://github.com/stefanprodan/podinfo': couldn't find remote ref \"refs/tags/v1.8.10\""
  ],
  ['another ordinal of a StatefulSet', 'pod apps/redis-0 failed', 'pod apps/redis-1 failed'],
  [
    'another Deployment of a pod',
    'pods "podinfo-6bc5d5b96-j9lw6" is forbidden',
    'pods "backend-6bc5d5b96-j9lw6" is forbidden'
  ],
  ['a pod named by a word', 'pod apps/smoke-https failed', 'pod apps/smoke-pgsql failed'],
  ['a pod named by a version', 'pod apps/smoke-http2 failed', 'pod apps/smoke-http3 failed'],
  ['another numbered host', 'node pool-app01 is not ready', 'node pool-app02 is not ready'],
  [
    'a Helm test by another name',
    '1 error occurred:\n\t* pod podinfo-grpc-test-a0tew failed\n\n',
    '1 error occurred:\n\t* pod podinfo-fault-test-a0tew failed\n\n'
  ],
  [
    'another hook',
    'resource Job/apps/migrate not ready. status: Failed, message: Job failed\ncontext deadline exceeded',
    'resource Job/apps/seed not ready. status: Failed, message: Job failed\ncontext deadline exceeded'
  ],
  [
    'one more culprit',
    waitingFor("Deployment/apps/web status: 'InProgress'"),
    waitingFor("Deployment/apps/web status: 'InProgress'", "Deployment/apps/api status: 'InProgress'")
  ],
  [
    'another culprit',
    waitingFor("Deployment/apps/web status: 'InProgress'"),
    waitingFor("Deployment/apps/api status: 'InProgress'")
  ],
  [
    'the same name of another kind',
    waitingFor("Deployment/apps/web status: 'Failed'"),
    waitingFor("StatefulSet/apps/web status: 'Failed'")
  ],
  [
    'one culprit of nine hundred',
    waitingFor(...deployments),
    waitingFor(...deployments.with(449, "Deployment/team-9/service-449b status: 'InProgress'"))
  ],
  [
    'a timeout is not a stalled resource',
    "health check failed after 5m0s: timeout waiting for: [Deployment/apps/web status: 'Failed']",
    "health check failed after 5m0s: failed early due to stalled resources: [Deployment/apps/web status: 'Failed']"
  ],
  [
    'another error of several',
    '2 errors occurred:\n\t* namespaces "b" not found\n\t* pod apps/db-0 failed\n\n',
    '2 errors occurred:\n\t* namespaces "c" not found\n\t* pod apps/db-0 failed\n\n'
  ],
  ['another error in the apply log', wall('unchanged'), wall('unchanged').replace('clusterIP', 'type')],
  ['an apply log of another object', 'Deployment/apps/web configured', 'Deployment/apps/api configured'],
  [
    'an apply log of several other objects',
    'Deployment/apps/web configured\nService/apps/web created',
    'Deployment/apps/api configured\nService/apps/api created'
  ],
  [
    'a sentence that ends like an apply log',
    'build failed\nservice account apps/web deleted',
    'build failed\nservice account apps/api deleted'
  ],
  [
    'a key that ends like an apply log',
    'build failed\npatches: base deleted',
    'build failed\npatches: overlay deleted'
  ],
  ['an error before other Helm logs', helmLogs('a'), helmLogs('a').replace('deadline exceeded', 'canceled')],
  [
    'Helm logs alone',
    'Last Helm logs:\n\nDeployment is not ready: apps/web',
    'Last Helm logs:\n\nDeployment is not ready: apps/api'
  ],
  [
    'the error at the end of a long log',
    `${longLog('1s', 'created')}\nerror: a`,
    `${longLog('1s', 'created')}\nerror: b`
  ],
  ['the end of a long line', longLine('1s'), `${longLine('1s')} again`]
]

t.test('the same failure is recognised through', async (t) => {
  for (const [name, one, other] of same) {
    t.not(one, other, `${name} (the texts differ)`)
    t.equal(print(one), print(other), name, { one: withoutVariation(one), other: withoutVariation(other) })
  }
})

t.test('a different failure is recognised by', async (t) => {
  for (const [name, one, other] of different) t.not(print(one), print(other), name, { both: withoutVariation(one) })
})

t.test('the reason is part of the failure', async (t) => {
  const failure = fingerprint('BuildFailed', 'Update failed')
  t.match(failure, /^5:[0-9a-f]{16}$/)
  t.equal(fingerprint('BuildFailed', 'Update failed'), failure)
  t.not(fingerprint('ArtifactFailed', 'Update failed'), failure)
  t.not(fingerprint('a', 'b,c'), fingerprint('a,b', 'c'), 'what ends one part cannot begin the next')
})

const shas = ['4f2c91d0b7e84c6a9d35f1e20c7ab8d964e15f3a', 'def5678e20c7ab8d964e15f3a4f2c91d0b7e84c6']

t.test('the revision is not part of the failure, wherever it is in the text', async (t) => {
  const at = (revision: string, message: string) =>
    failureFingerprint(event({ message, revision: parseRevision(revision), metadata: { revision } }))
  const forms: [form: (n: number) => string, text: (revision: string, n: number) => string][] = [
    [(n) => `main@sha1:${shas[n]}`, () => 'kustomize build failed: no such file'],
    [(n) => `main@sha1:${shas[n]}`, (revision) => `revision ${revision}: not found`],
    [(n) => `main@sha1:${shas[n]}`, (_, n) => `commit ${shas[n]?.slice(0, 7)} has no signature; commit (${shas[n]})`],
    [(n) => `main/${shas[n]}`, (revision) => `cannot apply ${revision}`],
    [(n) => `v1.2.${n}@sha1:${shas[n]}`, (_, n) => `tag v1.2.${n}: no signature.`],
    [
      (n) => `latest@sha256:${shas[n]}${'0'.repeat(24)}`,
      (revision) => `cannot pull oci://ghcr.io/acme/app:${revision}`
    ],
    [(n) => `build-12${n}@sha1:${shas[n]}`, (revision) => `kustomize build failed at '${revision}'`],
    [(n) => `refs/pull/42${n}/head@sha1:${shas[n]}`, (revision) => `cannot apply ${revision}: no such file`],
    [(n) => `6.7.${n}`, (revision) => `Helm upgrade failed for release apps/shop.v3 with chart shop@${revision}: boom`]
  ]
  for (const [form, text] of forms) {
    const [one, other] = [0, 1].map((n) => at(form(n), text(form(n), n)))
    t.equal(one, other, text(form(0), 0))
  }
  const main = `main@sha1:${shas[0]}`
  t.not(at(main, 'on branch main'), at(main, 'on branch test'), 'a branch is no revision')
  t.not(at('6.7.1', 'needs 16.7.1'), at('6.7.1', 'needs 16.7.2'), 'nor is a number that contains one')
  t.not(at(main, 'image tag aaaaaaa'), at(main, 'image tag bbbbbbb'), 'nor is any other commit')
  const artifact = (n: number) =>
    failureFingerprint(
      event({
        message: `cannot verify latest@sha256:${shas[n]}`,
        revision: parseRevision(`main@sha1:${shas[n]}`),
        metadata: { originRevision: `main@sha1:${shas[n]}`, revision: `latest@sha256:${shas[n]}` }
      })
    )
  t.equal(artifact(0), artifact(1), 'the artifact has one of its own')
})

t.test('a normalised message still reads as the failure', async (t) => {
  t.equal(
    withoutVariation('stat /tmp/kustomization-644156964/apps: no such file or directory, retrying in 30s\n'),
    'stat /tmp/kustomization-<tmp>/apps: no such file or directory, retrying in <duration>'
  )
  t.equal(withoutVariation(wall('unchanged')).split('\n')[0], 'apply failed:')
  t.equal(
    withoutVariation(waitingFor("Job/apps/seed status: 'Failed'", "Deployment/apps/web status: 'InProgress'")),
    'health check failed after <duration>: timeout waiting for: [Deployment/apps/web, Job/apps/seed]'
  )
  t.equal(withoutVariation('pods "podinfo-6bc5d5b96-j9lw6" not found'), 'pods "podinfo-<hash>" not found')
  t.equal(withoutVariation(helmLogs('a')), upgradeFailed.replace('6.5.3', '<version>'))
})

t.test('a message of any length stays small, with whole characters at every cut', async (t) => {
  const hostile = [
    '/',
    ' ',
    '\n',
    'a',
    '1',
    '-',
    '.',
    ':',
    '"',
    '[',
    '/tmp/',
    '/tmp/a1',
    'pod ',
    'pod/',
    'job b-',
    '1h1m',
    '1.1.1.1:',
    'request id: ',
    '\n\t* ',
    ' \n',
    'a/b created\n',
    'timeout waiting for: [',
    ", a status: '",
    ', ',
    '-bcdf-',
    '😀',
    '\ud83d'
  ]
  for (const piece of hostile) {
    for (const [start, end] of [
      ['', ''],
      ['x', ''],
      ['', 'x'],
      ['timeout waiting for: [', ']']
    ] as const) {
      const name = `${JSON.stringify(start + piece)} repeated`
      const text = withoutVariation(start + piece.repeat(Math.ceil(39_000 / piece.length)) + end)
      t.ok(text.length < 50_000, name)
      if (piece !== '\ud83d') t.ok(text.isWellFormed(), `${name}, cut between characters`)
    }
  }
  t.ok(withoutVariation('read the policy; '.repeat(200_000)).length < 10_000)
})

t.test('any text has a fingerprint, and its normalised form has the same one', async (t) => {
  const anything = fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit))
  const usual = [
    ...['5m0.01s', 'in 5m', '2026-09-16T04:22:54Z', '/tmp/kustomization-123', 'a-6bc5d5b96-j9lw6', 'pod', 'b-x2k4z'],
    ...['release a/b.v3', '10.0.0.1:43210', '->', 'attempt 3', 'generation is 2', '3 out of 5', 'request id: abcdef'],
    ...['a/b created', 'Last Helm logs:']
  ]
  const gaps = fc.constantFrom(' ', ', ', ': ', '\n', '\n\t* ', ' (', ') ')
  const textWith = (...special: string[]) => {
    const words = fc.tuple(fc.constantFrom(...usual, ...special), gaps).map(([word, gap]) => word + gap)
    return fc.array(fc.oneof(anything, words), { maxLength: 60 })
  }
  // Separate, because Flux never sends both: sorting the errors would move the brackets of the list.
  const text = fc.oneof(
    textWith('timeout waiting for: [', "b status: 'Failed'", ']'),
    textWith('2 errors occurred:\n\t* ')
  )
  fc.assert(
    fc.property(text, (parts) => {
      const message = parts.join('')
      return print(withoutVariation(message)) === print(message)
    }),
    { numRuns: 2_000 }
  )
  t.pass('for two thousand texts')
})
