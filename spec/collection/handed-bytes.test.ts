// Bytes inside of the values of a collection: nobody sees them change, so that whoever changes them calls touch(). They stay those that
// the collection gives as long as somebody holds them, and be it nothing else of the value.
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  open,
  Persistent,
  PersistentList,
  PersistentMap,
  PersistentQueue,
  touch,
  type Connection,
} from '../../lib/index.js'
import { collectGarbage } from '../helpers/heap.js'
import { tempDir } from '../helpers/temp-dir.js'
import { elsewhere } from '../object/helpers/elsewhere.js'

class Note extends Persistent {
  static type = 'Note'
}

class Root extends Persistent {
  static type = 'Root'
  note = new Note()
  map = new PersistentMap<string, unknown>()
  list = new PersistentList<unknown>()
  queue = new PersistentQueue<unknown>()
}

interface Kind {
  readonly name: 'map' | 'list' | 'queue'
  readonly put: (root: Root, value: unknown) => void
  readonly get: (root: Root) => unknown
  /** Changes the collection elsewhere. */
  readonly other: (root: Root) => void
}

const kinds: Kind[] = [
  {
    name: 'map',
    put: ({ map }, value) => map.set('k', value),
    get: ({ map }) => map.get('k'),
    other: ({ map }) => map.set('other', map.size),
  },
  {
    name: 'list',
    put: ({ list }, value) => list.unshift(value),
    get: ({ list }) => list.at(0),
    other: ({ list }) => {
      list.push(list.length)
    },
  },
  {
    name: 'queue',
    put: ({ queue }, value) => queue.push(value),
    get: ({ queue }) => queue.peek(),
    other: ({ queue }) => {
      queue.push(queue.size)
    },
  },
]

interface Holds {
  readonly bytes: unknown
}

/** What is stored, and how to get at the bytes in it. */
const shapes: Record<string, [make: (root: Root) => unknown, bytesIn: (value: never) => unknown]> = {
  'a field': [() => ({ bytes: Uint8Array.of(1) }), ({ bytes }: Holds) => bytes],
  'an element': [() => [1, Uint8Array.of(1)], (value: unknown[]) => value[1]],
  'an element that is looked for': [() => [0, Uint8Array.of(1)], (value: unknown[]) => value.find(part => part !== 0)],
  'an element of a copy': [() => [Uint8Array.of(1)], (value: unknown[]) => value.slice()[0]],
  'one of all elements': [() => [Uint8Array.of(1)], ([bytes]: unknown[]) => bytes],
  'a part of a part': [
    () => ({ some: [{ inner: { bytes: Uint8Array.of(1) } }] }),
    ({ some: [first] }: { some: [{ inner: Holds }] }) => first.inner.bytes,
  ],
  'a field beside a reference': [({ note }) => ({ note, bytes: Uint8Array.of(1) }), ({ bytes }: Holds) => bytes],
  'a part beside a reference': [
    ({ note }) => ({ inner: [{ note, bytes: Uint8Array.of(1) }] }),
    ({ inner: [first] }: { inner: [Holds] }) => first.bytes,
  ],
  'a field of other names than usual': [
    () => Object.assign(Object.create(null) as object, { bytes: Buffer.of(1) }),
    ({ bytes }: Holds) => bytes,
  ],
}

function opened(t: Test): { readonly db: Connection<Root>; readonly reopen: () => Connection<Root> } {
  const path = join(tempDir(t), 'bytes.db')
  const reopen = (): Connection<Root> => {
    const db = open(path, { root: Root, classes: [Note], durability: 'os' })
    t.teardown(() => {
      db[Symbol.dispose]()
    })
    return db
  }
  return { db: reopen(), reopen }
}

/** In a stretch of its own, so that nothing but the bytes is held. */
async function held(get: () => unknown): Promise<Uint8Array> {
  await collectGarbage()
  return get() as Uint8Array
}

for (const { name, put, get, other } of kinds) {
  for (const [what, [make, bytesIn]] of Object.entries(shapes)) {
    t.test(`of a ${name}, bytes that are ${what} keep what they stand in`, async t => {
      const { db: first, reopen } = opened(t)
      const bytesOf = (db: Connection<Root>): Uint8Array => bytesIn(get(db.root) as never) as Uint8Array
      first.transact(root => put(root, make(root)))
      const db = reopen()
      for (const [when, on] of [
        ['read', db],
        ['put there', first],
      ] as const) {
        if (when === 'put there') first.transact(root => put(root, make(root)))
        const bytes = await held(() => bytesOf(on))
        on.transact(other)
        await collectGarbage()
        t.equal(bytesOf(on), bytes, when)
        await collectGarbage()
        bytes[0] = when === 'read' ? 8 : 9
        touch(on.root[name])
        on.commit()
        const again = reopen()
        t.equal(bytesOf(again)[0], bytes[0], when)
        again.close()
        if (name === 'queue') on.transact(({ queue }) => queue.clear())
      }
    })
  }
}

