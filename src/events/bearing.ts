// Bearing: decides what an event says of its object's state, by kind and reason, from what each controller emits.
import { actionIn } from './change-log.ts'
import { isConflict, isOwnConflict } from './conflict.ts'
import type { Severity } from './severity.ts'

export type Bearing =
  | { is: 'failure' }
  /** A warning that says nothing of the state, however severe it is made. */
  | { is: 'remark' }
  | { is: 'news' }
  /** The object was deleted, or what it installed was. */
  | { is: 'gone'; ending: 'uninstalled' | 'deleted' }
  | Success

export interface Success {
  is: 'success'
  /** Whether a failure with this reason is over. */
  ends(reason: string): boolean
  /** Where nothing failed: whether it is an update, and not only news. */
  isUpdate: boolean
  /** The object is Ready, and not only past one step. */
  isReady: boolean
}

/** What of an event decides its bearing. */
interface Said {
  object: { kind: string }
  severity: Severity
  reason: string
  message: string
}

/** What an event means, by kind and reason. */
export function bearingOf({ object: { kind }, severity, reason, message }: Said): Bearing {
  if (severity !== 'error') {
    const ending = endingBy(kind, reason, message)
    if (ending !== undefined) return ending
  }
  if (severity !== 'info') return isRemark(kind, reason, message) ? remark : failure
  const rows = table.get(kind)
  if (rows === undefined) return unknownKind(reason)
  for (const row of rows) if (row.reason.test(reason) && (row.message?.test(message) ?? true)) return row.bearing
  return news
}

/**
 * Whether objects of `kind` say at each interval that they are well. Kustomizations do (kustomize-controller
 * kustomization_controller.go), and whatever kind is made after their model.
 */
export function hasHeartbeats(kind: string): boolean {
  return kind === 'Kustomization' || !table.has(kind)
}

const failure: Bearing = { is: 'failure' }
const remark: Bearing = { is: 'remark' }
const news: Bearing = { is: 'news' }
const uninstalled: Bearing = { is: 'gone', ending: 'uninstalled' }
const deleted: Bearing = { is: 'gone', ending: 'deleted' }

/** The object is Ready: whatever failed is over. */
const ready: Bearing = { is: 'success', ends: () => true, isUpdate: true, isReady: true }

/** One step worked, which ends the failures that the step may have, and no others. */
function step(ended: RegExp, { isUpdate = false, isReady = true } = {}): Bearing {
  return { is: 'success', ends: (reason) => ended.test(reason), isUpdate, isReady }
}

interface Row {
  reason: RegExp
  message?: RegExp
  bearing: Bearing
}

// Before Flux 2.2 the reason was often just the severity, and the message the only sign.
const noReason = /^(info)?$/

const sourceRows: Row[] = [
  // Of HelmCharts: ChartPullSucceeded, ChartPackageSucceeded.
  { reason: /^(NewArtifact|Succeeded|Chart\w*Succeeded)$/, bearing: ready },
  { reason: noReason, message: /^(stored|fetched)/i, bearing: ready }
]
const imageRows: Row[] = [{ reason: /^Succeeded$/, bearing: ready }]
// flux-operator sends a ResourceSet's ApplySucceeded before it waits for what it applied (resourceset_controller.go): news.
const operatorRows: Row[] = [{ reason: /^ReconciliationSucceeded$/, bearing: ready }]

