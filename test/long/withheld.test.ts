// What is withheld: however much it is, looking every few seconds whether a mute is over costs next to nothing.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t from 'tap'
import { openStore } from '../../src/store/open.ts'
import { cpuMs } from '../fixtures/cpu.ts'
import { tempFolder } from '../fixtures/relay.ts'
import { at, view } from '../fixtures/store.ts'

const many = 250_000
const looks = 20

t.test(
  'a mute that withholds a quarter of a million notifications does not delay the rest while it lasts',
  async (t) => {
    const file = join(tempFolder(t), 'relay.db')
    const open = () => openStore(`sqlite:${file}`)
    await (await open()).close()
    const db = new DatabaseSync(file)
    db.exec(`
    with recursive n(i) as (select 1 union all select i + 1 from n where i < ${many})
    insert into notifications (event_id, rule, destination, lane, object, says, state, created_at, mute, muted_until)
    select i, 'r', 'team', 'lane', 'o', 'failed', 'muted', ${at}, 'weekend', ${at + 3_600_000} from n`)
    db.close()
    const store = await open()
    t.teardown(() => store.close())
    const look = () =>
      store.endMutes(
        at,
        () => 'lane',
        () => view('summary', 'informed')
      )
    const started = cpuMs()
    for (let n = 0; n < looks; n++) t.same(await look(), [])
    t.ok(cpuMs() - started < looks * 10, 'milliseconds')
  }
)
