// Texts: write views as compact JSON, and read them. A view has what Flux said up to four times; it is kept once. Pure.
import type { View } from '../render/compose/view.ts'

type Failure = NonNullable<View['failure']>
interface StoredFailure extends Omit<Failure, 'text' | 'began'> {
  text?: string | undefined
  began?: Failure['began'] | undefined
}
interface StoredView extends Omit<View, 'failure'> {
  failure?: StoredFailure
}

/** Writes a view as it is kept: without a text that is the first line of the message, and without a failure's beginning if it is the same. */
export function viewText(view: View): string {
  const { failure } = view
  if (failure === undefined) return JSON.stringify(view)
  const { reason, text, began } = failure
  const isAsBegun = began?.reason === reason && began.text === text
  const kept: StoredFailure = {
    ...failure,
    text: text === firstLineOf(view.message) ? undefined : text,
    began: isAsBegun ? undefined : began
  }
  return JSON.stringify({ ...view, failure: kept })
}

/** Reads a view from {@link viewText}, or one with all its texts, as earlier versions kept it. */
export function readView(json: string): View {
  const { failure, ...rest } = JSON.parse(json) as StoredView
  const first = firstLineOf(rest.message)
  return {
    ...rest,
    ...(failure && { failure: readFailure(failure, first) })
  }
}

function readFailure({ text, began, ...rest }: StoredFailure, first: string): Failure {
  const said = text ?? first
  return { ...rest, text: said, began: began ?? { reason: rest.reason, text: said } }
}

function firstLineOf(message: string): string {
  const end = message.indexOf('\n')
  return end < 0 ? message : message.slice(0, end)
}
