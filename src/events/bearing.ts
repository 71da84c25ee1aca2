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
  /** Whether a failure is over. `applied`: the revision that was last applied with success before, empty where none is known. */
  ends(failure: Ended, applied: string): boolean
  /** Where nothing failed: whether it is an update, and not only news. */
  isUpdate: boolean
  /** The object is Ready, and not only past one step. */
  isReady: boolean
}

/** What of a failure decides what ends it. */
interface Ended {
  reason: string
  revision: string
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
const ready: Success = { is: 'success', ends: () => true, isUpdate: true, isReady: true }

/** One step worked, which ends the failures that the step may have, and no others. */
function step(ended: RegExp, { isUpdate = false, isReady = true } = {}): Bearing {
  return { is: 'success', ends: ({ reason }) => ended.test(reason), isUpdate, isReady }
}

/**
 * A release is tested after each install and upgrade, where tests are enabled: a retry has passed none yet. Where another
 * version came without any, they are not enabled any more.
 */
const released: Bearing = {
  ...ready,
  ends: ({ reason, revision }, applied) => reason !== 'TestFailed' || revision !== applied
}

/**
 * Only what fails while its object is deleted has the reason of Ready: the sign of life comes all the same, after each try
 * (kustomize-controller kustomization_controller.go, finalize).
 */
const signOfLife: Bearing = { ...ready, ends: ({ reason }) => reason !== 'ReconciliationSucceeded' }

interface Row {
  reason: RegExp
  message?: RegExp
  bearing: Bearing
}

// Before Flux 2.2 the reason was often just the severity, and the message the only sign.
const noReason = /^(info)?$/

const sourceRows: Row[] = [
  // HelmCharts have ChartPullSucceeded and ChartPackageSucceeded.
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
      { reason: /^ReconciliationSucceeded$/, bearing: signOfLife },
      // The last step before that, and all that Flux 2.8.0 to 2.8.5 let through. Progressing is everything else on the way, too.
      { reason: /^Progressing$/, message: /^Health check passed\b/, bearing: step(/^HealthCheckFailed$/) }
    ],
    HelmRelease: [
      // Never RollbackSucceeded, nor UninstallSucceeded as a remediation: after it the release is still not ready.
      { reason: /^(Install|Upgrade)Succeeded$/, bearing: released },
      // Only a release that is what was asked for is tested (helm-controller internal/reconcile/state.go), also after a rollback
      // that became just that.
      { reason: /^TestSucceeded$/, bearing: ready },
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
          ends: ({ reason }) => !/^(HealthChecksFailed|OutputsWritingFailed|TFExecOutputFailed)$/.test(reason),
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
      // Under the reason of the failure (controllers/tf_controller_outputs.go).
      {
        reason: /^OutputsWritingFailed$/,
        message: /^Outputs written\b/,
        bearing: step(/^(OutputsWriting|TFExecOutput)Failed$/, { isReady: false })
      },
      { reason: /Destroy/, message: /^Destroy applied successfully/, bearing: ready },
      { reason: /^HealthChecksSucceed$/, bearing: step(/^HealthChecksFailed$/) },
      { reason: /^(Succeeded|ReconciliationSucceeded|Ready)$/, bearing: ready }
    ]
  })
)

const stems: readonly [end: RegExp, beginnings: readonly string[]][] = [
  [/(Succeed(ed)?|Passed|Completed|Corrected)$/, ['Failed', 'Failure', 'Error']],
  [/Ready$/, ['NotReady', 'Failed']]
]

/** For a kind that nobody has described: what says that the object is well, or `XSucceeded` after `XFailed`. */
function unknownKind(reason: string): Bearing {
  if (/^(Succeeded|ReconciliationSucceeded|Ready)$/.test(reason)) return ready
  for (const [end, beginnings] of stems) {
    if (!end.test(reason)) continue
    const stem = reason.replace(end, '')
    const ended = new Set(beginnings.map((beginning) => `${stem}${beginning}`))
    return { is: 'success', ends: ({ reason }) => ended.has(reason), isUpdate: false, isReady: false }
  }
  return news
}

// Errors, although the object is fine: a release without an inventory (helm-controller internal/reconcile/release.go:161-187),
// an artifact that is made anew at once (source-controller reconcileStorage), of which nothing else is said.
const harmless = new Set(['NamespaceCheckSkipped', 'InventoryBuildFailed', 'ArtifactVerificationFailed'])
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
  // under Progressing.
  if (kind !== 'Kustomization' || reason === 'Progressing') return undefined
  return isDeletion(message) ? deleted : undefined
}

function isDeletion(message: string): boolean {
  const done = message
    .trim()
    .split('\n')
    .map((line) => actionIn(line.trim()))
  return done.includes('deleted') && done.every((action) => action === 'deleted' || action === 'skipped')
}
