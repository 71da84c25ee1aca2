// CEL: any text is either a condition or refused with the place of its fault; a condition quickly yields true, false or an
// error.
import fc from 'fast-check'
import type { WireEvent } from '../../src/events/flux.ts'
import { normalise } from '../../src/events/flux.ts'
import { compileExpression, type Expression } from '../../src/rules/expression.ts'
import { anyEvent, anyText, mutated } from './hostile.ts'
import { faultsAmong, type Target } from './target.ts'

const grammar = fc.letrec<{ text: string; bool: string; number: string }>((tie) => ({
  text: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constantFrom(
      'event.message',
      'event.reason',
      'object.name',
      'object.cluster',
      'metadata.team',
      'metadata["a"]',
      'transition',
      'revision.sha',
      '"x"',
      "r'\\d'",
      '""',
      'b"x"',
      'k',
      'dyn(event)',
      'metadata',
      'null',
      'type(event)'
    ),
    fc.tuple(tie('text'), tie('text')).map((parts) => parts.join(' + ')),
    fc
      .tuple(
        tie('text'),
        fc.constantFrom(
          'lowerAscii()',
          'size()',
          'split(",")[0]',
          'substring(0, 3)',
          'trim()',
          'replace("a", "b")',
          'charAt(0)'
        )
      )
      .map((parts) => parts.join('.')),
    fc.tuple(tie('bool'), tie('text'), tie('text')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`)
  ),
  number: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(
      '0',
      '1',
      '-1',
      '9223372036854775807',
      '1.5',
      '1u',
      '0x1F',
      '1e400',
      'size(event.message)',
      'int("x")',
      'duration("1h")',
      'timestamp("2026-01-01T00:00:00Z")'
    ),
    fc.tuple(tie('number'), fc.constantFrom('+', '-', '*', '/', '%'), tie('number')).map((parts) => parts.join(' '))
  ),
  bool: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    fc.constantFrom('true', 'false', 'has(metadata.team)', '"a" in metadata', 'object.kind in ["HelmRelease"]'),
    fc
      .tuple(tie('text'), fc.constantFrom('==', '!=', '<', '>=', 'in', '=~', '='), tie('text'))
      .map((parts) => parts.join(' ')),
    fc.tuple(tie('number'), fc.constantFrom('==', '<', '>'), tie('number')).map((parts) => parts.join(' ')),
    fc.tuple(tie('bool'), fc.constantFrom('&&', '||'), tie('bool')).map((parts) => parts.join(' ')),
    tie('bool').map((bool) => `!(${bool})`),
    fc
      .tuple(
        tie('text'),
        fc.constantFrom('startsWith', 'endsWith', 'contains', 'matches'),
        fc.constantFrom('"a"', '"(a+)+$"', '"("', '"(?=a)"', 'event.reason', '"a" + "b"')
      )
      .map(([a, f, b]) => `${a}.${f}(${b})`),
    fc
      .tuple(
        fc.constantFrom('metadata', '[1, 2, 3]', '[event.message]', '{"a": 1}'),
        fc.constantFrom('exists', 'all', 'exists_one', 'filter', 'map'),
        tie('bool')
      )
      .map(([a, f, b]) => `${a}.${f}(k, ${b})`),
    fc.tuple(tie('text'), tie('bool')).map(([a, b]) => `cel.bind(k, ${a}, ${b})`)
  )
}))

const written = [
  'object.cluster.startsWith("prod") && transition != "repeated"',
  'event.reason in ["BuildFailed", "PruneFailed"] || has(metadata.team) && metadata.team == "payments"',
  'metadata.exists(key, metadata[key].matches("^pay"))',
  'event.message.matches("(?i)time(d )?out") ? revision.pointer == "main" : size(object.name) > 3'
]
const source = fc.oneof(
  { weight: 5, arbitrary: grammar.bool },
  { weight: 4, arbitrary: mutated(written) },
  { weight: 1, arbitrary: anyText },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('(', '!', '-', '[', 'true||', 'a.', '"', '{"a":', 'metadata.exists(k,'), fc.nat(3000))
      .map(([unit, times]) => unit.repeat(times))
  }
)

type Compiled = Expression | { error: string; offset: number }

export const expression: Target<
  { source: string; wire: WireEvent },
  { compiled: Compiled; matched: boolean | Error | undefined }
> = {
  name: 'cel',
  share: 70_000,
  input: fc.record({ source, wire: anyEvent }),
  run({ source, wire }) {
    const compiled = compileExpression(source)
    if ('error' in compiled) return { compiled, matched: undefined }
    const event = normalise(wire, { source: 'default', cluster: undefined, defaultCluster: 'prod' }, 0)
    return { compiled, matched: compiled.matches({ event, transition: 'failed' }) }
  },
  faults({ compiled, matched }, { source }) {
    if (!('error' in compiled)) {
      return faultsAmong({
        'neither yes, no nor why': typeof matched !== 'boolean' && !(matched instanceof Error),
        'an error of ours': matched instanceof TypeError || matched instanceof RangeError
      })
    }
    return faultsAmong({
      'no reason': compiled.error === '',
      'a place outside the text': !(compiled.offset >= 0 && compiled.offset <= source.length)
    })
  }
}
