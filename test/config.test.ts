// A config file works as it reads, or every mistake in it is told at once, at its place.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../src/config/config.ts'
import { formatProblem } from '../src/config/problem.ts'
import { normalise } from '../src/events/flux.ts'
import { match } from '../src/rules/rules.ts'

const slackUrl = 'https://hooks.slack.com/services/T000/B000/secret'
const environment = {
  FLUX_HMAC_KEY: 'a key',
  SLACK_URL: `${slackUrl}\n`,
  PLAIN_HTTP_URL: 'http://hooks.slack.com/services/T000/B000/secret',
  EMPTY: ' \n'
}
const openSource = 'source "default" accepts events from anyone who can reach it; give it hmacKeys'

const mistakes = join(import.meta.dirname, 'fixtures', 'config')
for (const file of readdirSync(mistakes)) {
  t.test(`${file} is told at its place, and nothing else`, async (t) => {
    const text = readFileSync(join(mistakes, file), 'utf8')
    const expected = [...text.matchAll(/^# expect: (.*)$/gm)].map(([, problem]) => problem)
    const [, todo] = /^# todo: (.*)$/m.exec(text) ?? []
    const { config, problems } = loadConfig(text, file, environment)
    const told = problems.map(({ line, column, message }, at) => {
      // `…` at the end of an expectation stands for the rest.
      const [start, rest] = expected[at]?.split('…') ?? []
      const problem = `${line}:${column} ${message}`
      return rest === '' && problem.startsWith(start ?? '') ? expected[at] : problem
    })
    t.strictSame(told, expected, 'every mistake, in the order of the file', todo ? { todo } : {})
    t.equal(config, undefined, 'and the file is refused')
  })
}
