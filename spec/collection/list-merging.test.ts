// Transactions on one list: pushes always merge, and so does what meets the same items at its positions; everything else
// conflicts, and says where.
import t from 'tap'
import { oidOf, plain } from '../../lib/index.js'
import { faultsOf, handedOutKeys } from './check.js'
import { meet } from './meet.js'
import { shelf, thing, type Shelf } from './store.js'

type Do = (root: Shelf) => unknown

for (const many of [10, 3000]) {
  t.test(`only what meets other items in a list of ${many} is in the way`, async t => {
    const both = shelf(t)
    const { db } = both
    const end = many - 1
    const fresh = (): void => {
      db.refresh()
      db.root.list.clear()
      db.root.list.bulkLoad(Array.from({ length: many }, (_, i) => i))
      db.commit()
    }
    const merges = (mine: Do, theirs: Do, what: string, ...expected: (readonly [number, unknown])[]): void => {
      fresh()
      t.equal(meet(both, mine, theirs), undefined, what)
      t.same(faultsOf(db.root.list as never), [])
      for (const [at, item] of expected) t.same(plain(db.root.list.at(at)), item, `${what}: ${at}`)
    }
    const conflicts = (mine: Do, theirs: Do, names: (number | string)[], what: string): void => {
      fresh()
      t.same(meet(both, mine, theirs), names.map(String), what)
    }
    const push = (root: Shelf): void => root.list.push('theirs')
    const unshift = (root: Shelf): void => root.list.unshift('theirs')

    merges(({ list }) => list.push('mine'), push, 'two pushes', [-2, 'theirs'], [-1, 'mine'], [end, end])
    merges(({ list }) => list.unshift('mine'), unshift, 'two unshifts', [0, 'mine'], [1, 'theirs'], [2, 0])
    merges(({ list }) => list.unshift('mine'), push, 'one at each end', [0, 'mine'], [-1, 'theirs'])
    merges(
      ({ list }) => list.push('mine'),
      ({ list }) => list.clear(),
      'a push to what was emptied',
      [0, 'mine'],
    )
    merges(
      ({ list }) => list.push('mine'),
      ({ list }) => list.splice(1, 1),
      'a push and a removal',
      [1, 2],
      [-1, 'mine'],
    )
    merges(
      ({ list }) => list.push('mine'),
      ({ list }) => list.sort(),
      'a push and a sort',
      [-1, 'mine'],
    )
    merges(({ list }) => list.set(2, 'mine'), push, 'set, counted from the front', [2, 'mine'], [-1, 'theirs'])
    merges(({ list }) => list.set(-2, 'mine'), unshift, 'set, counted from the end', [-2, 'mine'], [0, 'theirs'])
    merges(
      ({ list }) => list.set(2, 'mine'),
      ({ list }) => list.set(3, 'theirs'),
      'set of neighbours',
      [2, 'mine'],
      [3, 'theirs'],
    )
    merges(({ list }) => list.pop(), unshift, 'pop', [0, 'theirs'], [-1, end - 1])
    merges(({ list }) => list.shift(), push, 'shift', [0, 1], [-1, 'theirs'])
    merges(
      ({ list }) => list.shift(),
      ({ list }) => list.pop(),
      'shift and pop',
      [0, 1],
      [-1, end - 1],
    )
    merges(({ list }) => list.insert(3, 'mine'), push, 'insert', [3, 'mine'], [4, 3], [-1, 'theirs'])
    merges(({ list }) => list.insert(-3, 'mine'), unshift, 'insert, counted from the end', [-4, 'mine'], [0, 'theirs'])
    merges(({ list }) => list.splice(2, 2, 'a', 'b', 'c'), push, 'splice', [4, 'c'], [5, 4], [-1, 'theirs'])
    merges(({ list }) => list.splice(-2), unshift, 'splice to the end', [0, 'theirs'], [-1, end - 2])
    merges(({ list }) => list.push(list.at(0)), push, 'reading the first', [-1, 0], [-2, 'theirs'])
    merges(({ list }) => list.push(list.at(-1)), unshift, 'reading the last', [-1, end], [0, 'theirs'])
    merges(({ list }) => list.push(list.indexOf(4)), push, 'searching up to where it is', [-1, 4], [-2, 'theirs'])
    merges(({ list }) => list.push(list.find(one => one === 4)), push, 'finding', [-1, 4])
    merges(({ list }) => list.push(...list.slice(1, 3)), push, 'a slice from the front', [-1, 2])
    merges(({ list }) => list.push(...list.slice(-3, -1)), unshift, 'a slice from the end', [-1, end - 1])
    merges(({ list }) => list.push(list.values().next().value), push, 'an iteration that was left', [-1, 0])
    merges(
      ({ list }) => list.push(list.at(5)),
      ({ list }) => list.set(5, 5),
      'a set of what was there',
      [-1, 5],
    )
    merges(
      ({ list }) => list.push([...list.keys()].length),
      ({ list }) => list.set(7, 'theirs'),
      'going through the positions',
      [-1, many],
      [7, 'theirs'],
    )
    merges(root => [root.list.shift(), root.list.push('mine')], push, 'both ends', [0, 1], [-1, 'mine'], [-2, 'theirs'])
    merges(root => [root.list.push('a'), root.list.pop()], push, 'a push that was taken back', [-1, 'theirs'])
    merges(
      ({ list }) => list.push(thing('mine')),
      ({ list }) => list.push(thing('theirs')),
      'new objects',
    )

    conflicts(
      ({ list }) => list.set(2, 'mine'),
      ({ list }) => list.set(2, 'theirs'),
      [2],
      'set of one item',
    )
    conflicts(({ list }) => list.set(2, 'mine'), unshift, [2], 'set, where all have moved')
    conflicts(({ list }) => list.set(-2, 'mine'), push, [end - 1], 'set, counted from the end, where all have moved')
    conflicts(
      ({ list }) => list.pop(),
      ({ list }) => list.pop(),
      [end],
      'pop of one item',
    )
    conflicts(({ list }) => list.pop(), push, [end], 'pop, where another is the last')
    conflicts(
      ({ list }) => list.shift(),
      ({ list }) => list.shift(),
      [0],
      'shift of one item',
    )
    conflicts(
      ({ list }) => list.insert(3, 'mine'),
      ({ list }) => list.insert(3, 'theirs'),
      [3],
      'inserts in one place',
    )
    conflicts(
      ({ list }) => list.insert(3, 'mine'),
      ({ list }) => list.insert(2, 'theirs'),
      [3],
      'an insert before',
    )
    conflicts(({ list }) => list.insert(many, 'mine'), push, ['length'], 'insert at the length')
    conflicts(
      ({ list }) => list.splice(2, 2),
      ({ list }) => list.set(3, 'theirs'),
      [3],
      'splice',
    )
    conflicts(({ list }) => list.splice(2), push, ['length'], 'splice to wherever the end is')
    conflicts(
      ({ list }) => list.push(list.at(5)),
      ({ list }) => list.set(5, 'theirs'),
      [5],
      'an item that was read',
    )
    conflicts(({ list }) => list.at(many), push, ['length'], 'an item that was not there')
    conflicts(({ list }) => list.length, push, ['length'], 'the length')
    conflicts(({ list }) => [...list], push, ['length'], 'going through all')
    conflicts(({ list }) => list.keys().next(), push, ['length'], 'going through the positions')
    conflicts(
      ({ list }) => [...list],
      ({ list }) => list.set(7, 0),
      [7],
      'going through all, and one has changed',
    )
    conflicts(({ list }) => list.indexOf('x'), push, ['length'], 'searching in vain')
    conflicts(
      ({ list }) => list.indexOf(4),
      ({ list }) => list.set(3, 4),
      [3],
      'searching, and finding it elsewhere',
    )
    conflicts(({ list }) => list.push(list.at(-1)), push, [end], 'reading the last, which is another')
    conflicts(({ list }) => list.slice(-2), push, [end - 1, end], 'the last ones')
    conflicts(({ list }) => list.reverse(), push, ['length'], 'reversing')
    conflicts(({ list }) => list.clear(), push, ['length'], 'clearing')
    conflicts(
      root => [root.list.at(2), root.list.at(4)],
      ({ list }) => [list.set(2, 'x'), list.set(4, 'x')],
      [2, 4],
      'two',
    )
    conflicts(root => [root.list.push('a'), root.list.at(many)], push, ['length'], 'what was pushed, by its position')
  })
}

