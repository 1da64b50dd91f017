import t from 'tap'
import type { Snapshot } from '../../lib/store/snapshot.js'
import type { Oid } from '../../lib/store/types.js'
import { put, record, textOf } from '../helpers/drafts.js'
import { newStore, openStore, stranger } from '../helpers/new-store.js'
import { seeded } from '../helpers/seeded.js'
import { readFileSync, writeFileSync } from 'node:fs'

const textAt = ({ generation, offset }: Snapshot, oid: number): string | undefined => {
  const at = generation.find(oid as Oid, offset)
  return at === 0 ? undefined : Buffer.from(generation.read(at).state).toString()
}

t.test('an old snapshot shows the versions of its time, through any number of later ones', async t => {
  const store = newStore(t)
  const oid = put(store, record(-1, 'first'))
  const old = store.latest()
  for (let n = 0; n < 2000; n++) put(store, record(oid, `version ${n}`))
  t.equal(textAt(old, oid), 'first')
  t.equal(textAt(store.latest(), oid), 'version 1999')
})

t.test('what was stored after a snapshot is not in it', async t => {
  const store = newStore(t)
  const old = store.latest()
  const oid = put(store, record(-1, 'new'))
  t.equal(textAt(old, oid), undefined)
  t.equal(store.latest().generation.find(oid, old.offset), 0)
})

t.test('while nothing happens the snapshot stays the same object', async t => {
  const store = newStore(t)
  const one = store.latest()
  t.equal(store.latest(), one)
  put(store, record(1, 'x'))
  t.not(store.latest(), one)
})

t.test('every snapshot of a random history shows exactly its state', async t => {
  const random = seeded(t)
  const store = newStore(t)
  const other = stranger(t, store)
  const model = new Map<number, string>([[1, 'root']])
  const past: [Snapshot, Map<number, string>][] = []
  for (let n = 0; n < 300; n++) {
    const writer = random.pick([store, other])
    const text = `${n} ${'x'.repeat(random.chance(0.05) ? random.int(20_000) : random.int(50))}`
    if (random.chance(0.3)) model.set(put(writer, record(-1, text)), text)
    else {
      const oid = random.pick([...model.keys()])
      put(writer, record(oid, text))
      model.set(oid, text)
    }
    past.push([random.pick([store, other]).latest(), new Map(model)])
  }
  for (const [snapshot, state] of past) {
    for (const oid of model.keys()) {
      if (textAt(snapshot, oid) !== state.get(oid)) t.fail(`oid ${oid} is wrong at commit ${snapshot.tid}`)
    }
  }
})

t.test('a record of any size is read whole', async t => {
  const store = newStore(t)
  for (const size of [0, 1, 4000, 4050, 4096, 4100, 10_000, 5 << 20]) {
    const text = 'x'.repeat(size)
    const oid = put(store, record(-1, text))
    if (textOf(store, oid) !== text) t.fail(`${size} bytes`)
    put(store, record(-1, 'behind it'))
    if (textOf(store, oid) !== text) t.fail(`${size} bytes, with others behind`)
  }
})

t.test('a state that was read is the reader’s own: the next read does not change it', async t => {
  const store = newStore(t)
  const [a, b] = [put(store, record(-1, 'aaaa')), put(store, record(-1, 'bbbb'))]
  const { generation } = store.latest()
  const { state } = generation.read(generation.newest(a))
  generation.read(generation.newest(b))
  t.equal(Buffer.from(state).toString(), 'aaaa')
})

t.test('damage behind the back of an open store is found when the object is read', async t => {
  const store = newStore(t)
  put(store, record(1, 'good'))
  const { offset, tid } = store.latest()
  const oid = put(store, record(-1, 'a state to be damaged'))
  const reader = openStore(t, store.path)
  const bytes = readFileSync(store.path)
  bytes.write('DAMAGED', bytes.indexOf('to be damaged'))
  writeFileSync(store.path, bytes)
  t.throws(() => textOf(reader, oid), { code: 'CORRUPT_LOG', offset, lastGoodTid: tid })
  t.equal(textOf(reader, 1), 'good', 'the rest can be read')
})
