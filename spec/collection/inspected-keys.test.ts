// A path names an entry of a collection by how its key is written: it is looked up, in whatever way the text can be read, and the
// whole is not gone through.
import { join } from 'node:path'
import t from 'tap'
import { Cursor } from '../../lib/collection/tree/tree.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { open, PersistentList, PersistentMap, PersistentQueue, PersistentSet, type Key } from '../../lib/index.js'
import { Inspector, keyText } from '../../lib/object/inspector.js'
import { Store } from '../../lib/store/store.js'
import { seeded } from '../helpers/seeded.js'
import { tempDir } from '../helpers/temp-dir.js'
import { keysInOrder, randomKey } from './keys.js'
import { Thing, thing } from './store.js'

const MANY = 3000
const things = Array.from({ length: 20 }, (_, n) => thing(`${n}`))

function madeOf(path: string, keys: Iterable<Key>): Store {
  const root = {
    map: new PersistentMap([...keys].map((key, n) => [key, n] as const)),
    list: new PersistentList(Array.from({ length: MANY }, (_, n) => `item ${n}`)),
    set: new PersistentSet(Array.from({ length: MANY }, (_, n) => `value ${String(n).padStart(4, '0')}`)),
    queue: new PersistentQueue(Array.from({ length: 10 }, (_, n) => `item ${n}`)),
  }
  open(path, { root, classes: [Thing], durability: 'os' }).close()
  return Store.open(systemDisk, path, { readonly: true })
}

/** How many entries are gone through meanwhile. */
function stepsOf(act: () => void): number {
  const cursors = Cursor.prototype as unknown as Record<'next', (this: unknown) => void>
  const { next } = cursors
  let steps = 0
  cursors.next = function () {
    steps++
    next.call(this)
  }
  try {
    act()
  } finally {
    cursors.next = next
  }
  return steps
}

t.test('a key that its text tells is looked up', async t => {
  const keys = Array.from({ length: MANY }, (_, n): Key => {
    const kinds = [n, BigInt(n), `text ${n}`, new Date(1e12 + n), Uint8Array.of(n >> 8, n), n / 7, -n]
    return kinds[n % kinds.length]!
  })
  const store = madeOf(join(tempDir(t), 'a.db'), [...keys, ...things, 'a/b', Infinity])
  const inspector = new Inspector(store.latest())
  const wrong: string[] = []
  const steps = stepsOf(() => {
    for (const [n, key] of [...keys, 'a/b', Infinity].entries()) {
      const found = inspector.resolve(`/map/${keyText(key)}`)
      if (found.kind !== 'value' || (n < MANY && found.value !== n) || found.alike) wrong.push(keyText(key))
    }
    for (const n of [0, 1, 1234, MANY - 1]) {
      const found = inspector.resolve(`/list/${n}`)
      if (found.kind !== 'value' || found.value !== `item ${n}`) wrong.push(`item ${n}`)
    }
    const found = inspector.resolve('/set/2')
    if (found.kind !== 'value' || found.value !== 'value 0002') wrong.push('value 2')
    const item = inspector.resolve('/queue/9')
    if (item.kind !== 'value' || item.value !== 'item 9') wrong.push('item 9 of the queue')
  })
  t.same(wrong, [])
  t.ok(steps < 20, `${steps} steps`)
  for (const path of ['/map/no', '/map/00', '/map/1.0', '/map/-0', '/map/NaN', `/list/${MANY}`, '/list/01', '/list/x'])
    t.equal(inspector.resolve(path).kind, 'absent', path)
  const map = inspector.resolve('/map')
  const entries = map.kind === 'object' ? (map.object.look(Infinity)?.entries ?? []) : []
  const named = entries.filter(([key]) => keyText(key).startsWith('Thing '))
  t.equal(named.length, things.length)
  for (const [key, value] of named) t.match(inspector.resolve(`/map/${keyText(key)}`), { kind: 'value', value })
  store.close()
})

