// What a map of 10^3 to 10^6 entries costs: bytes that one change appends, microseconds of a get, an insert, a scan, memory
// during the scan, and a bulk load; then conflicts of processes that insert different keys into one map, with merging and
// without. Each size runs in a process of its own.
//   node dist/tools/bench/collections.js [--most 1000000] [--commits 1000]
import { fork } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { open, Persistent, PersistentMap, WriteConflictError, type Connection } from '../../lib/index.js'
import { switchMerging } from '../../lib/object/merging.js'

class Root extends Persistent {
  static type = 'Root'
  map = new PersistentMap<number, string>()
}

const { values } = parseArgs({
  options: {
    most: { type: 'string', default: '1000000' },
    commits: { type: 'string', default: '1000' },
    part: { type: 'string' },
    path: { type: 'string', default: '' },
    entries: { type: 'string', default: '0' },
    writer: { type: 'string', default: '0' },
  },
})

const connect = (path: string): Connection<Root> => open(path, { root: Root, durability: 'os' })
const PROCESSES = 4
const SAMPLES = 200

/** Microseconds of one of `count` runs. */
function timed(count: number, run: (n: number) => void): string {
  const started = performance.now()
  for (let n = 0; n < count; n++) run(n)
  return (((performance.now() - started) * 1000) / count).toFixed(1)
}

/** Keys in no order, the same ones in every run. */
const scattered = (n: number, entries: number): number => (n * 7919 * 104_729) % entries

function measureSize(path: string, entries: number): void {
  const db = connect(path)
  const { map } = db.root
  const started = performance.now()
  map.bulkLoad(Array.from({ length: entries }, (_, i) => [2 * i, `value ${i}`]))
  db.commit()
  const load = ((performance.now() - started) / 1000).toFixed(2)
  const perEntry = (statSync(path).size / entries).toFixed(1)
  // Random inserts bring the leaves to the fill that they have in the long run.
  for (let n = 0; n < entries / 10; n++) {
    map.set(2 * scattered(n, entries) + 1, 'a value')
    if (n % 1000 === 999) db.commit()
  }
  db.commit()
  const bytes = (change: (n: number) => void): string => {
    let [sum, most] = [0, 0]
    for (let n = 0; n < SAMPLES; n++) {
      const before = statSync(path).size
      change(n)
      db.commit()
      const appended = statSync(path).size - before
      sum += appended
      most = Math.max(most, appended)
    }
    return `${Math.round(sum / SAMPLES)} (most ${most})`
  }
  const row = {
    entries,
    'bulk load s': load,
    'bytes each': perEntry,
    'insert bytes': bytes(n => map.set(2 * scattered(n, entries) + 0.5, 'a value')),
    'overwrite bytes': bytes(n => map.set(2 * scattered(n + 500, entries), 'another')),
    'delete bytes': bytes(n => map.delete(2 * scattered(n, entries) + 0.5)),
    'insert us': timed(SAMPLES, n => {
      map.set(2 * scattered(n, entries) + 0.25, 'a value')
      db.commit()
    }),
  }
  db.close()
  const again = connect(path)
  const fresh = again.root.map
  const pause = again.pause()
  const cold = timed(SAMPLES, n => void fresh.get(2 * scattered(n + 1000, entries)))
  const warm = timed(100_000, n => void fresh.get(2 * scattered((n % SAMPLES) + 1000, entries)))
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  let [seen, most] = [0, 0]
  const scan = timed(1, () => {
    for (const [key] of fresh) seen += Number(key >= 0)
  })
  let at = 0
  for (const [key] of fresh) {
    if (key < 0 || ++at % (entries / 10) !== 0) continue
    globalThis.gc?.()
    most = Math.max(most, process.memoryUsage().heapUsed)
  }
  pause.continue()
  again.close()
  const scanned = { 'get cold us': cold, 'get warm us': warm, 'scan us/entry': (Number(scan) / seen).toFixed(2) }
  console.table([{ ...row, ...scanned, 'scan heap MB': Math.max(0, (most - before) / 2 ** 20).toFixed(1) }])
}

/** One of the processes; prints nothing but how many of its commits conflicted. */
function insert(path: string, commits: number, writer: number): void {
  const db = connect(path)
  let conflicts = 0
  for (let n = 0; n < commits; n++) {
    const key = PROCESSES * n + writer
    for (;;) {
      db.root.map.set(key, `of ${writer}`)
      try {
        db.commit()
        break
      } catch (error) {
        if (!(error instanceof WriteConflictError)) throw error
        conflicts++
        db.abort()
      }
    }
  }
  db.close()
  process.send?.(conflicts)
}

async function contend(path: string, commits: number, part: 'merged' | 'unmerged'): Promise<void> {
  connect(path).close()
  const started = performance.now()
  const each = Array.from({ length: PROCESSES }, (_, writer) => {
    const args = ['--part', part, '--path', path, '--commits', String(commits / PROCESSES), '--writer', String(writer)]
    const child = fork(fileURLToPath(import.meta.url), args)
    return new Promise<number>((resolve, reject) => {
      child.on('message', message => resolve(Number(message)))
      child.on('exit', code => reject(new Error(`a process ended with ${code}`)))
    })
  })
  const conflicts = (await Promise.all(each)).reduce((sum, one) => sum + one, 0)
  const rate = Math.round(commits / ((performance.now() - started) / 1000))
  const db = connect(path)
  const kept = db.root.map.size
  db.close()
  console.log(
    `${PROCESSES} processes, ${part}: ${((1000 * conflicts) / commits).toFixed(1)} conflicts per 1,000 commits, ${rate} commits/s, ${kept} entries`,
  )
}

async function all(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'perdure-bench-'))
  try {
    for (let entries = 1000; entries <= Number(values.most); entries *= 10) {
      const args = ['--part', 'size', '--path', join(folder, `${entries}.db`), '--entries', String(entries)]
      const child = fork(fileURLToPath(import.meta.url), args, { execArgv: ['--expose-gc'] })
      await new Promise(resolve => child.on('exit', resolve))
    }
    for (const part of ['merged', 'unmerged'] as const)
      await contend(join(folder, `${part}.db`), Number(values.commits), part)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

if (values.part === 'size') {
  measureSize(values.path, Number(values.entries))
} else if (values.part === undefined) {
  await all()
} else {
  switchMerging(values.part === 'merged')
  insert(values.path, Number(values.commits), Number(values.writer))
}
