// Summary: says an event in one line.
import t from 'tap'
import { summarise } from '../src/render/compose/summary.ts'
import { cutMiddle } from '../src/render/slack/mrkdwn.ts'

const cases: [what: string, message: string, gist: string][] = [
  ['one line', 'kustomize build failed: no  such file', 'kustomize build failed: no such file'],
  ['several lines', 'Helm upgrade failed\n\nLast Helm logs:', 'Helm upgrade failed'],
  ['what was applied', 'Service/a/b created\nIngress/a/b created\nJob/a/c deleted', '2 created, 1 deleted'],
  ['an error below what was applied', 'Service/a/b created\nJob/a/c: timed out', 'Job/a/c: timed out'],
  ['lines that only look like it', 'a was created\n/a created\na/ created\n/ created', 'a was created'],
  ['nothing', ' \n ', '']
]
for (const [what, message, gist] of cases) {
  t.test(`the gist of ${what}`, async (t) => t.equal(summarise(message), gist))
}

t.test('three megabytes are read once, whatever they are made of', async (t) => {
  for (const unit of ['/', '/a', '<https://a>', 'a/b created', ' ', '\n', '&']) {
    const text = unit.repeat(3_000_000 / unit.length)
    const before = process.threadCpuUsage()
    summarise(text)
    cutMiddle(text, 2400)
    const { user, system } = process.threadCpuUsage(before)
    t.ok(user + system < 1_000_000, `${JSON.stringify(unit)}: ${user + system} µs`)
  }
})