t.test('bytes that are moved keep what they stand in now', async t => {
  const { db, reopen } = opened(t)
  db.transact(({ map }) => {
    for (const key of ['a', 'b', 'c']) map.set(key, { bytes: Uint8Array.of(1), all: [] })
  })
  const map = db.root.map as PersistentMap<string, { bytes?: Uint8Array; all?: Uint8Array[] }>
  const moves: [string, (bytes: Uint8Array) => void, () => Uint8Array | undefined][] = [
    ['to a field', bytes => Object.assign(map.get('b') as object, { bytes }), () => map.get('b')?.bytes],
    ['into an array', bytes => map.get('b')?.all?.push(bytes), () => map.get('b')?.all?.at(-1)],
    ['in a new value', bytes => map.set('c', { bytes }), () => map.get('c')?.bytes],
    [
      'in a new part of another value',
      bytes => Object.assign(map.get('b') as object, { all: [bytes] }),
      () => map.get('b')?.all?.[0],
    ],
  ]
  for (const [how, move, get] of moves) {
    db.transact(() => map.set('a', { bytes: Uint8Array.of(1) }))
    const bytes = await held(() => map.get('a')?.bytes)
    db.transact(() => {
      map.delete('a')
      move(bytes)
    })
    await collectGarbage()
    t.equal(get(), bytes, how)
    await collectGarbage()
    bytes[0] = 7
    touch(map)
    db.commit()
    const again = reopen()
    t.match(JSON.stringify(again.root.map.toJSON()), /"0":7/, how)
    again.close()
    db.transact(() => map.set('b', { bytes: Uint8Array.of(1), all: [] }))
    db.transact(() => map.delete('c'))
  }
})

t.test('what others change at other keys loses nothing, though nothing was used since', async t => {
  const { db } = opened(t)
  db.transact(root => {
    for (const { put } of kinds) put(root, { bytes: Uint8Array.of(1) })
  })
  const rival = elsewhere<Root>(db.path, { root: Root, classes: [Note] })
  t.teardown(() => rival.close())
  for (const { name, get, other } of kinds) {
    const { bytes } = get(db.root) as { bytes: Uint8Array }
    db.refresh()
    rival.transact(other)
    db.refresh()
    bytes[0] = 5
    touch(db.root[name])
    db.commit()
    rival.refresh()
    t.equal((get(rival.root) as { bytes: Uint8Array }).bytes[0], 5, name)
    t.equal((get(db.root) as { bytes: Uint8Array }).bytes, bytes, name)
  }
})

t.test('bytes that others have put into a value that is held keep it', async t => {
  const { db } = opened(t)
  const put = ({ map, note }: Root, n: number): unknown => map.set('k', { note, bytes: Uint8Array.of(n) })
  db.transact(root => put(root, 1))
  const rival = elsewhere<Root>(db.path, { root: Root, classes: [Note] })
  t.teardown(() => rival.close())
  const bytes = await held(() => {
    const value = db.root.map.get('k') as { note: Note; bytes: Uint8Array }
    t.ok(value.note)
    db.refresh()
    rival.transact(root => put(root, 2))
    return value.bytes
  })
  await collectGarbage()
  t.equal(bytes[0], 2)
  t.equal((db.root.map.get('k') as { bytes: Uint8Array }).bytes, bytes)
})

t.test(
  'bytes that stand at two keys are refused, also where one was not used since others changed something',
  async t => {
    const { db } = opened(t)
    db.transact(({ map }) => map.set('a', { bytes: Uint8Array.of(1) }))
    const rival = elsewhere<Root>(db.path, { root: Root, classes: [Note] })
    t.teardown(() => rival.close())
    const { bytes } = db.root.map.get('a') as { bytes: Uint8Array }
    db.refresh()
    rival.transact(({ map }) => map.set('other', 1))
    db.refresh()
    db.root.map.set('b', { bytes })
    t.throws(() => db.commit(), { code: 'VALUE', message: /PersistentMap\.a\.bytes/ })
    db.abort()
  },
)
