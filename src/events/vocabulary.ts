// Vocabulary: lists the kinds, reasons and actions of Flux's controllers. An unknown one is no fault, because a controller may be
// newer, but one that differs from a known one only in case or by a letter is a slip.
import { nearest } from '../spelling.ts'

/**
 * Kinds of objects that emit events: Flux (the enum of Alert's eventSources in notification-controller api/v1beta3
 * reference_types.go, and its own kinds), Flux Operator, tofu-controller, Flagger.
 */
const kinds = [
  ...['Kustomization', 'HelmRelease'],
  ...['GitRepository', 'OCIRepository', 'HelmRepository', 'HelmChart', 'Bucket', 'ExternalArtifact'],
  ...['ArtifactGenerator', 'ImageRepository', 'ImagePolicy', 'ImageUpdateAutomation'],
  ...['Alert', 'Provider', 'Receiver'],
  ...['FluxInstance', 'FluxReport', 'ResourceSet', 'ResourceSetInputProvider'],
  ...['Terraform', 'Canary']
]

/** Kinds that Flux applies and watches, but sends no events about. */
export const appliedKinds: ReadonlySet<string> = new Set([
  ...['Pod', 'Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job', 'CronJob', 'Service', 'Ingress'],
  ...['ConfigMap', 'Secret', 'Namespace', 'Node', 'PersistentVolumeClaim', 'ServiceAccount']
])

/** Kinds of which kstatus reports only numbers and phases that move (sigs.k8s.io/cli-utils pkg/kstatus/status/core.go). */
export const countedKinds = [
  ...['Pod', 'Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job', 'CronJob', 'PersistentVolumeClaim']
]

/** Short names that kubectl takes for some of them (the shortNames of their CRDs). */
const shortKinds = new Map([
  ['ks', 'Kustomization'],
  ['hr', 'HelmRelease'],
  ['gitrepo', 'GitRepository'],
  ['ocirepo', 'OCIRepository'],
  ['helmrepo', 'HelmRepository'],
  ['hc', 'HelmChart'],
  ['imgrepo', 'ImageRepository'],
  ['imgpol', 'ImagePolicy'],
  ['iua', 'ImageUpdateAutomation'],
  ['rset', 'ResourceSet'],
  ['tf', 'Terraform']
])

