// Event files: turn the text of a file, as Flux posts it, into an event or into what is wrong with it. Pure.
import { Ajv } from 'ajv'
import { FluxEventSchema, type WireEvent } from '../events/flux.ts'

const ajv = new Ajv({
  allowUnionTypes: true,
  formats: { 'date-time': (text: string) => !Number.isNaN(Date.parse(text)) }
})

/** Resolves to a sentence if `text` is not an event. */
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
