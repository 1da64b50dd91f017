import t from 'tap'
import { PersistentList, PersistentMap, PersistentQueue, PersistentSet } from '../../lib/index.js'
import { Decoder } from '../../lib/object/decoder.js'
import { headerOf } from '../../lib/object/header.js'
import { MergingHeader } from '../../lib/object/merging.js'
import { Packr } from '../../lib/object/msgpack.js'
import { StoredState } from '../../lib/object/record-view.js'
import type { Offset, Oid, StoredRecord, Tid } from '../../lib/store/types.js'

// The record's list of keys tells how a collection is kept. A later version may keep it in another way.

const packr = new Packr({ useRecords: false, variableMapSize: true })

function stored(type: string, keys: string[], values: unknown[]): StoredState {
  const state = packr.pack(values)
  const record = {
    oid: 17 as Oid,
    tid: 1 as Tid,
    offset: 4096 as Offset,
    refs: [],
    bytes: state,
    from: 0,
    to: state.length,
    length: state.length,
  }
  return new StoredState(
    record as unknown as StoredRecord,
    { oid: 16 as Oid, type, version: 1, keys },
    { number: 1, path: 'app.db' },
  )
}

const forms: [collection: object, keys: string[], good: unknown[], bad: unknown[][]][] = [
  [new PersistentMap(), ['keys', 'values'], [['a'], [1]], [[['a'], []], [1, [1]], [['a'], 1]]], // prettier-ignore
  [new PersistentQueue(), ['keys', 'values'], [[7], ['a']], [[[7], []], [1, [1]], [[7], 1]]], // prettier-ignore
  [new PersistentSet(), ['values'], [['a']], [[1], [{ a: 1 }]]],
  [new PersistentList(), ['items'], [['a']], [[1], [{ a: 1 }]]],
]
for (const [collection, keys, good, bad] of forms) {
  t.test(`a ${collection.constructor.name} is read from the form that it writes, and from no other`, async t => {
    const header = headerOf(collection)!
    const decode = (names: string[], raw: unknown[]): void =>
      header instanceof MergingHeader
        ? header.take(stored(header.name, names, raw))
        : header.decode(names, raw, new Decoder([], header))
    t.same(header.keys(), keys)
    decode(keys, structuredClone(good))
    t.same([...(collection as Iterable<unknown>)].flat()[0], 'a')
    for (const raw of bad) t.throws(() => decode(keys, structuredClone(raw)), { code: 'SCHEMA' })
    t.throws(() => decode(['other', ...keys], structuredClone(good)), { code: 'SCHEMA' })
    t.throws(() => decode(keys.toReversed().map(String).concat('more'), structuredClone(good)), { code: 'SCHEMA' })
  })
}
