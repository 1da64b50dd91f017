import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import { BaseWriter } from '../../lib/store/base-writer.js'
import { RecordBatch } from '../../lib/store/record-batch.js'
import { mostRecordBytes, writeRecord } from '../../lib/store/record.js'
import type { Offset, Oid } from '../../lib/store/types.js'
import { MemoryFile } from '../helpers/memory-file.js'
import { seeded, type Random } from '../helpers/seeded.js'
import { tempDir } from '../helpers/temp-dir.js'

const SALT = 0x01020304

interface Written {
  readonly oid: number
  readonly place: number
  readonly refs: readonly number[]
  readonly length: number
}

/** A file with records of these lengths, and dead bytes between some of them. */
function fileWith(lengths: readonly number[], random: Random): { bytes: Buffer; written: Written[] } {
  const parts: Uint8Array[] = [Buffer.alloc(4096)]
  let place = 4096
  const written = lengths.map((length, n) => {
    const dead = Buffer.alloc(random.pick([0, 0, 50, 5000, 40_000]), 0x55)
    const refs = Array.from({ length: random.pick([0, 0, 2]) }, () => 1 + random.int(1000))
    const state = Buffer.alloc(length, n)
    const bytes = new Uint8Array(mostRecordBytes(refs.length, length))
    const end = writeRecord(bytes, 0, { oid: n + 1, shape: 16, tid: n, back: n * 50, refs, state }, SALT)
    place += dead.length
    parts.push(dead, bytes.subarray(0, end))
    const record = { oid: n + 1, place, refs, length: end }
    place += end
    return record
  })
  return { bytes: Buffer.concat(parts), written }
}

function newWriter(t: Test): BaseWriter {
  const fd = systemDisk.create(join(tempDir(t), 'new'), 0o600)
  t.teardown(() => systemDisk.close(fd))
  return new BaseWriter(systemDisk, fd, { storeId: Buffer.alloc(16, 1), uuid: Buffer.alloc(16, 2) })
}

/** What the writer has written, in order; it checks every record. */
function readBack(t: Test, writer: BaseWriter): { oid: number; tid: number; back: number; refs: number[] }[] {
  const found: { oid: number; tid: number; back: number; refs: number[] }[] = []
  const steps = writer.verify(({ oid, tid, back, refs, count }) => {
    found.push({ oid, tid, back, refs: refs.slice(0, count) })
    return true
  })
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done !== true) continue
    t.ok(step.value, 'it reads back as it was written')
    return found
  }
}

t.test(
  'records are copied in the order in which they were asked for, wherever they stand, however long they are',
  async t => {
    const random = seeded(t)
    const lengths = Array.from({ length: 6000 }, (_, n) =>
      n % 100 === 0 ? random.pick([10_000, 17_000, 300_000]) : random.int(random.pick([30, 200, 3000])),
    )
    const { bytes, written } = fileWith(lengths, random)
    const asked = random.shuffle(written)
    const writer = newWriter(t)
    const records = new RecordBatch(new MemoryFile(bytes).open(), bytes.length, SALT, writer)
    for (let n = 0, size = 1; n < asked.length; n += size, size = Math.min(size * 7, asked.length - n)) {
      records.clear()
      for (const { oid, place } of asked.slice(n, n + size)) records.add(oid as Oid, place as Offset)
      for (const steps = records.read(); steps.next().done !== true;);
      asked.slice(n, n + size).forEach(({ refs }, k) => {
        const count = records.copy(k)
        if (count !== refs.length) t.fail(`${count} references`)
        t.strictSame(records.refs.slice(0, count), refs)
      })
    }
    t.strictSame(
      readBack(t, writer),
      asked.map(({ oid, refs }) => ({ oid, tid: oid - 1, back: 0, refs })),
    )
  },
)

t.test('what does not fit into the memory of a batch is copied all the same', async t => {
  const random = seeded(t)
  const { bytes, written } = fileWith(new Array<number>(4000).fill(8000), random)
  const asked = random.shuffle(written)
  const writer = newWriter(t)
  const records = new RecordBatch(new MemoryFile(bytes).open(), bytes.length, SALT, writer)
  for (const { oid, place } of asked) records.add(oid as Oid, place as Offset)
  for (const steps = records.read(); steps.next().done !== true;);
  for (let n = 0; n < asked.length; n++) records.copy(n)
  t.strictSame(
    readBack(t, writer).map(({ oid }) => oid),
    asked.map(({ oid }) => oid),
  )
})

t.test('of large records there are fewer in the next batch', async t => {
  const { bytes, written } = fileWith(new Array<number>(20).fill(8000), seeded(t))
  const records = new RecordBatch(new MemoryFile(bytes).open(), bytes.length, SALT, newWriter(t))
  const most = (): number => {
    records.clear()
    while (!records.isFull) for (const { oid, place } of written) records.add(oid as Oid, place as Offset)
    return records.count
  }
  const before = most()
  records.clear()
  for (const { oid, place } of written) records.add(oid as Oid, place as Offset)
  for (const steps = records.read(); steps.next().done !== true;);
  t.ok(most() < before / 4)
})

t.test('what is damaged, cut off, beyond the end or of another object is not copied', async t => {
  const random = seeded(t)
  const { bytes, written } = fileWith([100, 100, 20_000, 20_000, 100, 100, 300_000], random)
  const file = new MemoryFile(bytes)
  for (const n of [1, 3]) {
    const at = (written[n]?.place ?? 0) + 60
    file.bytes[at] = (file.bytes[at] ?? 0) ^ 1
  }
  const writer = newWriter(t)
  const records = new RecordBatch(file.open(), bytes.length - 1, SALT, writer)
  for (const { oid, place } of written) records.add((oid === 6 ? 60 : oid) as Oid, place as Offset)
  records.add(8 as Oid, (bytes.length + 1000) as Offset)
  for (const steps = records.read(); steps.next().done !== true;);
  t.strictSame(
    Array.from({ length: 8 }, (_, n) => records.copy(n) >= 0),
    [true, false, true, false, true, false, false, false],
  )
  t.strictSame(
    readBack(t, writer).map(({ oid }) => oid),
    [1, 3, 5],
  )
})

t.test('between damaged records the others are copied as they are', async t => {
  const random = seeded(t)
  const { bytes, written } = fileWith(
    Array.from({ length: 5000 }, () => random.int(5000)),
    random,
  )
  const file = new MemoryFile(bytes)
  const damaged = new Set<number>()
  for (const { oid, place, length } of written) {
    if (random.chance(0.7)) continue
    damaged.add(oid)
    file.bytes[place + length - 1] = (file.bytes[place + length - 1] ?? 0) ^ 1
  }
  const asked = random.shuffle(written)
  const writer = newWriter(t)
  const records = new RecordBatch(file.open(), bytes.length, SALT, writer)
  for (const { oid, place } of asked) records.add(oid as Oid, place as Offset)
  for (const steps = records.read(); steps.next().done !== true;);
  const copied = asked.filter((_, n) => records.copy(n) >= 0).map(({ oid }) => oid)
  t.strictSame(
    copied,
    asked.map(({ oid }) => oid).filter(oid => !damaged.has(oid)),
  )
  t.strictSame(
    readBack(t, writer).map(({ oid }) => oid),
    copied,
  )
})