t.test('a tuple is looked up as well, whatever its parts could be', async t => {
  const parts = (n: number): readonly Key[] => [n % 7, `text, ${n}`, new Date(1e12 + n), [BigInt(n), [`${n}`]], '1', things[n % 20]!] // prettier-ignore
  const few = [[], [''], ['', ''], [[]], ['[', ']'], ['a, b', 'c'], ['a', 'b, c'], ['a', 'b', 'c']]
  const keys = [...few, ...Array.from({ length: MANY }, (_, n) => parts(n))]
  const store = madeOf(join(tempDir(t), 'a.db'), keys)
  const inspector = new Inspector(store.latest())
  const map = inspector.resolve('/map')
  const entries = map.kind === 'object' ? (map.object.look(Infinity)?.entries ?? []) : []
  t.equal(entries.length, keys.length)
  const wrong: string[] = []
  const steps = stepsOf(() => {
    for (const [key, value] of entries.slice(0, 200)) {
      const found = inspector.resolve(`/map/${keyText(key)}`)
      if (found.kind !== 'value' || (found.value !== value && !found.alike)) wrong.push(keyText(key))
    }
  })
  t.same(wrong, [])
  t.equal(steps, 0)
  t.match(inspector.resolve('/map/[a, b, c]'), { alike: [/: this is a tuple, and there is a tuple and a tuple$/] })
  const long = `[${Array.from({ length: 100_000 }, (_, n) => n).join(', ')}]`
  t.equal(inspector.resolve(`/map/${long}`).kind, 'absent')
  store.close()
})

t.test('of a collection no more is read than is shown, also to say what it has instead of what is sought', async t => {
  const store = madeOf(
    join(tempDir(t), 'a.db'),
    Array.from({ length: MANY }, (_, n) => n),
  )
  const inspector = new Inspector(store.latest())
  const steps = stepsOf(() => {
    const zero = { map: 0, list: 'item 0', set: 'value 0000' }
    for (const [name, value] of Object.entries(zero)) {
      const found = inspector.resolve(`/${name}`)
      const part = found.kind === 'object' ? found.object.look(5) : undefined
      t.equal(part?.size, MANY)
      t.same([part?.entries.length, part?.entries[0]], [5, [0, value]])
    }
    for (const path of ['/map/no', '/map/[1, 2]', `/list/${MANY}`, '/list/no', `/set/${MANY}`, '/set/no'])
      t.match(inspector.resolve(path), { kind: 'absent', has: Array.from({ length: 10 }, (_, n) => `${n}`), more: MANY - 10 }) // prettier-ignore
  })
  t.ok(steps <= 3 * 5 + 6 * 10, `${steps} steps`)
  store.close()
})

t.test(
  'any key is found as who goes through all finds it: a string before others, and what is written alike is named',
  async t => {
    const random = seeded(t)
    const keys = [...keysInOrder(), ...Array.from({ length: 200 }, () => randomKey(random))]
    const alike: Key[] = [
      '5',
      5,
      '5n',
      5n,
      '[1, 2]',
      [1, 2],
      ['1', 2],
      '<00>',
      Uint8Array.of(0),
      '1970-01-01T00:00:00.000Z',
    ]
    const store = madeOf(join(tempDir(t), 'a.db'), new PersistentSet([...keys, ...alike, new Date(0)]))
    const inspector = new Inspector(store.latest())
    const map = inspector.resolve('/map')
    const entries = map.kind === 'object' ? (map.object.look(Infinity)?.entries ?? []) : []
    t.ok(entries.length > 100)
    const wrong: string[] = []
    for (const [key] of entries) {
      const text = keyText(key)
      if (text === '') continue
      const same = entries.filter(([other]) => keyText(other) === text)
      const [, value] = same.find(([other]) => typeof other === 'string') ?? same[0]!
      const path = `/map/${text.replaceAll('~', '~0').replaceAll('/', '~1')}`
      const found = inspector.resolve(path)
      if (found.kind !== 'value' || found.value !== value) wrong.push(text)
      else if ((found.alike?.length ?? 0) !== Number(same.length > 1)) wrong.push(`${text}: alike`)
    }
    t.same(wrong, [])
    const said = (path: string): unknown => inspector.resolve(path)
    t.match(said('/map/5'), {
      alike: [/ has several keys that are written 5: this is a string, and there is a number$/],
    })
    t.match(said('/map/[1, 2]'), { alike: [/: this is a string, and there is a tuple and a tuple$/] })
    store.close()
  },
)
