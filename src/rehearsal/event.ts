// Rehearsal events: reads events from a file, as Flux posts them, or expands the few words of a test into what Flux would
// send. Pure.
import { Ajv } from 'ajv'
import { closedObject } from '../about.ts'
import { FluxEventSchema, type WireEvent } from '../events/flux.ts'
import { severityNames } from '../events/severity.ts'
import { type Static, Type } from '../json-schema.ts'

const Text = (description: string, maxLength = 253) => Type.Optional(Type.String({ maxLength, description }))

export const ShortEventSchema = closedObject({
  kind: Text('Kustomization if left out.'),
  namespace: Text('flux-system if left out.'),
  name: Text('apps if left out.'),
  cluster: Text("The cluster that the event names; a source's own cluster wins."),
  severity: Type.Optional(
    Type.Enum([...severityNames], {
      description: 'If left out: info for a heartbeat and where Flux has it with this reason, error for the others.'
    })
  ),
  reason: Text("If left out: that of the kind's controller for a failure or a success.", 1024),
  message: Type.Optional(Type.String({ description: 'The reason if left out.' })),
  revision: Text('Such as main@sha1:4f2c91d or 6.5.3.', 1024),
  action: Text(
    "Since Flux 2.10, what the controller was doing: Applying, Failed. It says nothing of the object's state."
  ),
  related: Type.Optional(
    closedObject({
      kind: Type.String({ maxLength: 253 }),
      namespace: Text("The object's own if left out."),
      name: Type.String({ maxLength: 253 })
    })
  ),
  metadata: Type.Optional(Type.Record(Type.String(), { description: 'Everything else in the metadata of the event.' })),
  heartbeat: Type.Optional(
    Type.Boolean({ description: 'What a Kustomization posts at every interval: healthy, perhaps at a new revision.' })
  )
})

export type ShortEvent = Static<typeof ShortEventSchema>

interface Habits {
  controller: string
  failure: string
  success: string
}

const kustomize = {
  controller: 'kustomize-controller',
  failure: 'ReconciliationFailed',
  success: 'ReconciliationSucceeded'
}

const others: [RegExp, Habits][] = [
  [/^HelmRelease$/, { controller: 'helm-controller', failure: 'UpgradeFailed', success: 'UpgradeSucceeded' }],
  [
    /^((Git|OCI|Helm)Repository|HelmChart|Bucket)$/,
    { controller: 'source-controller', failure: 'FetchFailed', success: 'NewArtifact' }
  ],
  [/^ImageUpdate/, { controller: 'image-automation-controller', failure: 'Failed', success: 'Succeeded' }],
  [/^Image/, { controller: 'image-reflector-controller', failure: 'Failed', success: 'Succeeded' }]
]

const infoReason = /Succeeded$|^(NewArtifact|Progressing|DependencyNotReady|DriftDetected|DriftCorrected)$/

/** Expands `short` into the event that Flux would post at `now`, in ms. */
export function wireOf(short: ShortEvent, now: number): WireEvent {
  const { kind = 'Kustomization', namespace = 'flux-system', name = 'apps', heartbeat = false } = short
  const { controller, failure, success } = others.find(([kinds]) => kinds.test(kind))?.[1] ?? kustomize
  const severity = short.severity ?? (heartbeat || infoReason.test(short.reason ?? '') ? 'info' : 'error')
  const reason = short.reason ?? (severity === 'error' ? failure : success)
  return {
    involvedObject: { kind, namespace, name },
    severity,
    timestamp: new Date(now).toISOString(),
    reason,
    message: short.message ?? reason,
    ...(short.action !== undefined && { action: short.action }),
    ...(short.related && { relatedObject: short.related }),
    metadata: {
      ...short.metadata,
      ...(short.revision !== undefined && { revision: short.revision }),
      ...(short.cluster !== undefined && { cluster: short.cluster }),
      ...(heartbeat && { commit_status: 'update' })
    },
    reportingController: controller
  }
}

const ajv = new Ajv({
  allowUnionTypes: true,
  keywords: ['patternErrorMessage'],
  formats: { 'date-time': (text: string) => !Number.isNaN(Date.parse(text)) }
})

/** The event in `text`, or a sentence that says why it is not an event. */
export function parseEvent(text: string): WireEvent | string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return `not valid JSON: ${(error as SyntaxError).message}`
  }
  if (ajv.validate(FluxEventSchema, value)) return value as WireEvent
  return `not a Flux event: ${ajv.errorsText(ajv.errors, { dataVar: 'event' })}`
}
