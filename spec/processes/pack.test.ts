import { execFileSync } from 'node:child_process'
import { copyFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import { open } from '../../lib/index.js'
import { pack } from '../../lib/store/pack.js'
import { Store } from '../../lib/store/store.js'
import { verify } from '../../lib/store/verify.js'
import { child, type Child } from '../helpers/child.js'
import { initialDraft, put, record, textOf } from '../helpers/drafts.js'
import { plainNode } from '../helpers/plain-node.js'
import { tempDir } from '../helpers/temp-dir.js'
import type { PackerMethods } from './packer.child.js'

const script = new URL('./packer.child.js', import.meta.url)
const tool = fileURLToPath(new URL('../../command.js', import.meta.url))
const start = (test: Test, path: string): Promise<Child<PackerMethods>> => child<PackerMethods>(test, script, [path])

function damage(path: string): string[] {
  const findings: string[] = []
  verify(systemDisk, path, finding => findings.push(finding.message))
  return findings
}

t.test('other processes go over to the packed file by themselves', async t => {
  const path = join(tempDir(t), 'app.db')
  const [packer, other] = [await start(t, path), await start(t, path)]
  await packer.call('put', 1, 'one')
  await other.call('hold')
  await packer.call('put', 1, 'two')
  await packer.call('packs', 1)
  t.equal(await other.call('text', 1), 'two')
  t.equal(await other.call('generation'), 2)
  t.equal(await other.call('heldText', 1), 'one', 'and a reader on an old snapshot is not disturbed')
  await other.call('put', 1, 'three')
  t.equal(await packer.call('text', 1), 'three')
  t.equal(await packer.call('tid'), 4)
})

t.test(
  'what transactAsync has committed is put on disk where it stands, whatever has been packed before that',
  async t => {
    const path = join(tempDir(t), 'app.db')
    const db = open(path, { root: { first: 0, second: 0 } })
    t.teardown(() => db.close())
    let runs = 0
    const outcomes = await Promise.allSettled([
      db.transactAsync(root => (root.first = 1), { note: 'first' }),
      db.transactAsync(
        root => {
          if (++runs === 1) execFileSync(...plainNode(tool, 'pack', path))
          return (root.second = 2)
        },
        { note: 'second' },
      ),
    ])
    t.same(outcomes, [
      { status: 'fulfilled', value: 1 },
      { status: 'fulfilled', value: 2 },
    ])
    t.equal(
      db.transact(root => root.first++ + root.second),
      3,
    )
  },
)

t.test('a packer killed at every step leaves a whole store, old or new', async t => {
  const dir = tempDir(t)
  const original = join(dir, 'original.db')
  const store = Store.open(systemDisk, original, {}, initialDraft)
  const a = put(store, record(-1, 'a'), record(1, 'root', [-1]))
  put(store, record(a, 'a again'))
  put(store, record(-1, 'lost'))
  store.close()
  let ended = false
  let [olds, news] = [0, 0]
  for (let k = 1; !ended; k++) {
    const path = join(dir, `${k}.db`)
    copyFileSync(original, path)
    const packer = await start(t, path)
    ended = await packer.call('packKilledAt', k).then(
      () => true,
      () => false,
    )
    packer.kill()
    await packer.exited

    const after = Store.open(systemDisk, path)
    if (after.latest().generation.number === 1) olds++
    else news++
    t.equal(textOf(after, a), 'a again', `killed before operation ${k}: what was committed is there`)
    const tid = after.latest().tid
    t.equal(put(after, record(1, 'and on', [a])) > 0 && after.latest().tid, tid + 1, 'it is writable')
    const names = readdirSync(dir).filter(name => name.startsWith(`${k}.db`))
    t.strictSame(names.sort(), [`${k}.db`, `${k}.db.lock`], 'the next writer removes what was left')
    t.strictSame(damage(path), [], 'it verifies')
    await pack(after)
    t.equal(textOf(after, 1), 'and on', 'and it can be packed')
    after.close()
  }
  t.ok(olds > 10 && news > 1, `killed ${olds} times with the old file in place, ${news} times with the new one`)
})

t.test('four durable writers lose no commit while another process packs 50 times', async t => {
  const path = join(tempDir(t), 'app.db')
  const packer = await start(t, path)
  const counters: number[] = []
  for (let n = 0; n < 4; n++) counters.push(await packer.call('put', -1, '0'))
  await packer.call('put', -1, '0').then(shared => counters.push(shared))
  await packer.call('put', 1, 'root', counters)
  const shared = counters[4] ?? 0
  const writers = await Promise.all([0, 1, 2, 3].map(() => start(t, path)))
  let going = true
  const work = writers.map(async (writer, n) => {
    let done = 0
    for (; going; done += 5) {
      await writer.call('increment', counters[n] ?? 0, 3)
      await writer.call('increment', shared, 2)
    }
    return done
  })
  t.equal(await packer.call('packs', 50), 51)
  going = false
  const done = await Promise.all(work)
  const total = done.reduce((sum, each) => sum + each, 0)
  for (const [n, each] of done.entries()) t.equal(Number(await packer.call('text', counters[n] ?? 0)), (each / 5) * 3)
  t.equal(Number(await packer.call('text', shared)), (total / 5) * 2)
  t.strictSame(damage(path), [])
  t.comment(`${total} durable commits during 50 packs`)
})
