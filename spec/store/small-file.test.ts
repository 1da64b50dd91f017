// A small file is kept in memory as far as it has been read.
import t from 'tap'
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { CorruptLogError } from '../../lib/index.js'
import { Store } from '../../lib/store/store.js'
import type { Oid } from '../../lib/store/types.js'
import { countingDisk } from '../helpers/counting-disk.js'
import { draft, fill, put, record, textOf } from '../helpers/drafts.js'
import { newStore, openStore, stranger } from '../helpers/new-store.js'

/** In an order in which neighbours do not follow each other. */
const scattered = <T>(all: readonly T[]): T[] => all.map((_, n) => all[(n * 7919) % all.length] as T)

t.test('records of a small file are read from the disk once, many at a time', async t => {
  const { path } = ((store: Store) => (fill(store, 2000, 100), store))(newStore(t))
  const counting = countingDisk()
  const store = openStore(t, path, counting.disk)
  const oids = scattered(Array.from({ length: 2000 }, (_, n) => n + 17))
  const read = (): void => oids.forEach(oid => void textOf(store, oid))
  const first = counting.during(read).filter(name => name === 'read').length
  t.ok(first > 5 && first < 100, `${first} reads`)
  const again = counting.during(read).filter(name => name === 'read').length
  t.ok(again < 300, `${again} reads: only of what stands in two blocks, or in the last one`)
})

t.test('what is committed later is seen, also in the block that was the last one', async t => {
  const store = newStore(t)
  const other = stranger(t, store)
  const texts = new Map<Oid, string>()
  for (let n = 0; n < 1500; n++) {
    const text = `${n} ${'x'.repeat(n % 300)}`
    texts.set(put(other, record(-1, text)), text)
    if (n % 10 === 0) for (const oid of [...texts.keys()].slice(-20)) t.equal(textOf(store, oid), texts.get(oid))
  }
  t.ok([...texts].every(([oid, text]) => textOf(store, oid) === text))
})

t.test('a damaged record is not given out, and is read again once it is repaired', async t => {
  const store = newStore(t)
  const [oid = 0 as Oid] = fill(store, 600, 200)
  const reader = stranger(t, store)
  const { generation, offset } = reader.latest()
  const at = generation.find(oid, offset) + 20
  const write = (byte: number): void => {
    const fd = openSync(store.path, 'r+')
    writeSync(fd, Buffer.from([byte]), 0, 1, at)
    closeSync(fd)
  }
  const before = readFileSync(store.path)[at] ?? 0
  write(before ^ 1)
  t.throws(() => textOf(reader, oid), CorruptLogError)
  write(before)
  t.equal(textOf(reader, oid), `0 ${'x'.repeat(200)}`)
})

t.test('of a file that has outgrown it, everything is read as before', async t => {
  const store = newStore(t)
  const oids = fill(store, 500, 100)
  t.ok(oids.every((oid, n) => textOf(store, oid)?.startsWith(`${n} `)))
  for (let n = 0; n < 36; n++) store.commit(draft(record(-1, 'y'.repeat(1 << 20))), store.latest(), [], true)
  const more = fill(store, 500, 100)
  t.ok([...oids, ...more].every((oid, n) => textOf(store, oid)?.startsWith(`${n % 500} `)))
})
