import { appendFileSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import { Store } from '../../lib/store/store.js'
import { verify } from '../../lib/store/verify.js'
import { child, type Child } from '../helpers/child.js'
import { initialDraft, put, record, textOf } from '../helpers/drafts.js'
import { openStore } from '../helpers/new-store.js'
import { tempDir } from '../helpers/temp-dir.js'
import type { KilledMethods } from './killed.child.js'

// Some fifty processes are started here.
t.setTimeout(120_000)

const script = new URL('./killed.child.js', import.meta.url)
const start = (t: Test, path: string): Promise<Child<KilledMethods>> => child<KilledMethods>(t, script, [path])

/** Opens the store, commits at once, and says what the root was before. Fails if somebody still holds the lock. */
function rootThenWrite(path: string): string | undefined {
  const store = Store.open({ ...systemDisk }, path, { lockTimeout: 0 }, initialDraft)
  try {
    const found = textOf(store, 1)
    put(store, record(1, 'written afterwards'))
    return found
  } finally {
    store.close()
  }
}

function assertWhole(t: Test, path: string, name: string): void {
  const findings: string[] = []
  verify(systemDisk, path, ({ message }) => findings.push(message))
  t.same(findings, [], `${name}: the file verifies`)
  const names = readdirSync(dirname(path)).filter(file => file !== 'app.db' && file !== 'app.db.lock')
  t.same(names, [], `${name}: no stray file is left`)
  t.equal(statSync(path).nlink, 1, `${name}: the store has one name`)
}

/** Runs `act` in one process after another, killed before operation 1, 2, 3 and so on until it runs through. */
async function atEveryStep(
  t: Test,
  path: () => string,
  act: (c: Child<KilledMethods>, k: number) => Promise<number>,
  check: (path: string, k: number, finished: boolean) => void,
): Promise<number> {
  for (let k = 1; ; k++) {
    const at = path()
    const c = await start(t, at)
    const count = await act(c, k).catch((error: unknown) => {
      if ((error as { code?: string }).code !== 'CHILD_EXITED') throw error
      return undefined
    })
    c.kill()
    await c.exited
    check(at, k, count !== undefined)
    if (count !== undefined) return count
  }
}

t.test(
  'a writer killed at every step of its first commit: nothing acknowledged is lost, and the store is usable',
  async t => {
    const path = join(tempDir(t), 'app.db')
    openStore(t, path)
    let acknowledged = 'root'
    const steps = await atEveryStep(
      t,
      () => path,
      (c, k) => c.call('commitKilledAt', k, `commit ${k}`),
      (_path, k, finished) => {
        const found = rootThenWrite(path)
        if (finished) t.equal(found, `commit ${k}`, 'acknowledged')
        else t.ok([acknowledged, `commit ${k}`].includes(String(found)), `killed before operation ${k}: ${found}`)
        acknowledged = 'written afterwards'
      },
    )
    t.ok(steps >= 10, `${steps} steps`)
    assertWhole(t, path, 'at the end')
  },
)

t.test('a creator killed at every step: there is a whole store or none, and the next writer tidies up', async t => {
  const steps = await atEveryStep(
    t,
    () => join(tempDir(t), 'app.db'),
    (c, k) => c.call('openKilledAt', k),
    (path, k) => {
      t.equal(rootThenWrite(path), 'root', `killed before operation ${k}`)
      assertWhole(t, path, `killed before operation ${k}`)
    },
  )
  t.ok(steps >= 12, `${steps} steps`)
})

t.test(
  'a writer killed at every step of a later commit, which also cuts off what another killed one has left',
  async t => {
    const path = join(tempDir(t), 'app.db')
    openStore(t, path)
    const steps = await atEveryStep(
      t,
      () => path,
      async (c, k) => {
        await c.call('put', `acknowledged ${k}`)
        appendFileSync(path, 'PFRM')
        return c.call('commitKilledAt', k, `commit ${k}`)
      },
      (_path, k, finished) => {
        const found = rootThenWrite(path)
        const possible = finished ? [`commit ${k}`] : [`acknowledged ${k}`, `commit ${k}`]
        t.ok(possible.includes(String(found)), `killed before operation ${k}: ${found}`)
      },
    )
    t.ok(steps >= 10, `${steps} steps`)
    assertWhole(t, path, 'at the end')
  },
)

t.test('a tail torn by a killed writer is not read, and the next writer cuts it off', async t => {
  const path = join(tempDir(t), 'app.db')
  const reader = openStore(t, path)
  const text = 'never committed'
  for (const cut of [1, 4, 71, 72, 85, 105]) {
    const before = textOf(reader, 1)
    const { offset } = reader.latest()
    const c = await start(t, path)
    await t.rejects(c.call('commitTornAt', cut, text), { code: 'CHILD_EXITED' })
    t.equal(statSync(path).size, offset + cut, `${cut} bytes of a frame stand there`)
    t.equal(textOf(reader, 1), before, 'a reader that was open takes no notice')
    const other = await start(t, path)
    await other.call('put', `written after ${cut}`)
    t.equal(textOf(reader, 1), `written after ${cut}`)
    other.kill()
  }
  assertWhole(t, path, 'at the end')
})