t.test('the error names the list, the positions, and whether they were written', async t => {
  const { db, rival } = shelf(t)
  db.root.list.push('a', 'b')
  db.commit()
  db.root.list.set(1, 'mine')
  rival.root.list.set(1, 'theirs')
  rival.commit()
  t.throws(() => db.commit(), {
    conflicts: [{ oid: oidOf(db.root.list), type: 'PersistentList', kind: 'write', keys: ['1'] }],
    message: / at 1 \(write\)/,
  })
  t.same([...db.root.list], ['a', 'mine'], 'the changes are still there')
  db.abort()
  t.same([...db.root.list], ['a', 'theirs'])
})

t.test('what is held of an item that gives way is nothing that the transaction depends on', async t => {
  const both = shelf(t)
  const { db, rival } = both
  db.root.list.push(...Array.from({ length: 10 }, (_, n) => ({ n })))
  db.commit()
  const held = [...db.root.list]
  const unshift = (root: Shelf): void => root.list.unshift('theirs')
  const push = (root: Shelf): void => root.list.push('theirs')
  const mine: readonly [string, Do, Do][] = [
    ['set', ({ list }) => list.set(-2, 'mine'), unshift],
    ['pop', ({ list }) => list.pop(), unshift],
    ['splice', ({ list }) => list.splice(-3, 2, 'mine'), unshift],
    ['shift', ({ list }) => list.shift(), push],
  ]
  for (const [what, change, theirs] of mine) {
    // So that what is held is of an earlier load.
    rival.transact(root => root.list.set(4, what))
    t.equal(meet(both, change, theirs), undefined, what)
  }
  t.equal(held.length, 10)
})

