// The default template: says exactly what the relay says by itself, so that it is a place to start from.
import t from 'tap'
import { parse } from 'yaml'
import { templateText } from '../src/cli/template.ts'
import { loadConfig } from '../src/config/config.ts'
import { formatProblem } from '../src/config/problem.ts'
import { createSamples } from '../src/render/check/samples.ts'
import { customOf } from '../src/render/compose/fill-template.ts'
import { composeOne } from '../src/render/compose/message.ts'
import { defaultTemplate } from '../src/render/template/default.ts'
import { compileTemplate } from '../src/render/template/template.ts'
import { configWith } from './fixtures/composed.ts'

t.test('every kind of message is the same with it as without a template', async (t) => {
  const template = compileTemplate('default', defaultTemplate, [])
  for (const { title, event, previousRevision, view, isExtreme } of createSamples()) {
    if (isExtreme) continue
    const occasion = { event, previousRevision, rule: 'failures', destination: 'platform' }
    const posting = { publicUrl: 'https://relay.example', event: '7', late: '*delayed 3 h*' }
    const custom = customOf(view, template, occasion)
    t.strictSame(composeOne({ ...view, custom }, posting), composeOne(view, posting), title)
  }
})

t.test('what the command prints is valid in a config file', async (t) => {
  const printed = templateText()
  const { templates } = parse(printed)
  t.strictSame(templates.default, defaultTemplate)
  const { problems } = loadConfig(configWith(printed).replace('template: own', 'template: default'), 'config.yaml', {
    KEY: 'k'
  })
  t.strictSame(problems.map(formatProblem), [])
})
