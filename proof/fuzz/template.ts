// Message templates: any text is either refused with the place of its fault or can be filled in; text of an event stays text.
import fc from 'fast-check'
import type { Fault } from '../../src/errors.ts'
import { normalise, type WireEvent } from '../../src/events/flux.ts'
import { advance } from '../../src/objects.ts'
import { dress } from '../../src/render/compose/fill-template.ts'
import { composeOne } from '../../src/render/compose/message.ts'
import { createView } from '../../src/render/compose/view.ts'
import { compileLinks } from '../../src/render/links/links.ts'
import type { Payload } from '../../src/render/slack/payload.ts'
import { compileTemplate } from '../../src/render/template/template.ts'
import { anyEvent, mutated } from './hostile.ts'
import { slackFaults, strangerFaults } from './judge.ts'
import { faultsAmong, type Target } from './target.ts'

const { links } = compileLinks([
  { commit: 'https://git.example/{{ revision.sha }}', dashboard: 'https://flux.example/{{ object.name }}' }
])

const value = fc.constantFrom(
  'event.message',
  'event.reason',
  'event.summary',
  'object.name',
  'object.cluster',
  'revision.text',
  'revision.short',
  'metadata.team',
  'metadata["a b"]',
  'links.commit',
  'links.dashboard',
  'failure.text',
  'failure.count',
  'transition',
  'rule',
  'event.at',
  '"x"',
  '1',
  'event.metadata',
  'metadata',
  'failure',
  'event',
  'nil',
  'p',
  'p[1]',
  'event.mesage',
  '(1..9999999)'
)
const filter = fc
  .constantFrom(
    ...'code,fence,state,first_line,shorten: 9,shorten: event.message,duration,ago,time,link: object.name,link: "x",mention,upcase,downcase,capitalize,strip,append: event.reason,prepend: "<",replace: "a" "<",replace: "a", event.message,remove: "a",truncate: 9,truncatewords: 2,slice: 0, 9,slice: -3,split: "",split: ",",join: "<",first,last,size,reverse,sort,uniq,compact,concat: p,url_encode,plus: 1,times: 99999999999,divided_by: 0,modulo: 0,round: 99,at_most: 1,default: "",json,raw,date: "%Y",where_exp: "x",escape,nope,squish'.split(
      ','
    )
  )
  .map((one) => ` | ${one}`)
const output = fc
  .tuple(value, fc.array(filter, { maxLength: 3 }))
  .map(([value, filters]) => `{{ ${value}${filters.join('')} }}`)
const literal = fc.constantFrom(
  '*',
  '_',
  '~',
  '`',
  '```',
  '<',
  '>',
  '|',
  '&',
  '&lt;',
  '\n',
  ' ',
  'Failed: ',
  '{{',
  '}}',
  '{%',
  '%}',
  '@',
  '🔥',
  '\\',
  '"',
  '{',
  '<https:',
  ']',
  '('
)
const grammar = fc.letrec<{ body: string }>((tie) => ({
  body: fc
    .array(
      fc.oneof(
        { maxDepth: 3 },
        { weight: 6, arbitrary: output },
        { weight: 4, arbitrary: literal },
        {
          weight: 1,
          arbitrary: fc
            .tuple(value, tie('body'), tie('body'))
            .map(([v, a, b]) => `{% if ${v} == "x" %}${a}{% else %}${b}{% endif %}`)
        },
        { weight: 1, arbitrary: fc.tuple(value, tie('body')).map(([v, a]) => `{% for p in ${v} %}${a}{% endfor %}`) },
        { weight: 1, arbitrary: tie('body').map((a) => `{% capture p %}${a}{% endcapture %}{{ p }}`) },
        { weight: 1, arbitrary: fc.tuple(value, filter).map(([v, f]) => `{% assign p = ${v}${f} %}{{ p }}`) },
        {
          weight: 1,
          arbitrary: fc.constantFrom(
            '{% break %}',
            '{% continue %}',
            '{% raw %}{{ x }}{% endraw %}',
            '{% comment %}',
            '{% include "x" %}',
            '{% cycle event.message, "<" %}',
            '{% echo event.message %}',
            '{%- liquid echo event.message -%}',
            '{% case object.kind %}{% when "x" %}{% endcase %}',
            '{% unless p %}x{% endunless %}',
            '{% increment p %}',
            '{# x #}'
          )
        }
      ),
      { maxLength: 6 }
    )
    .map((parts) => parts.join(''))
}))
const written = [
  '{{ transition | state }} *{{ object.kind }} {{ object.namespace }}/{{ object.name }}*',
  '{{ event.message | fence }}',
  '{% for p in metadata %}{{ p[0] }}: {{ p[1] | code }}\n{% endfor %}',
  '`{{ object.name }}` {{ links.commit | link: revision.short }} {{ failure.since | ago }}'
]
const text = fc.oneof(
  { weight: 4, arbitrary: grammar.body },
  { weight: 2, arbitrary: mutated(written, fc.oneof(literal, output)) }
)

interface Case {
  title: string
  body: string
  summary: string
  wire: WireEvent
}

interface Filled {
  faults: Fault[]
  payload: Payload | undefined
  because: string | undefined
}

export const template: Target<Case, Filled> = {
  name: 'template',
  share: 50_000,
  input: fc.record({ title: text, body: text, summary: text, wire: anyEvent }),
  run({ wire, ...texts }) {
    const faults: Fault[] = []
    const template = compileTemplate('own', texts, faults)
    if (faults.length > 0) return { faults, payload: undefined, because: undefined }
    const event = normalise(wire, { source: 'default', cluster: undefined, defaultCluster: 'prod' }, 0)
    const advanced = advance(undefined, event, 0)
    const plain = createView(event, advanced, { says: advanced.transition, mention: undefined }, { links })
    const { view, because } = dress(plain, template, { event, previousRevision: '', rule: 'r', destination: 'd' })
    return { faults, payload: composeOne(view), because }
  },
  faults({ faults, payload, because = '' }, texts) {
    const isOutside = ({ path, offset = 0 }: Fault) =>
      offset < 0 || offset > (texts[path.at(-1) as 'title'] ?? '').length
    return [
      ...faultsAmong({
        'no reason': faults.some(({ message }) => message === ''),
        'a place outside the text': faults.some(isOutside),
        'an error of ours': /is not a function|Cannot read|undefined \(|Maximum call stack/.test(because)
      }),
      ...(payload === undefined ? [] : [...slackFaults(payload), ...strangerFaults(payload)])
    ]
  }
}
