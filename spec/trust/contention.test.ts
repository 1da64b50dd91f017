// Eight processes want the same object all the time. PERDURE_INCREMENTS says how often each.
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { open } from 'perdure'
import { child } from '../helpers/child.js'
import { tempDir } from '../helpers/temp-dir.js'
import type { CrowdMethods } from './crowd.child.js'
import { crowdOptions } from './crowd.js'

const PROCESSES = 8
const LONGEST = 10_000 // milliseconds
const times = Number(process.env.PERDURE_INCREMENTS || 1000)
t.setTimeout((60 + times / 10) * 1000)

const script = new URL('./crowd.child.js', import.meta.url)

async function count(t: Test, durability: 'os' | 'fsync', times: number): Promise<void> {
  const path = join(tempDir(t), 'app.db')
  const db = open(path, { ...crowdOptions, durability: 'os' })
  t.teardown(() => db.close())
  const children = await Promise.all(
    Array.from({ length: PROCESSES }, () => child<CrowdMethods>(t, script, [path, durability])),
  )
  const started = performance.now()
  const waits = await Promise.all(children.map((each, n) => each.call('count', times, n % 2 === 1)))
  const took = performance.now() - started
  t.equal(db.root.counter, PROCESSES * times)
  t.equal(db.tid, 1 + PROCESSES * times, 'and nothing else was committed')
  const longest = Math.round(Math.max(...waits))
  t.ok(longest < LONGEST, `the longest wait was ${longest} ms`)
  t.comment(
    `${durability}: ${Math.round((PROCESSES * times * 1000) / took)} commits a second; longest waits of each: ` +
      `${waits.map(Math.round).join(', ')} ms`,
  )
}

t.test(`eight processes increment one counter ${times} times each: exact, and nobody waits for long`, t =>
  count(t, 'os', times),
)

t.test('the same on disk: fewer of them', t => count(t, 'fsync', Math.ceil(times / 20)))
