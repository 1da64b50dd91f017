// A real file of more than 5 GiB, most of it a hole. No log begins with a hole: the stores are told that they have read it.
import { appendFileSync, closeSync, openSync, statSync, truncateSync, writeSync } from 'node:fs'
import t, { type Test } from 'tap'
import type { Store } from '../../lib/store/store.js'
import type { Oid } from '../../lib/store/types.js'
import { draft, put, record, textOf } from '../helpers/drafts.js'
import { newStore, stranger } from '../helpers/new-store.js'

const FAR = 5 * 2 ** 30 + 123

/** Two stores on one file, both behind the hole; the root's newest version stands before it. */
function farStores(t: Test): [Store, Store] {
  const store = newStore(t)
  const other = stranger(t, store)
  truncateSync(store.path, FAR)
  writeTrailer(store.path, store.current.reader.tail.checksum)
  for (const { current } of [store, other]) current.reader.passOwn({ ...current.reader.tail, offset: FAR })
  return [store, other]
}

/** The end of a frame, as the stores believe to have read it. */
function writeTrailer(path: string, checksum: number): void {
  const trailer = Buffer.alloc(12)
  trailer.writeUInt32LE(checksum, 0)
  trailer.write('FEND', 8)
  const fd = openSync(path, 'r+')
  writeSync(fd, trailer, 0, trailer.length, FAR - trailer.length)
  closeSync(fd)
}

t.test('what is committed beyond 4 GiB is found and read there, by others too', async t => {
  const [store, other] = farStores(t)
  const oid = put(store, record(-1, 'far away'))
  t.ok(store.latest().offset > FAR)
  t.equal(store.latest().offset, statSync(store.path).size)
  for (const one of [store, other]) {
    t.equal(textOf(one, oid), 'far away')
    t.ok(one.current.newest(oid) > FAR)
  }
})

t.test('older versions are found across it, and conflicts are seen there', async t => {
  const [store, other] = farStores(t)
  const old = store.latest()
  put(other, record(1, 'newer'))
  put(other, record(1, 'newest'))
  t.equal(textOf(store, 1), 'newest')
  t.ok(old.generation.find(1 as Oid, old.offset) < 2 ** 32)
  t.match(store.commit(draft(record(1, 'x')), old, [1 as Oid], true), { outcome: 'conflict', oids: [1] })
})

t.test('a torn frame beyond 4 GiB is cut off, and no more than that', async t => {
  const [store, other] = farStores(t)
  put(store, record(1, 'good'))
  const { offset } = other.latest()
  appendFileSync(store.path, 'PFRM')
  put(other, record(1, 'better'))
  t.equal(textOf(store, 1), 'better')
  t.match(store.current.read(store.current.newest(1 as Oid)), { offset: offset + 72, previous: FAR + 72 })
})