t.test('plain data belongs to its item, also when it is used from an earlier transaction', async t => {
  const both = shelf(t)
  const { db } = both
  db.root.list.push({ n: [1] }, { n: [1] })
  db.commit()
  const [a, b] = [...db.root.list] as [{ n: number[] }, { n: number[] }]
  const theirs = (at: number) => (root: Shelf) => (root.list.at(at) as { n: number[] }).n.push(2)
  t.equal(meet(both, () => a.n.push(3), theirs(1)), undefined) // prettier-ignore
  t.same(plain([...db.root.list]), [{ n: [1, 3] }, { n: [1, 2] }])
  t.equal(db.root.list.at(0), a)
  t.throws(() => b.n, { code: 'STALE_DATA' }, 'it is another item by now')
  t.same(meet(both, () => a.n.push(4), theirs(0)), ['0']) // prettier-ignore
  t.equal(meet(both, root => (root.list.at(1) as { n: number[] }).n.push(5), root => root.list.push('more')), undefined) // prettier-ignore
  t.same(plain([...db.root.list]), [{ n: [1, 3, 2] }, { n: [1, 2, 5] }, 'more'])
  const fromEnd = (root: Shelf): number => (root.list.at(-2) as { n: number[] }).n.push(6)
  t.equal(meet(both, fromEnd, root => root.list.unshift('new')), undefined) // prettier-ignore
  t.same(plain([...db.root.list]), ['new', { n: [1, 3, 2] }, { n: [1, 2, 5, 6] }, 'more'])
})

t.test(
  'an item at the end that is changed while others take some out before it stays the one that is held',
  async t => {
    const both = shelf(t)
    const { db } = both
    db.transact(({ list }) => void list.push({ n: 1 }, { n: 2 }, { n: 3 }))
    const held = [...db.root.list] as { n: number }[]
    const last = held[2] as { n: number }
    const change = ({ list }: Shelf): number => ((list.at(-1) as { n: number }).n = 2)
    t.equal(meet(both, change, ({ list }) => list.shift()), undefined) // prettier-ignore
    t.same(handedOutKeys(db.root.list as never), [0, 1], 'one for each position')
    t.throws(() => held[1]?.n, { code: 'STALE_DATA' }, 'it stood where the last one stands now, and was equal to it')
    t.equal(db.root.list.at(-1), last)
    last.n = 4
    db.commit()
    t.same(plain([...db.root.list]), [{ n: 2 }, { n: 4 }])
  },
)

t.test('what was taken out after others had taken some out before it is no item any more', async t => {
  const both = shelf(t)
  const { db, rival } = both
  const { list } = db.root
  list.push(...Array.from({ length: 6 }, (_, n) => ({ n })))
  db.commit()
  const held = [...list]
  const last = held[5] as { n: number }
  const change = (root: Shelf): number => ((root.list.at(-1) as { n: number }).n = 50)
  t.equal(meet(both, change, root => root.list.shift()), undefined) // prettier-ignore
  const beside = [list.at(2), list.at(3)]
  t.same(list.splice(2, 3), [...beside, last])
  db.commit()
  list.push('a', 'b', 'c')
  db.commit()
  last.n = 99
  t.notOk(db.changed, 'a list is not changed by what it had')
  db.commit()
  rival.refresh()
  t.same(plain([...rival.root.list]), [{ n: 1 }, { n: 2 }, 'a', 'b', 'c'])
})

