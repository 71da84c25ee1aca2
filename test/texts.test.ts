// Texts: a view or a memory is read as it was written, and no text of Flux is stored twice in it.
import { assert, constantFrom, oneof, property, record, string } from 'fast-check'
import t from 'tap'
import type { Failure, ObjectMemory } from '../src/objects/memory.ts'
import { memoryText, readMemory } from '../src/objects/stored-memory.ts'
import type { View } from '../src/render/compose/view.ts'
import { readView, viewText } from '../src/store/texts.ts'

const line = 'kustomize build failed: accumulating resources: no such file or directory'
const said = oneof(constantFrom(line, `${line}\nand more`, '', line.slice(0, 20)), string())
const reason = constantFrom('BuildFailed', 'HealthCheckFailed')

t.test('a view comes back as it was', async () => {
  const views = record({ summary: said, message: said, reason, text: said, began: record({ reason, text: said }) })
  assert(
    property(views, ({ summary, message, reason, text, began }) => {
      const view: View = {
        ...{ says: 'failed', severity: 'error', reason, summary, message, cause: 'c', controller: 'k', at: 1 },
        object: { cluster: 'prod', kind: 'Kustomization', namespace: 'apps', name: 'one' },
        failure: { reason, text, began, since: 1, count: 2 }
      }
      t.same(readView(viewText(view)), view)
    })
  )
})

t.test('a memory comes back as it was, including that of a twin', async () => {
  const failures = record({ reason, text: said, began: record({ reason, text: said }) })
  assert(
    property(failures, failures, (one, other) => {
      const failure = (of: Pick<Failure, 'reason' | 'text' | 'began'>): Failure => ({
        ...{ severity: 'error', revision: '', at: 2, since: 1, count: 1, prints: ['p'] },
        ...of
      })
      const base = { since: 1, decidedAt: 2, revision: '', notified: [] }
      const twin: ObjectMemory = { ...base, failure: failure(other) }
      const memory: ObjectMemory = { ...base, failure: failure(one), others: [twin, base] }
      t.same(readMemory(memoryText(memory)), memory)
    })
  )
})

t.test('the first event of a failure is stored once', async (t) => {
  const failure: Failure = {
    ...{ severity: 'error', reason: 'BuildFailed', revision: '', text: line, at: 1 },
    ...{ began: { reason: 'BuildFailed', text: line }, since: 1, count: 1, prints: [] }
  }
  const memory = memoryText({ since: 1, decidedAt: 1, revision: '', notified: [], failure })
  t.equal(memory.split(line).length - 1, 1)
  const view = viewText({
    ...{ says: 'failed', severity: 'error', reason: 'BuildFailed', message: `${line}\nand more` },
    ...{ cause: 'c', controller: 'k', at: 1, failure },
    object: { cluster: 'prod', kind: 'Kustomization', namespace: 'apps', name: 'one' }
  })
  t.equal(view.split(line).length - 1, 1)
})
