// Pack after pack, under four writers and two readers that hold their snapshots. PERDURE_PACKS says how many;
// `npm run soak:packs` makes a thousand.
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import { open } from 'perdure'
import { verify } from '../../lib/store/verify.js'
import { child } from '../helpers/child.js'
import { tempDir } from '../helpers/temp-dir.js'
import type { CrowdMethods } from './crowd.child.js'
import { crowdOptions } from './crowd.js'

const packs = Number(process.env.PERDURE_PACKS || 120)
const WRITERS = 4
t.setTimeout((60 + packs) * 1000)

const script = new URL('./crowd.child.js', import.meta.url)

t.test(`${packs} packs under four writers and two paused readers lose no commit and disturb nobody`, async t => {
  const path = join(tempDir(t), 'app.db')
  const db = open(path, { ...crowdOptions, durability: 'os' })
  t.teardown(() => db.close())
  const start = () => child<CrowdMethods>(t, script, [path])
  const [packer, ...others] = await Promise.all(Array.from({ length: WRITERS + 3 }, start))
  const writers = others.slice(0, WRITERS)
  const readers = others.slice(WRITERS)

  const written = writers.map((each, n) => each.call('write', `writer ${n}`))
  let packed = 0
  let going = true
  let looks = 0
  const disturbed: unknown[] = []
  const reading = readers.map(async (reader, n) => {
    while (going) {
      await reader.call('pause')
      const seen = await reader.call('read', 'a')
      const until = packed + 3 + 10 * n
      const sees = async (half: 'a' | 'b'): Promise<void> => {
        const now = await reader.call('read', half)
        if (!isDeepStrictEqual(now, seen)) disturbed.push({ seen, now })
        looks++
      }
      while (going && packed < until) await sees('a')
      await sees('b') // what it has not loaded yet is of the same moment
      await reader.call('resume')
    }
  })
  let finished = 0
  for (; packed < packs; packed++) finished += await packer!.call('packs', 1)
  going = false
  await Promise.all(reading)
  await Promise.all(writers.map(each => each.call('stop')))
  const commits = await Promise.all(written)

  const total = commits.reduce((sum, n) => sum + n, 0)
  t.equal(finished, packs)
  t.same(disturbed, [], 'a paused reader sees what it saw')
  t.equal(db.root.counter, total)
  for (const [n, count] of commits.entries()) {
    for (const half of ['a', 'b']) t.equal(db.root.notes.get(`writer ${n} ${half}`)?.text, `writer ${n} ${count}`)
  }
  t.equal(db.tid, 1 + 2 * total, 'every commit is there, and none but these')
  const findings: string[] = []
  verify(systemDisk, path, ({ message }) => findings.push(message))
  t.same(findings, [], 'the file verifies')
  t.comment(`${packs} packs, ${2 * total} commits meanwhile, ${looks} looks of paused readers`)
})
