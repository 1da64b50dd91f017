// The index file is a cache of all but one thing: that what it covers was on disk when it was written.
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import { readFrameHeader } from '../../lib/log/frame.js'
import { recover } from '../../lib/store/recover.js'
import { Store } from '../../lib/store/store.js'
import type { Oid } from '../../lib/store/types.js'
import { verify } from '../../lib/store/verify.js'
import { PATH } from '../damage/known-store.js'
import { MemoryDisk } from '../damage/memory-disk.js'
import { initialDraft, put, record, textOf } from '../helpers/drafts.js'
import { tempDir } from '../helpers/temp-dir.js'

const INDEX = `${PATH}.index`
const COUNT = 60

interface Made {
  readonly bytes: Buffer
  readonly index: Buffer
  /** Where each commit begins, and where the last one ends. */
  readonly starts: readonly number[]
  /** Of the objects of which each commit changes one. */
  readonly oids: readonly Oid[]
}

/** In boot 1, commits none of which says that the one before it is on disk; then they are synced, and an index file is written. */
function makeStore(): Made {
  const disk = new MemoryDisk()
  const store = Store.open(disk, PATH, {}, initialDraft)
  const first = put(store, ...Array.from({ length: COUNT }, (_, n) => record(-1 - n, 'made')))
  const oids = Array.from({ length: COUNT }, (_, n) => (first + n) as Oid)
  const starts: number[] = []
  for (const oid of oids) {
    starts.push(store.latest().offset)
    put(store, record(oid, 'changed '.padEnd(20_000, '.')))
  }
  starts.push(store.latest().offset)
  store.close()
  return { bytes: disk.bytesOf(PATH), index: disk.bytesOf(INDEX), starts, oids }
}

const made = makeStore()
const { oids, starts } = made

function flipped(bytes: Buffer, ...places: readonly number[]): Buffer {
  const copy = Buffer.from(bytes)
  for (const at of places) copy[at]! ^= 1
  return copy
}

/** The disk after the machine has been started again. */
function later(bytes: Buffer, index?: Buffer): MemoryDisk {
  const disk = MemoryDisk.with(index === undefined ? { [PATH]: bytes } : { [PATH]: bytes, [INDEX]: index })
  disk.boot = 2
  return disk
}

function changedIn(disk: MemoryDisk, path: string): number {
  const store = Store.open(disk, path, { readonly: true })
  const changed = oids.filter(oid => textOf(store, oid)?.startsWith('changed'))
  store.close()
  return changed.length
}

/** A place in the state of commit `n`. */
const within = (n: number): number => (starts[n] ?? 0) + 300
const damaged = flipped(made.bytes, within(10))
/** The directory of the index file ends where its head begins. */
const directoryEnd = made.index.length - 24 - made.index.readUInt32LE(made.index.length - 24)

t.test('what the index file proves to have been on disk is no mark of a power cut to those who do not use it', t => {
  const disk = later(damaged, made.index)
  const { syncedTo = Infinity } = readFrameHeader(made.bytes, starts[COUNT - 1]!, undefined) ?? {}
  t.ok(syncedTo < starts[10]!, 'no commit says so')
  const found: string[] = []
  t.match(
    verify(disk, PATH, ({ kind }) => found.push(kind)),
    { damage: 1 },
  )
  t.same(found, ['frame'])
  t.match(recover(disk, PATH, '/saved.db'), { torn: undefined, skipped: { length: 1 } })
  t.equal(changedIn(disk, '/saved.db'), COUNT - 1)
  t.end()
})

t.test('nor to those who cannot use it, because another part of it is damaged', t => {
  for (const [what, at] of [
    ['a page', 10],
    ['the directory', directoryEnd - 1],
  ] as const) {
    const disk = later(damaged, flipped(made.index, at))
    t.throws(() => changedIn(disk, PATH), { code: 'CORRUPT_LOG', offset: starts[10] }, what)
    t.match(recover(disk, PATH, '/saved.db'), { torn: undefined, skipped: { length: 1 } }, what)
    t.throws(() => put(Store.open(disk, PATH), record(1, 'on'), record(oids[0]!, 'on')), { code: 'CORRUPT_LOG' }, what)
    t.ok(disk.bytesOf(PATH).equals(damaged), what)
  }
  t.end()
})

t.test('nor where the last commit that it covers is damaged', t => {
  const last = starts[COUNT - 1] ?? 0
  for (const [what, ...places] of [
    ['beginning', last + 20],
    ['end', made.bytes.length - 10],
    ['both', last + 20, made.bytes.length - 10],
  ] as const) {
    const disk = later(flipped(damaged, ...places), made.index)
    t.throws(() => Store.open(disk, PATH), { code: 'CORRUPT_LOG', offset: starts[10] }, what)
    t.equal(recover(disk, PATH, '/saved.db').torn, undefined, what)
    const alone = later(flipped(made.bytes, ...places), made.index)
    t.throws(() => Store.open(alone, PATH), { code: 'CORRUPT_LOG', offset: last }, `alone: ${what}`)
  }
  t.end()
})

t.test('without an index file, with one whose head is damaged, or one of another state, nobody knows', t => {
  const other = MemoryDisk.with({ [PATH]: made.bytes.subarray(0, starts[COUNT - 1]) })
  other.clock += 1_000_000
  put(Store.open(other, PATH), record(oids[COUNT - 1]!, 'changed '.padEnd(20_000, '!')))
  const another = flipped(other.bytesOf(PATH), within(10))
  for (const [what, bytes, index] of [
    ['none', damaged, undefined],
    ['damaged', damaged, flipped(made.index, directoryEnd + 5)],
    ['of a later state', damaged.subarray(0, starts[30]), made.index],
    ['of another state', another, made.index],
  ] as const) {
    const disk = later(bytes, index)
    t.match(recover(disk, PATH, '/saved.db'), { torn: { offset: starts[10] }, skipped: [] }, what)
    t.equal(verify(disk, PATH, () => undefined).damage, 0, what)
    t.equal(changedIn(disk, PATH), 10, what)
    const store = Store.open(disk, PATH)
    put(store, record(1, 'and on'))
    t.equal(disk.warnings.length, 1, what)
    store.close()
  }
  t.end()
})

t.test('the index file stands beside the store itself, by whatever name that is reached', t => {
  const directory = tempDir(t)
  const path = join(directory, 'app.db')
  writeFileSync(path, damaged)
  writeFileSync(`${path}.index`, made.index)
  const link = join(tempDir(t), 'link.db')
  symlinkSync(path, link)
  const disk = { ...systemDisk, boot: 2 }
  t.equal(verify(disk, link, () => undefined).damage, 1)
  t.equal(recover(disk, link, join(directory, 'saved.db')).torn, undefined)
  t.ok(readFileSync(path).equals(damaged))
  t.end()
})
