// Where the log of a damaged file ends for a salvage: what was acknowledged is saved or told as missing, and what was never finished is none.
import t from 'tap'
import { pack } from '../../lib/store/pack.js'
import { Store } from '../../lib/store/store.js'
import { stretchOf, type Oid } from '../../lib/store/types.js'
import { PATH } from '../damage/known-store.js'
import { MemoryDisk } from '../damage/memory-disk.js'
import { initialDraft, put, record } from '../helpers/drafts.js'
import { salvaged } from './salvaged.js'

const COUNT = 8
const EACH = Array.from({ length: COUNT }, (_, n) => n)

/** A store in memory with eight objects, to which the root refers. */
function makeStore(): { disk: MemoryDisk; store: Store; oids: Oid[] } {
  const disk = new MemoryDisk()
  const store = Store.open(disk, PATH, {}, initialDraft)
  const fresh = EACH.map(n => -1 - n)
  const first = put(store, ...fresh.map(oid => record(oid, 'made '.padEnd(200, '.'))), record(1, 'root', fresh))
  store.makeDurable(store.latest())
  return { disk, store, oids: EACH.map(n => (first + n) as Oid) }
}

t.test('bytes gone from the last commit are no mark of a power cut: what is left of it is saved', async t => {
  const { disk, store, oids } = makeStore()
  const at = store.latest().offset
  put(store, ...oids.map(oid => record(oid, 'late '.padEnd(200, '.'))))
  const bytes = disk.bytesOf(PATH)
  for (const from of [at + 80, at + 1000, bytes.length - 100]) {
    const damaged = Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + 4)])
    for (const boot of [1, 2]) {
      const disk = MemoryDisk.with({ [PATH]: damaged })
      disk.boot = boot
      t.throws(() => Store.open(disk, PATH), { code: 'CORRUPT_LOG', offset: at })
      const { report, texts } = salvaged(damaged, oids, boot)
      t.match(report, { torn: undefined, missingCommits: [{ from: 3, to: 3 }], lastTid: 3 })
      t.equal(texts.filter(text => text?.startsWith('late')).length, COUNT - 1)
    }
  }
})

t.test('an append that was never finished is none if bytes are gone from the packed state, either', async t => {
  const { disk, store, oids } = makeStore()
  const [first = 1 as Oid, second = 1 as Oid] = oids
  await pack(store)
  const packed = store.latest().offset
  put(store, record(first, 'acknowledged'))
  const { offset, tid } = store.latest()
  put(store, record(first, 'never finished'), record(second, 'never finished'))
  const all = disk.bytesOf(PATH)
  for (const left of [30, 100, all.length - offset - 4]) {
    for (const gone of [50, 300, packed - 4500]) {
      const bytes = all.subarray(0, offset + left)
      const damaged = Buffer.concat([bytes.subarray(0, 4300), bytes.subarray(4300 + gone)])
      const { report, texts } = salvaged(damaged, [first, second])
      const torn = { offset: offset - gone, bytes: left }
      t.match(report, { torn, lastTid: tid, missingCommits: [] }, `${gone} gone, ${left} left`)
      t.equal(texts[0], 'acknowledged')
      t.not(texts[1], 'never finished')
      t.ok(report.skipped.every(part => part.offset + part.bytes <= damaged.length))
    }
  }
})

/** What another life of the store has written behind this state: one commit for each object, and one of 9 kB. */
function foreign(bytes: Buffer, oids: readonly Oid[]): Buffer {
  const disk = MemoryDisk.with({ [PATH]: bytes })
  const store = Store.open(disk, PATH)
  for (const oid of oids) put(store, record(oid, 'FOREIGN'.repeat(20)))
  put(store, record(1, 'FOREIGN'.repeat(1300)))
  store.close()
  return disk.bytesOf(PATH).subarray(bytes.length)
}

/** Of an unfinished append behind the commit. Where bytes are gone from that one's header, no more than a header of the append is seen through. */
const LEFT = { 'is zeros': [0, 1, 20, 71, 72, 100, 1000, 3000], 'is gone': [0, 1, 20, 71] }

for (const [what, damage] of [
  ['is zeros', (bytes, at) => Buffer.from(bytes).fill(0, at, at + 80)],
  ['is gone', (bytes, at) => Buffer.concat([bytes.subarray(0, at + 20), bytes.subarray(at + 74)])],
] as const satisfies [keyof typeof LEFT, (bytes: Buffer, at: number) => Buffer][]) {
  for (const cut of [0, 8000]) {
    t.test(`a last commit whose header ${what} is told as missing, and no copy in it taken for it: ${cut}`, async t => {
      const { disk, store, oids } = makeStore()
      const at = store.latest().offset
      const copy = foreign(disk.bytesOf(PATH), oids)
      const state = Buffer.concat([copy.subarray(0, copy.length - cut), Buffer.alloc(400)])
      put(store, record(oids[0] ?? 1, 'acknowledged'), { ...record(-1, ''), ...stretchOf(state) })
      store.makeDurable(store.latest())
      const { offset, tid } = store.latest()
      put(store, record(oids[1] ?? 1, 'never finished '.padEnd(3000, '.')))
      const all = disk.bytesOf(PATH)
      for (const left of LEFT[what]) {
        const damaged = damage(all.subarray(0, offset + left), at)
        const { report, texts } = salvaged(damaged, oids)
        const torn = left === 0 ? undefined : { offset: damaged.length - left, bytes: left }
        t.match(report, { torn, lastTid: tid, missingCommits: [{ from: tid, to: tid }] }, `${left} left`)
        t.ok(texts.every(text => text?.startsWith('made')))
      }
    })
  }
}

t.test('a last commit of which only the trailer is left is told as missing', async t => {
  const { disk, store, oids } = makeStore()
  const at = store.latest().offset
  put(store, record(oids[0] ?? 1, 'acknowledged '.padEnd(500, '.')))
  const damaged = disk.bytesOf(PATH)
  damaged.fill(0, at, damaged.length - 12)
  const { report } = salvaged(damaged, oids)
  t.match(report, { torn: undefined, lastTid: 3, missingCommits: [{ from: 3, to: 3 }] })
  // That of the commit before tells of none, behind it once more, or behind bytes that have got into it.
  const twice = disk.bytesOf(PATH).subarray(0, at)
  const { report: again } = salvaged(Buffer.concat([twice, twice.subarray(-100)]), oids)
  t.match(again, { torn: undefined, lastTid: 2, missingCommits: [], skipped: [{ offset: at, bytes: 100 }] })
  const longer = Buffer.concat([twice.subarray(0, -50), Buffer.alloc(10_000), twice.subarray(-50)])
  t.match(salvaged(longer, oids).report, { torn: undefined, lastTid: 2, missingCommits: [{ from: 2, to: 2 }] })
})