t.test('with snapshot isolation only what was written must be unchanged', async t => {
  const { db, rival } = shelf(t)
  db.root.list.push('a', 'b', 'c')
  db.commit()
  db.transact(
    ({ list }) => {
      list.set(1, `${list.length} ${String(list.at(0))}`)
      rival.refresh()
      rival.root.list.set(0, 'theirs')
      rival.root.list.push('theirs')
      rival.commit()
    },
    { isolation: 'snapshot', attempts: 2 },
  )
  t.same([...db.root.list], ['theirs', '3 a', 'c', 'theirs'])
})

t.test('with snapshot isolation a change in place is a write of that item', async t => {
  const { db, rival } = shelf(t)
  db.root.list.push({ n: 1 }, { n: 1 })
  db.commit()
  const change = (at: number): number =>
    db.transact(
      ({ list }) => {
        const item = list.at(0) as { n: number }
        item.n++
        rival.refresh()
        const theirs = rival.root.list.at(at) as { n: number }
        if (theirs.n > 5) return item.n
        theirs.n += 10
        rival.commit()
        return item.n
      },
      { isolation: 'snapshot', attempts: 2 },
    )
  t.equal(change(1), 2, 'another item')
  t.equal(change(0), 13, 'the same item: run again')
  t.same(plain([...db.root.list]), [{ n: 13 }, { n: 11 }])
})

t.test(
  'with snapshot isolation, who rearranges a list, or takes all out of it, depends on how many items there are',
  async t => {
    const both = shelf(t, { isolation: 'snapshot' })
    const { rival } = both
    const push = (root: Shelf): void => root.list.push('theirs')
    const beside = (mine: Do): readonly string[] | undefined => {
      rival.transact(({ list }) => {
        list.clear()
        list.push(3, 1, 2)
      })
      return meet(both, mine, push)
    }
    const all: Do[] = [
      ({ list }) => list.sort(),
      ({ list }) => list.reverse(),
      ({ list }) => list.clear(),
      ({ list }) => list.splice(0),
      ({ list }) => list.splice(-9),
      ({ list }) => list.splice(0, 9, 'mine'),
      ({ list }) => [list.push('mine'), list.sort()],
    ]
    for (const mine of all) t.same(beside(mine), ['length'], mine.toString())
    const some: Do[] = [
      ({ list }) => list.splice(1),
      ({ list }) => list.splice(0, 3),
      ({ list }) => Array.from({ length: list.length }, () => list.shift()),
      ({ list }) => [[...list].sort(), list.sort((a, b) => Number(a === b)), list.set(0, 'mine')],
    ]
    for (const mine of some) {
      t.equal(beside(mine), undefined, mine.toString())
      t.equal(rival.refresh() ?? rival.root.list.at(-1), 'theirs', 'and what was pushed meanwhile is there')
    }
  },
)

t.test('with snapshot isolation, what was refused or found nothing to do depends on nothing', async t => {
  const both = shelf(t, { isolation: 'snapshot' })
  both.db.transact(({ list }) => list.push(1))
  const refused: Do = ({ list }) => {
    t.throws(() => list.splice(0, 9, Symbol('no')), { code: 'VALUE' })
    list.reverse()
    list.push('mine')
  }
  t.equal(meet(both, refused, ({ list }) => list.push('theirs')), undefined) // prettier-ignore
  t.same([...both.db.root.list], [1, 'theirs', 'mine'])
})

t.test('a pack in between is no conflict by itself', async t => {
  const { db, rival } = shelf(t)
  db.root.list.bulkLoad(Array.from({ length: 500 }, (_, n) => ({ n })))
  db.commit()
  const held = db.root.list.at(7) as { n: number }
  db.root.list.set(400, 'mine')
  db.root.list.push('mine')
  rival.root.list.set(401, 'theirs')
  rival.commit()
  await rival.pack()
  rival.root.list.push('theirs')
  rival.commit()
  db.commit()
  t.same([400, 401, 500, 501].map(at => db.root.list.at(at)), ['mine', 'theirs', 'theirs', 'mine']) // prettier-ignore
  t.equal(held.n, 7)
  t.equal(db.root.list.at(7), held)
  t.same(faultsOf(db.root.list as never), [])
})
