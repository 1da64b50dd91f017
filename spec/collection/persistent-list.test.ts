import { inspect } from 'node:util'
import t from 'tap'
import {
  PersistentCounter,
  PersistentList,
  PersistentMap,
  PersistentQueue,
  PersistentSet,
  plain,
  StaleDataError,
} from '../../lib/index.js'
import { isKnown, shelf, Thing, thing } from './store.js'

t.test('single items: at, set, insert', async t => {
  const list = new PersistentList(['a', 'b'])
  t.same(
    [list.length, list.at(0), list.at(-1), list.at(2), list.at(-3), list.at('1' as never)],
    [2, 'a', 'b', undefined, undefined, 'b'],
  )
  t.equal(list.set(0, 'A').set(-1, 'B'), list)
  list.insert(1, 'x', 'y')
  list.insert(4, 'end')
  list.insert(-1, 'last but one')
  t.same([...list], ['A', 'x', 'y', 'B', 'last but one', 'end'])
  for (const index of [6, -7, 1.5, NaN, Infinity]) {
    const message = new RegExp(`there is no position ${index} in a list of 6 items`)
    t.throws(() => list.set(index, 'z'), { name: 'RangeError', message })
    if (index !== 6) t.throws(() => list.insert(index, 'z'), { name: 'RangeError', message })
  }
  t.throws(() => list.insert(7, 'z'), { name: 'RangeError' })
  t.equal(list.length, 6)
})