// A map, because the kind is from outside: an object would know what "constructor" is.
const table = new Map<string, readonly Row[]>(
  Object.entries({
    Kustomization: [
      { reason: /^ReconciliationSucceeded$/, bearing: ready },
      // The last step before that, and all that Flux 2.8.0 to 2.8.5 let through. Progressing is everything else on the way, too.
      { reason: /^Progressing$/, message: /^Health check passed\b/, bearing: step(/^HealthCheckFailed$/) }
    ],
    HelmRelease: [
      // Never RollbackSucceeded, nor UninstallSucceeded as a remediation: after it the release is still not ready.
      { reason: /^(Install|Upgrade)Succeeded$/, bearing: ready },
      { reason: /^TestSucceeded$/, bearing: step(/^TestFailed$/, { isUpdate: true }) },
      { reason: /^DriftCorrected$/, bearing: step(/^Drift/, { isUpdate: true }) },
      { reason: noReason, message: /^(Helm (install|upgrade)|Release reconciliation) succeeded/, bearing: ready }
    ],
    GitRepository: sourceRows,
    OCIRepository: sourceRows,
    Bucket: sourceRows,
    HelmRepository: sourceRows,
    HelmChart: sourceRows,
    ExternalArtifact: [...sourceRows, { reason: /^(Ready|ReconciliationSucceeded)$/, bearing: ready }],
    ArtifactGenerator: [{ reason: /^(Ready|Succeeded|ReconciliationSucceeded)$/, bearing: ready }],
    ImageRepository: imageRows,
    ImagePolicy: imageRows,
    ImageUpdateAutomation: imageRows,
    ResourceSet: operatorRows,
    ResourceSetInputProvider: operatorRows,
    FluxInstance: operatorRows,
    FluxReport: operatorRows,
    // tofu-controller: plan, apply, outputs, health checks, in this order; each may fail after the one before it worked.
    Terraform: [
      {
        reason: /^Terraform(AppliedSucceed|PlannedNoChanges)$/,
        bearing: {
          is: 'success',
          ends: (reason) => !/^(HealthChecksFailed|OutputsWritingFailed|TFExecOutputFailed)$/.test(reason),
          isUpdate: true,
          isReady: true
        }
      },
      {
        reason: /^Terraform(PlanSucceed|PlannedWithChanges)$/,
        bearing: step(
          /^(ArtifactFailed|TFExec(New|Init|Plan)Failed|(Vars|Template)GenerationFailed|SelectWorkspaceFailed|LockHeld)$/,
          { isReady: false }
        )
      },
      { reason: /^NoDrift$/, bearing: step(/^Drift/) },
      {
        reason: /^TerraformOutputsWritten$/,
        bearing: step(/^(OutputsWriting|TFExecOutput)Failed$/, { isReady: false })
      },
      { reason: /^HealthChecksSucceed$/, bearing: step(/^HealthChecksFailed$/) },
      { reason: /^(Succeeded|ReconciliationSucceeded|Ready)$/, bearing: ready }
    ]
  })
)

const stems: readonly [end: RegExp, beginnings: readonly string[]][] = [
  [/(Succeed(ed)?|Passed|Completed|Corrected)$/, ['Failed', 'Failure', 'Error']],
  [/Ready$/, ['NotReady', 'Failed']]
]

/** Of a kind nobody has described: what says that the object is well, or `XSucceeded` after `XFailed`. */
function unknownKind(reason: string): Bearing {
  if (/^(Succeeded|ReconciliationSucceeded|Ready)$/.test(reason)) return ready
  for (const [end, beginnings] of stems) {
    if (!end.test(reason)) continue
    const stem = reason.replace(end, '')
    const ended = new Set(beginnings.map((beginning) => `${stem}${beginning}`))
    return { is: 'success', ends: (failed) => ended.has(failed), isUpdate: false, isReady: false }
  }
  return news
}

// Errors, although the release is fine (helm-controller internal/reconcile/release.go:161-187).
const harmless = new Set(['NamespaceCheckSkipped', 'InventoryBuildFailed'])
const failedAction = /^(Install|Upgrade|Rollback|Uninstall|Test)Failed$/

function isRemark(kind: string, reason: string, message: string): boolean {
  if (harmless.has(reason)) return true
  if (!isConflict(message)) return false
  // Where the action itself failed on another object, the release has failed until the next one.
  return kind !== 'HelmRelease' || !failedAction.test(reason) || isOwnConflict(message)
}

function endingBy(kind: string, reason: string, message: string): Bearing | undefined {
  // As a remediation it has another text (a release may be called so, too), and the release stays, not ready.
  if (kind === 'HelmRelease') {
    return reason === 'UninstallSucceeded' && !message.startsWith('Helm uninstall remediation ')
      ? uninstalled
      : undefined
  }
  // The finalizer of a Kustomization lists what it deleted, under the reason that Ready has at the time. Pruning does so
  // under Progressing, and one that was Ready has nothing to end.
  if (kind !== 'Kustomization' || reason === 'ReconciliationSucceeded' || reason === 'Progressing') return undefined
  return isDeletion(message) ? deleted : undefined
}

/** Whether a Kustomization lists what it deleted when it was deleted itself, also where it was Ready, which ends nothing. */
export function isFarewell({ object: { kind }, severity, reason, message }: Said): boolean {
  return kind === 'Kustomization' && severity === 'info' && reason !== 'Progressing' && isDeletion(message)
}

function isDeletion(message: string): boolean {
  const done = message
    .trim()
    .split('\n')
    .map((line) => actionIn(line.trim()))
  return done.includes('deleted') && done.every((action) => action === 'deleted' || action === 'skipped')
}