/** Reasons by controller, of present and earlier versions (their api/…/condition_types.go, and the calls of their recorders). */
const reasons = [
  // Reasons of all controllers (pkg/apis/meta/conditions.go), and what Flux before 2.2 gave instead.
  ...['ReconciliationSucceeded', 'ReconciliationFailed', 'Progressing', 'ProgressingWithRetry', 'DependencyNotReady'],
  ...['Suspended', 'Succeeded', 'Failed', 'Ready', 'AccessDenied', 'InvalidCELExpression', 'FeatureGateDisabled'],
  ...['info', 'error'],
  // kustomize-controller
  ...['BuildFailed', 'PruneFailed', 'ArtifactFailed', 'HealthCheckFailed', 'HealthCheckCanceled', 'ValidationFailed'],
  // helm-controller
  ...['InstallSucceeded', 'InstallFailed', 'UpgradeSucceeded', 'UpgradeFailed', 'TestSucceeded', 'TestFailed'],
  ...['RollbackSucceeded', 'RollbackFailed', 'UninstallSucceeded', 'UninstallFailed', 'InitFailed', 'ValuesError'],
  ...['DriftDetected', 'DriftCorrected', 'DriftCorrectionFailed', 'PendingRelease', 'StateError', 'RetriesExceeded'],
  ...['GetLastReleaseFailed', 'InventoryBuildFailed', 'NamespaceCheckSkipped', 'ChartNotReady', 'HelmChartFailed'],
  // source-controller
  ...['NewArtifact', 'ArtifactUpToDate', 'GitOperationSucceeded', 'GitOperationSucceed', 'GitOperationFailed'],
  ...['BucketOperationSucceeded', 'BucketOperationSucceed', 'BucketOperationFailed', 'OCIArtifactPullFailed'],
  ...['OCIArtifactLayerOperationFailed', 'OCIOperationFailed', 'IndexationSucceeded', 'IndexationSucceed'],
  ...['IndexationFailed', 'ChartPullSucceeded', 'ChartPullFailed', 'ChartPullError', 'ChartPackageSucceeded'],
  ...['ChartPackageFailed', 'ChartPackageError', 'ChartVerificationSucceeded', 'ChartVerificationError'],
  ...['InvalidChartReference', 'ValuesFilesError', 'DependencyBuildError', 'MetadataPatchError', 'URLInvalid'],
  ...['AuthenticationFailed', 'VerificationError', 'VerificationFailed', 'Verified', 'ArtifactVerificationFailed'],
  ...['StorageOperationFailed', 'DirectoryCreationFailed', 'StatOperationFailed', 'ReadOperationFailed'],
  ...['AcquireLockFailed', 'InvalidPath', 'ArchiveOperationFailed', 'SymlinkUpdateFailed', 'CacheOperationFailed'],
  ...[
    'GarbageCollectionSucceeded',
    'GarbageCollectionFailed',
    'FetchFailed',
    'SourceFetchFailed',
    'PatchOperationFailed'
  ],
  ...['InvalidSTSConfiguration', 'InvalidProviderConfiguration', 'IncludeUnavailable', 'UnsupportedConnectionType'],
  // image-reflector-controller and image-automation-controller
  ...['ImageURLInvalid', 'ImageFetchFailed', 'InvalidPolicy', 'NotReady', 'InvalidUpdateStrategy', 'UpdateFailed'],
  ...['InvalidSourceConfiguration', 'SourceManagerFailed', 'InvalidPolicySelector', 'RemovedTemplateField'],
  // Flux Operator
  ...['ApplySucceeded', 'ApplyFailed', 'WebAction', 'ReconciliationDisabled', 'OutdatedVersion', 'ReportFailed'],
  // tofu-controller
  ...['TerraformPlanSucceed', 'TerraformPlannedNoChanges', 'TerraformPlannedWithChanges', 'TerraformAppliedSucceed'],
  ...['TerraformAppliedFail', 'TerraformOutputsAvailable', 'TerraformOutputsWritten', 'TerraformStateLocked'],
  ...['TFExecNewFailed', 'TFExecInitFailed', 'TFExecPlanFailed', 'TFExecApplyFailed', 'TFExecOutputFailed', 'NoDrift'],
  ...['DriftDetectionFailed', 'HealthChecksFailed', 'OutputsWritingFailed', 'PostPlanningWebhookFailed', 'ForceUnlock'],
  ...['LockHeld', 'RetryLimitReached', 'TemplateGenerationFailed', 'VarsGenerationFailed', 'SelectWorkspaceFailed'],
  ...['DeletionBlockedByDependantsReason', 'ApplySucceed'],
  // notification-controller, about its Alerts
  ...['NotificationDispatchFailed', 'MetadataAppendFailed', 'InvalidConfig', 'TokenNotFound', 'TokenNotValid']
]

/** The actions that controllers share (fluxcd/pkg apis/event/v1/action.go). */
const actions = [
  ...['Reconciling', 'Reconciled', 'Fetching', 'Fetched', 'Applying', 'Applied', 'Deleting', 'Deleted'],
  ...['Validating', 'Validated', 'Waiting', 'Progressing', 'Failed']
]

export const vocabulary = { kind: kinds, reason: reasons, action: actions } as const

const known = { kind: new Set(kinds), reason: new Set(reasons), action: new Set(actions) }

/**
 * Returns the known name that an unknown `name` was meant to be: in another case, a letter or two off, in the plural, or as kubectl
 * calls the kind. Undefined if `name` is known, or resembles no known name.
 */
export function meantBy(field: keyof typeof vocabulary, name: string): string | undefined {
  if (known[field].has(name)) return undefined
  const lower = name.toLowerCase()
  const inOtherCase = vocabulary[field].find((other) => other.toLowerCase() === lower)
  if (inOtherCase !== undefined) return inOtherCase
  if (field === 'kind') {
    // `helmreleases`, `helmreleases.helm.toolkit.fluxcd.io`
    const singular = lower.split('.', 1)[0]?.replace(/ies$/, 'y').replace(/s$/, '') ?? ''
    const found = shortKinds.get(lower) ?? kinds.find((other) => other.toLowerCase().replace(/s$/, '') === singular)
    if (found !== undefined) return found
  }
  // Short names are near to many others; longer ones are rarely near to another by chance.
  const far = name.length < 6 ? 0 : name.length < 10 ? 1 : 2
  return nearest(name, vocabulary[field], far)
}
