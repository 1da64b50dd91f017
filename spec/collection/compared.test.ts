// What those make of a collection who know nothing of it: they compare two by what is in them, and copy none in silence.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { serialize } from 'node:v8'
import { MessageChannel } from 'node:worker_threads'
import t from 'tap'
import {
  open,
  Persistent,
  PersistentCounter,
  PersistentList,
  PersistentMap,
  PersistentQueue,
  PersistentSet,
  plain,
} from '../../lib/index.js'
import { tempDir } from '../helpers/temp-dir.js'

const KINDS: Record<string, (n: number) => object & { toJSON(): unknown }> = {
  PersistentMap: n => new PersistentMap([['ada', { n }]]),
  PersistentSet: n => new PersistentSet([n]),
  PersistentList: n => new PersistentList([{ n }, 7]),
  PersistentQueue: n => new PersistentQueue([n, [n]]),
  PersistentCounter: n => new PersistentCounter(n),
}

/** With symbols that are no part of what enumerates, as jest does. */
const allKeys = (object: object): unknown[] =>
  Reflect.ownKeys(object).map(key => (object as Record<string | symbol, unknown>)[key])

for (const [name, make] of Object.entries(KINDS)) {
  t.test(`${name}: two are deeply equal if what they contain is`, t => {
    const kind = make(1)
    t.ok(isDeepStrictEqual(kind, make(1)))
    t.notOk(isDeepStrictEqual(kind, make(2)))
    t.notOk(isDeepStrictEqual({ in: { it: kind } }, { in: { it: make(2) } }))
    t.throws(() => assert.deepStrictEqual(kind, make(2)), { name: 'AssertionError' })
    t.ok(isDeepStrictEqual(allKeys(kind), [kind.toJSON()]), 'there is no other property')
    t.end()
  })

  t.test(`${name}: has no field, and is of its class`, t => {
    const kind = make(1)
    t.same([Object.keys(kind), Object.getOwnPropertyNames(kind), JSON.stringify({ ...kind })], [[], [], '{}'])
    t.same([Object.isFrozen(kind), kind.constructor.name], [true, name])
    t.equal(Object.prototype.toString.call(kind), `[object ${name}]`)
    t.end()
  })

  t.test(`${name}: a copy has to be asked for`, t => {
    const kind = make(1)
    const { port1, port2 } = new MessageChannel()
    const message = `#<${name}> could not be cloned.`
    t.throws(() => structuredClone(kind), { name: 'DataCloneError', message })
    t.throws(() => structuredClone({ in: [kind] }), { name: 'DataCloneError' })
    t.throws(() => serialize(kind), /could not be cloned/)
    t.throws(() => port1.postMessage(kind), { name: 'DataCloneError' })
    assert.deepStrictEqual(structuredClone(plain(kind)), plain(kind))
    port1.close()
    port2.close()
    t.end()
  })
}

t.test('stored ones, and what refers to them, compare alike', t => {
  class Account extends Persistent {
    static type = 'Account'
    log = new PersistentList<string>()
  }
  const path = join(tempDir(t), 'compared.db')
  const root = { map: new PersistentMap<string, number>(), a: null as Account | null, b: null as Account | null }
  const db = open(path, { root, classes: [Account], durability: 'os' })
  db.transact(r => {
    r.map.set('ada', 1)
    r.a = new Account()
    r.b = new Account()
  })
  t.ok(isDeepStrictEqual(db.root.map, new PersistentMap([['ada', 1]])))
  t.ok(isDeepStrictEqual(db.root.a, db.root.b))
  db.transact(r => r.a?.log.push('paid'))
  t.notOk(isDeepStrictEqual(db.root.a, db.root.b))
  db.close()
  t.throws(() => isDeepStrictEqual(db.root.map, new PersistentMap()), { code: 'CLOSED' })
  t.end()
})
