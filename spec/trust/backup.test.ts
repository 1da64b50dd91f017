// A copy of the file, made with `cp` while others write and pack, is a store: the state after some commit, as it was while the
// copy was made. PERDURE_COPIES says how many copies.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import { open } from 'perdure'
import { verify } from '../../lib/store/verify.js'
import { child } from '../helpers/child.js'
import { tempDir } from '../helpers/temp-dir.js'
import type { CrowdMethods } from './crowd.child.js'
import { crowdOptions } from './crowd.js'

const copies = Number(process.env.PERDURE_COPIES || 12)
t.setTimeout((60 + copies) * 1000)

const script = new URL('./crowd.child.js', import.meta.url)
const run = promisify(execFile)

for (const packs of [false, true]) {
  t.test(`copies made while three processes write${packs ? ', and one packs' : ''}, are whole stores`, async t => {
    const dir = tempDir(t)
    const path = join(dir, 'app.db')
    const db = open(path, { ...crowdOptions, durability: 'os' })
    t.teardown(() => db.close())
    db.transact(crowd => void crowd.padding.set('', new Uint8Array(3_000_000)))
    const [packer, ...writers] = await Promise.all(
      Array.from({ length: 4 }, () => child<CrowdMethods>(t, script, [path])),
    )
    const written = writers.map((each, n) => each.call('write', `writer ${n}`, 2))
    let going = true
    const packing = (async () => {
      while (packs && going) await packer!.call('packs', 1)
    })()

    for (let n = 0; n < copies; n++) {
      const copy = join(dir, `copy ${n}.db`)
      const before = db.transact(crowd => [db.tid, crowd.counter] as const)
      await run('cp', [path, copy])
      const after = db.transact(crowd => [db.tid, crowd.counter] as const)

      const findings: string[] = []
      const { damage } = verify(systemDisk, copy, ({ message }) => findings.push(message))
      if (damage > 0) t.fail(findings.join('; '))
      const backup = open(copy, { ...crowdOptions, durability: 'os' })
      const { counter, notes } = backup.root
      const texts = (half: string): string[] =>
        [...notes].filter(([name]) => name.endsWith(half)).map(([, { text }]) => text)
      const total = texts('a').reduce((sum, text) => sum + Number(text.split(' ')[2]), 0)
      const state = `copy ${n}: after commit ${backup.tid}, of ${before[0]} to ${after[0]}`
      t.ok(before[0] <= backup.tid && backup.tid <= after[0], state)
      t.ok(before[1] <= counter && counter <= after[1], 'no commit is missing that was there before the copy began')
      t.same(texts('a'), texts('b'), 'every commit is whole')
      t.ok(total >= counter && total <= counter + writers.length, 'none is left out')

      backup.transact(crowd => void crowd.counter++)
      await backup.pack()
      t.equal(backup.root.counter, counter + 1, 'it can be written and packed')
      backup.close()
      verify(systemDisk, copy, ({ message }) => t.fail(message))
    }
    going = false
    await packing
    await Promise.all(writers.map(each => each.call('stop')))
    const commits = await Promise.all(written)
    t.comment(`${copies} copies, ${2 * commits.reduce((sum, n) => sum + n, 0)} commits meanwhile`)
  })
}
