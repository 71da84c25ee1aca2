// Bearing: decides what an event says about the state of its object, by kind and reason, as each controller uses them.
import { actionIn } from './change-log.ts'
import { isConflict, isOwnConflict } from './conflict.ts'
import type { Severity } from './severity.ts'

export type Bearing =
  | { is: 'failure' }
  /** A warning that says nothing about the object's state, even if `severities` make it an error. */
  | { is: 'remark' }
  | { is: 'news' }
  /** The object itself was deleted, or what it had installed. */
  | { is: 'gone'; ending: 'uninstalled' | 'deleted' }
  | Success

export interface Success {
  is: 'success'
  /** True if `failure` is over. `applied`: the last revision that was applied successfully before, empty if none is known. */
  ends(failure: Ended, applied: string): boolean
  /** True if the event is an update and not only news, given that nothing had failed. */
  isUpdate: boolean
  /** True if the object is Ready, false if it is only past one step. */
  isReady: boolean
}

/** The part of a failure that decides what ends it. */
interface Ended {
  reason: string
  revision: string
}

/** The part of an event that decides its bearing. */
interface Said {
  object: { kind: string }
  severity: Severity
  reason: string
  message: string
}

/** Decides what an event means, by kind and reason. */
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
 * Reports whether objects of `kind` say at each interval that they are well. Kustomizations do (kustomize-controller
 * kustomization_controller.go), and a kind that this table does not have may be modelled on them.
 */
export function hasHeartbeats(kind: string): boolean {
  return kind === 'Kustomization' || !table.has(kind)
}

const failure: Bearing = { is: 'failure' }
const remark: Bearing = { is: 'remark' }
const news: Bearing = { is: 'news' }
const uninstalled: Bearing = { is: 'gone', ending: 'uninstalled' }
const deleted: Bearing = { is: 'gone', ending: 'deleted' }

/** The object is Ready, so whatever failed is over. */
const ready: Success = { is: 'success', ends: () => true, isUpdate: true, isReady: true }

/** One step succeeded, which ends only the failures that this step may have. */
function step(ended: RegExp, { isUpdate = false, isReady = true } = {}): Bearing {
  return { is: 'success', ends: ({ reason }) => ended.test(reason), isUpdate, isReady }
}

/**
 * helm-controller tests a release after each install and upgrade if tests are enabled, so a retry alone does not end TestFailed:
 * its test is still to come. If another version was applied in between and no test of it was reported, tests are no longer enabled.
 */
const released: Bearing = {
  ...ready,
  ends: ({ reason, revision }, applied) => reason !== 'TestFailed' || revision !== applied
}

/**
 * A failure has the reason of Ready only while its object is being deleted. Heartbeats come all the same, after each try
 * (kustomize-controller kustomization_controller.go, finalize), so they do not end it.
 */
const signOfLife: Bearing = { ...ready, ends: ({ reason }) => reason !== 'ReconciliationSucceeded' }

interface Row {
  reason: RegExp
  message?: RegExp
  bearing: Bearing
}

// Before Flux 2.2 the reason was often just the severity, and only the message told.
const noReason = /^(info)?$/

const sourceRows: Row[] = [
  // HelmCharts use ChartPullSucceeded and ChartPackageSucceeded.
  { reason: /^(NewArtifact|Succeeded|Chart\w*Succeeded)$/, bearing: ready },
  { reason: noReason, message: /^(stored|fetched)/i, bearing: ready }
]
const imageRows: Row[] = [{ reason: /^Succeeded$/, bearing: ready }]
// flux-operator sends ApplySucceeded of a ResourceSet before it waits for what it applied (resourceset_controller.go): that is
// news.
const operatorRows: Row[] = [{ reason: /^ReconciliationSucceeded$/, bearing: ready }]

// A Map, because the kind comes from outside: a plain object would know what "constructor" is.
const table = new Map<string, readonly Row[]>(
  Object.entries({
    Kustomization: [
      { reason: /^ReconciliationSucceeded$/, bearing: signOfLife },
      // The last step before ReconciliationSucceeded, and the only one that Flux 2.8.0 to 2.8.5 let through. Everything else on the
      // way has the reason Progressing, too.
      { reason: /^Progressing$/, message: /^Health check passed\b/, bearing: step(/^HealthCheckFailed$/) }
    ],
    HelmRelease: [
      // Neither RollbackSucceeded nor UninstallSucceeded as a remediation is here: after both, the release is still not ready.
      { reason: /^(Install|Upgrade)Succeeded$/, bearing: released },
      // helm-controller tests a release only if it is what was asked for (internal/reconcile/state.go), even after a rollback that
      // led to exactly that.
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
    // tofu-controller runs plan, apply, outputs and health checks in this order; each may fail after the one before it succeeded.
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
      // This success has the reason of the failure (controllers/tf_controller_outputs.go).
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

/**
 * The bearing of an event of an unknown kind: a reason that says that all is well ends every failure, `XSucceeded` ends `XFailed`.
 */
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

// These are errors although the object is fine: a release without an inventory (helm-controller
// internal/reconcile/release.go:161-187), and an artifact that source-controller makes anew at once (reconcileStorage) without any
// further event.
const harmless = new Set(['NamespaceCheckSkipped', 'InventoryBuildFailed', 'ArtifactVerificationFailed'])
const failedAction = /^(Install|Upgrade|Rollback|Uninstall|Test)Failed$/

function isRemark(kind: string, reason: string, message: string): boolean {
  if (harmless.has(reason)) return true
  if (!isConflict(message)) return false
  // If the action itself failed because of another object, the release stays failed until the next action.
  return kind !== 'HelmRelease' || !failedAction.test(reason) || isOwnConflict(message)
}

function endingBy(kind: string, reason: string, message: string): Bearing | undefined {
  // An uninstall as a remediation has another text, and its release stays, not ready. The beginning decides, because a release may
  // be named "remediation".
  if (kind === 'HelmRelease') {
    return reason === 'UninstallSucceeded' && !message.startsWith('Helm uninstall remediation ')
      ? uninstalled
      : undefined
  }
  // The finalizer of a Kustomization lists what it deleted, under the reason that Ready has at that time. Pruning lists deletions
  // too, under Progressing.
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