t.test('to a collection nothing is assigned, also not in silence, as scripts that are not strict would', async t => {
  const assigned = (collection: object, name: string, message: string): void => {
    t.throws(() => Reflect.set(collection, name, 0), { name: 'TypeError', message })
  }
  assigned(new PersistentList([1]), 'length', 'length cannot be assigned: call clear() or splice()')
  assigned(new PersistentMap([[1, 1]]), 'size', 'size cannot be assigned: call clear()')
  assigned(new PersistentSet([1]), 'size', 'size cannot be assigned: call clear()')
  assigned(new PersistentQueue(), 'size', 'size cannot be assigned: call clear()')
  assigned(new PersistentCounter(), 'value', 'value cannot be assigned: call add()')
  assigned(new PersistentList([1]), '0', '0 cannot be assigned: call set() or push()')
  assigned(new PersistentMap([[1, 1]]), 'ada', 'ada cannot be assigned: call set()')
  assigned(new PersistentSet([1]), 'ada', 'ada cannot be assigned: call add()')
  assigned(new PersistentQueue(), '0', '0 cannot be assigned: call push()')
  assigned(new PersistentCounter(), 'n', 'n cannot be assigned: call add()')
  const map = new PersistentMap([[1, 1]])
  const message = 'Symbol(s) cannot be assigned: the object is not extensible'
  t.throws(() => Reflect.set(map, Symbol('s'), 0), { name: 'TypeError', message })
  for (const receiver of [Object.freeze({}), undefined, 7]) t.notOk(Reflect.set(map, 'ada', 0, receiver))
  t.ok(map instanceof Object)
  t.equal(Reflect.get(map, 'ada'), undefined)
  t.match(Object.prototype.toString.call(map), /^\[object /)
  const own = Object.getOwnPropertyDescriptor(Object.prototype, 'toString')
  t.same(Object.getOwnPropertyDescriptor(PersistentMap.prototype, 'toString'), own)
})

t.test('the class of a collection, and an object derived from one, are assigned to as any other', async t => {
  const prototype: Record<string, unknown> = PersistentCounter.prototype as never
  const extra = (): string => 'extra'
  prototype.extra = extra
  t.equal(Reflect.get(new PersistentCounter(), 'extra'), extra)
  t.ok(delete prototype.extra)
  const tag = Symbol('tag')
  const derived = Object.create(new PersistentMap()) as Record<string | symbol, unknown>
  derived.tag = 'x'
  derived[tag] = 'y'
  t.same(Reflect.ownKeys(derived), ['tag', tag])
  t.equal(derived.tag, 'x')
})

t.test('data that changes the list while it is put in is refused', async t => {
  const list = new PersistentList<unknown>([1, 2, 3])
  const data = Object.defineProperty([0], 0, { get: () => list.pop(), enumerable: true, configurable: true })
  t.throws(() => list.set(2, data), { code: 'STATE', message: /changed by code in the data/ })
  t.same([...list].length < 3, true)
})

t.test('the methods of Array give what they give for an array', async t => {
  const items = [3, 1, 2, NaN, 1, undefined, 20]
  const list = new PersistentList<number | undefined>(items)
  const both: [
    name: string,
    call: (of: Pick<(number | undefined)[], keyof PersistentList<number> & keyof unknown[]>) => unknown,
  ][] = [
    ['slice', of => [of.slice(), of.slice(1, -1), of.slice(-2)]],
    ['indexOf', of => [of.indexOf(1), of.indexOf(1, 2), of.indexOf(NaN), of.indexOf(9), of.indexOf(1, -3)]],
    [
      'lastIndexOf',
      of => [of.lastIndexOf(1), of.lastIndexOf(1, 3), of.lastIndexOf(20), of.lastIndexOf(1, -4), of.lastIndexOf(3, 0)],
    ],
    ['includes', of => [of.includes(NaN), of.includes(3, 1), of.includes(undefined)]],
    [
      'find',
      of => [of.find(x => x === 1), of.findIndex(x => x === 1), of.find(x => x === 9), of.findIndex(x => x === 9)],
    ],
    ['findLast', of => [of.findLast(x => x === 1), of.findLastIndex(x => x === 1), of.findLastIndex(x => x === 9)]],
    ['some', of => [of.some(x => x === 20), of.some(x => x === 9)]],
    ['every', of => [of.every(x => x !== 9), of.every(x => x === 3)]],
    ['map', of => of.map((x, i) => [x, i])],
    ['flatMap', of => of.flatMap((x, i) => (i % 2 ? [x, i] : [x as number]))],
    ['filter', of => of.filter((x, i) => i % 2 && x)],
    ['reduce', of => [of.reduce((sum, x) => `${sum}${x}`, ''), of.reduce((a, b) => (a ?? 0) + (b ?? 0))]],
    ['reduce to undefined', of => of.reduce((_, x) => x, undefined)],
    [
      'reduceRight',
      of => [of.reduceRight((sum, x) => `${sum}${x}`, ''), of.reduceRight((a, b) => (a ?? 0) - (b ?? 0))],
    ],
    ['join', of => [of.join(), of.join('-')]],
    ['concat', of => of.concat(1, [2, 3], [])],
    ['toSorted', of => [of.toSorted(), of.toSorted((a, b) => (b ?? 0) - (a ?? 0))]],
    ['toReversed', of => of.toReversed()],
    ['with', of => [of.with(1, 7), of.with(-1, 7)]],
    ['toSpliced', of => [of.toSpliced(1, 2, 7, 8, 9), of.toSpliced(-1, 1), of.toSpliced(1, 0)]],
    ['iterators', of => [[...of.keys()], [...of.values()], [...of.entries()], [...of]]],
    ['splice', of => [of.splice(1, 2, 7, 8, 9), of.splice(-1), of.splice(2, undefined), of.splice(99, 1, 5)]],
    ['reverse', of => [...of.reverse()]],
    ['sort', of => [[...of.sort()], [...of.sort((a, b) => (b ?? 0) - (a ?? 0))]]],
    ['the ends', of => [void of.push(), void of.push(1, 2), of.pop(), of.shift(), void of.unshift(5, 6)]],
    ['the end', of => [...of]],
  ]
  for (const [name, call] of both) t.same(call(list as never), call(items), name)
  t.same((list.splice as () => unknown).call(list), [])
  list.clear()
  t.same([list.length, list.pop(), list.shift(), list.toArray(), list.toJSON()], [0, undefined, undefined, [], []])
  t.throws(() => list.reduce(a => a), { name: 'TypeError', message: 'reduce of an empty list needs an initial value' })
})

function call(list: PersistentList<string>, method: keyof PersistentList<string>, ...args: unknown[]): unknown {
  return (list[method] as (...args: unknown[]) => unknown).apply(list, args)
}

t.test('callbacks get the item, its position, the list, and `this`', async t => {
  const list = new PersistentList(['a'])
  const seen: unknown[] = []
  const note = function (this: unknown, ...args: unknown[]): boolean {
    seen.push([this, ...args])
    return true
  }
  for (const method of [
    'forEach',
    'map',
    'flatMap',
    'filter',
    'some',
    'find',
    'findIndex',
    'findLast',
    'findLastIndex',
  ] as const)
    call(list, method, note, 'this')
  t.equal(seen.length, 9)
  for (const args of seen) t.same((args as unknown[]).slice(0, 3), ['this', 'a', 0])
  t.ok(seen.every(args => (args as unknown[])[3] === list))
  call(list, 'every', note, 'this')
  t.same((seen.at(-1) as unknown[])[0], 'this')
  const folded: unknown[] = []
  const fold = (...args: unknown[]): number => folded.push(args)
  list.reduce(fold, 0)
  list.reduceRight(fold, 0)
  t.same(folded, [[0, 'a', 0, list], [0, 'a', 0, list]]) // prettier-ignore
  for (const method of ['forEach', 'map', 'filter', 'some', 'every', 'find', 'reduce'] as const) {
    t.throws(() => call(list, method, 1), { name: 'TypeError', message: '1 is not a function' })
  }
})

t.test('lists among the arguments of concat stand for their items', async t => {
  t.same(new PersistentList([1]).concat(new PersistentList([2, 3]), 4), [1, 2, 3, 4])
})

t.test('it is sealed: no fields, no derived classes, no other `this`', async t => {
  t.throws(() => Object.assign(new PersistentList(), { 0: 'x' }), { name: 'TypeError' })
  class Derived extends PersistentList<string> {}
  t.throws(() => new Derived(), { message: /^PersistentList cannot be extended/ })
  const foreign = {
    message: 'a method of PersistentList was called on something that is no PersistentList',
    name: 'TypeError',
  }
  const prototype = PersistentList.prototype as unknown as Record<string | symbol, unknown>
  for (const name of [...Object.getOwnPropertyNames(prototype), Symbol.iterator]) {
    if (name === 'constructor' || name === 'length' || name === 'toString') continue
    for (const other of [[], new PersistentSet(), undefined]) {
      t.throws(() => (prototype[name] as (argument: unknown) => void).call(other, () => 1), foreign, String(name))
    }
  }
})

t.test('changing a list while going through it means what it means with an array', async t => {
  const program = (
    of: Pick<PersistentList<number>, 'push' | 'shift' | 'pop' | 'forEach' | 'map' | 'every'> & Iterable<number>,
  ): unknown => {
    const seen: number[] = []
    for (const item of of) {
      seen.push(item)
      if (item === 2) of.shift()
      if (item === 4) of.push(5)
    }
    of.forEach(item => {
      seen.push(item)
      of.push(item)
    })
    let calls = 0
    seen.push(...of.map(item => (calls++ < 3 ? (of.pop(), item) : item)))
    of.every(item => seen.push(item) && of.pop() !== undefined)
    return seen
  }
  t.same(program(new PersistentList([1, 2, 3, 4])), program([1, 2, 3, 4] as never))
})

t.test('a list that was changed by the function that compares its items is not sorted', async t => {
  const list = new PersistentList([2, 1])
  t.throws(() => list.sort((a, b) => (list.push(3), a - b)), { code: 'STATE' })
  t.same([...list].slice(0, 2), [2, 1])
  t.throws(() => list.sort(() => { throw new Error('mine') }), { message: 'mine' }) // prettier-ignore
  t.same([...list].slice(0, 2), [2, 1])
})

t.test('plain items belong to the list: copied in, moved within it, tracked', async t => {
  const { db, other } = shelf(t)
  const given = { n: 1 }
  const { list } = db.root
  list.push(given, { n: 2 }, { n: 3 })
  given.n = 9
  db.commit()
  const [one, two, three] = list.toArray() as [typeof given, typeof given, typeof given]
  t.same([one, two, three], [{ n: 1 }, { n: 2 }, { n: 3 }])
  list.push(list.shift())
  list.sort((a, b) => (b as typeof given).n - (a as typeof given).n)
  list.splice(0, 3, ...list.filter(item => item !== two))
  t.ok(list.at(0) === three && list.at(1) === one)
  t.equal(list.indexOf(three), 0)
  t.equal(list.indexOf(given), -1)
  one.n = 10
  two.n = 20
  db.commit()
  t.same([...other.root.list], [{ n: 3 }, { n: 10 }])
  t.equal(db.changed, false)
  two.n = 21
  t.equal(db.changed, false, 'what was taken out is ordinary data')
})

for (const many of [0, 1000]) {
  t.test(`a plain item is found again while the same stands at its position, before ${many} others`, async t => {
    const { db, other } = shelf(t)
    const { list } = db.root
    list.push('first', { n: 1, in: { n: 2 } }, ...Array.from({ length: many }, (_, i) => ({ i })))
    db.commit()
    const item = list.at(1) as { n: number; in: { n: number } }
    const inner = item.in
    list.push('undone')
    db.abort()
    t.same([item.n, inner.n], [1, 2], 'after an abort')
    other.root.list.push('new')
    other.root.list.set(0, 'another')
    other.commit()
    db.refresh()
    inner.n = 3
    t.equal(list.at(1), item)
    db.commit()
    other.refresh()
    t.same(plain(other.root.list.at(1), { depth: 1 }), { n: 1, in: { n: 3 } }, 'after changes of others around it')
    list.splice(0, 1, 'a', 'b')
    db.commit()
    item.n = 4
    t.equal(list.at(2), item)
    db.commit()
    other.refresh()
    t.same(plain(other.root.list.at(2), { depth: 1 }), { n: 4, in: { n: 3 } }, 'where it was moved to')
    other.root.list.unshift('new')
    other.commit()
    db.refresh()
    for (const value of [item, inner])
      t.throws(() => value.n, { constructor: StaleDataError, message: /read it again from its owner/ })
    const again = list.at(3) as typeof item
    again.n = 5
    db.abort()
    t.equal(again.n, 4, 'what was changed and undone')
    t.equal(list.at(3), again)
    again.n = 6
    db.abort()
    other.root.list.unshift({ n: 0 }, { n: 1 }, { n: 2 }, { n: 3 })
    other.commit()
    db.refresh()
    t.throws(() => again.n, StaleDataError, 'the same, where others have moved it')
    t.equal((list.at(7) as typeof item).n, 4)
  })
}

t.test('plain items are found again where commits have moved them, when their removal was undone', async t => {
  const { db, other } = shelf(t)
  other.root.list.push(...Array.from({ length: 300 }, (_, n) => ({ n, in: [n] })))
  other.commit()
  db.refresh()
  const { list } = db.root
  const items = [...list] as { n: number; in: number[] }[]
  list.splice(100, 0, 'new', 'and newer')
  db.commit()
  list.splice(0, 250)
  items[3]?.in.push(-1)
  db.abort()
  const at = (n: number): number => n + (n < 100 ? 0 : 2)
  t.ok(items.every((item, n) => item.n === n && item.in.join() === `${n}`))
  t.ok(items.every((item, n) => item === list.at(at(n))))
  for (const n of [3, 150]) items[n]!.n = -n
  db.commit()
  t.same(plain(list.at(152)), { n: -150, in: [150] })
  t.same(plain(list.at(3)), { n: -3, in: [3] })
})

t.test('what cannot be stored is refused with its path, and changes nothing', async t => {
  const { db } = shelf(t)
  const { list } = db.root
  list.push('a', { n: 1 })
  db.commit()
  const bad = { deep: [() => 1] }
  const refused = (call: () => unknown, at: number): void => {
    t.throws(call, { name: 'ValueError', path: `PersistentList.${at}.deep.0`, message: /a function cannot be stored/ })
  }
  refused(() => list.push(1, bad), 3)
  refused(() => list.unshift(bad), 0)
  refused(() => list.set(1, bad), 1)
  refused(() => list.insert(1, bad), 1)
  refused(() => list.splice(1, 1, 1, bad), 2)
  refused(() => new PersistentList([bad]), 0)
  t.equal(db.changed, false)
  t.same([...list], ['a', { n: 1 }])
  list.push(list.at(1))
  t.throws(() => db.commit(), { code: 'VALUE', path: 'PersistentList.2', message: /stands at PersistentList\.1 too/ })
})

t.test('references keep identity, and searching for one loads no other', async t => {
  const { db, other } = shelf(t)
  const things = ['a', 'b', 'c'].map(thing)
  db.transact(root => {
    root.list.push(...things, things[1])
    root.things.push(things[1] as Thing)
  })
  const sought = other.root.things[0]
  t.same(
    [other.root.list.indexOf(sought), other.root.list.lastIndexOf(sought), other.root.list.includes(sought)],
    [1, 3, true],
  )
  t.equal(other.root.list.at(1), sought)
  other.root.list.set(0, 'replaced').reverse().reverse().set(0, other.root.list.at(1))
  other.root.list.clear()
  t.same(
    things.map(one => isKnown(other.root, one)),
    [false, true, false],
  )
  other.abort()
  t.same(
    other.root.list.map(item => (item as Thing).name),
    ['a', 'b', 'c', 'b'],
  )
  t.equal(other.root.list.indexOf(things[1]), -1, 'an object of another connection is another object')
})

t.test('many items go in and out at once', async t => {
  const { db, other } = shelf(t)
  const many = Array.from({ length: 300_000 }, (_, i) => i)
  const list = new PersistentList(many)
  db.root.map.set('many', list)
  list.insert(1, ...many.slice(0, 50_000))
  t.equal(list.splice(1, 50_000).length, 50_000)
  db.commit()
  t.same((other.root.map.get('many') as PersistentList<number>).length, 300_000)
  t.equal((other.root.map.get('many') as PersistentList<number>).at(-1), 299_999)
})

t.test('what changes nothing is no change', async t => {
  const { db } = shelf(t)
  const { list } = db.root
  list.push(1, 2)
  db.commit()
  list.push()
  list.splice(1, 0)
  list.sort()
  t.equal(db.changed, false)
  list.reverse()
  t.equal(db.changed, true)
})

t.test('it prints its items, and plain() makes an array of it', async t => {
  const list = new PersistentList<unknown>([{ n: 1 }, thing('t')])
  t.equal(inspect(list), 'PersistentList [ { n: 1 }, [Thing] ]')
  t.equal(JSON.stringify(new PersistentList([{ n: [1] }, 'a'])), '[{"n":[1]},"a"]')
  t.equal(Object.prototype.toString.call(list), '[object PersistentList]')
  t.same(plain(list, { depth: 1 }), [{ n: 1 }, { name: 't', friend: undefined }])
})
