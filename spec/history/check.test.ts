import t from 'tap'
import { check, type History } from './check.js'
import type { Part, Recorded, Step } from './recorded.js'

/** The state after commit 1. */
const initial = new Map<Part, unknown>([
  ['x', 10],
  ['y', 20],
  ['list', ['a']],
  ['map', [['k', 1], ['m', { n: 5, by: 'old' }], ['p', 3]]], // prettier-ignore
  ['queue', ['first', 'second']],
  ['counter', 7],
])

/** A transaction on that state; it committed if it has a number. */
function made(fields: Partial<Recorded>): Recorded {
  const { commit } = fields
  return {
    who: 'a',
    what: 'a transaction',
    isolation: 'serializable',
    began: 0,
    ended: 100,
    snapshot: 1,
    outcome: commit === undefined ? 'read' : 'committed',
    steps: [],
    ...fields,
  }
}

/** `did('map', 'get', ['k'], 1)`: was asked that and answered 1. */
function did(part: Part, does: string, given: readonly unknown[] = [], answer: unknown = null): Step {
  return { part, does, given, answer }
}
const got = (part: Part, value: unknown): Step => did(part, 'get', [], value)
const set = (part: Part, value: unknown): Step => did(part, 'set', [value])

/** `final`: parts that are not in the end what they were in the beginning. */
function judge(
  transactions: readonly Recorded[],
  final: Readonly<Record<Part, unknown>> = {},
  until?: number,
): string[] {
  const last = Math.max(1, ...transactions.map(({ commit = 1 }) => commit))
  return check({
    initial,
    since: 1,
    transactions,
    final: new Map([...initial, ...Object.entries(final)]),
    until: until ?? last,
  } satisfies History)
}

const increment = (commit: number, snapshot: number, from: number): Recorded =>
  made({ commit, snapshot, steps: [got('x', from), set('x', from + 1)] })

t.test('a history in which everything is as it should be passes', async t => {
  t.same(judge([]), [])
  const reader = made({ snapshot: 2, steps: [got('x', 11)] })
  t.same(judge([increment(2, 1, 10), increment(3, 2, 11), reader], { x: 12 }), [])
})

t.test('what nobody ever wrote, or is older or newer than the snapshot, is found', async t => {
  const reader = (snapshot: number, x: number): Recorded => made({ snapshot, steps: [got('x', x)] })
  t.match(judge([reader(1, 99)]), [/was told 99 by x get; at 1 that was 10/])
  t.match(judge([increment(2, 1, 10), reader(2, 10)], { x: 11 }), [/at 2 that was 11/])
  t.match(judge([increment(2, 1, 10), reader(1, 11)], { x: 11 }), [/at 1 that was 10/])
})

t.test('half of a commit is found', async t => {
  const both = made({ commit: 2, steps: [set('x', 1), set('y', 2)] })
  const half = made({ snapshot: 2, steps: [got('x', 1), got('y', 20)] })
  t.match(judge([both, half], { x: 1, y: 2 }), [/was told 20 by y get/])
})

t.test('what an undone transaction wrote is found, and that it does not see that itself', async t => {
  const undone = made({ outcome: 'undone', steps: [set('x', 77), got('x', 77)] })
  t.same(judge([undone]), [])
  t.match(judge([undone, made({ steps: [got('x', 77)] })]), [/was told 77/])
  t.match(judge([made({ outcome: 'undone', steps: [set('x', 77), got('x', 10)] })]), [/was told 10 .* that was 77/])
})

t.test('a lost update is found, with both isolation levels', async t => {
  for (const isolation of ['serializable', 'snapshot'] as const) {
    const late = { ...increment(3, 1, 10), isolation }
    t.match(judge([increment(2, 1, 10), late], { x: 11 }), [/used x of 1, although 2 changed it/])
  }
})

t.test('write skew is found, and allowed with snapshot isolation', async t => {
  const skew = (isolation: Recorded['isolation']): string[] =>
    judge(
      [
        made({ commit: 2, isolation, steps: [got('y', 20), set('x', 0)] }),
        made({ commit: 3, isolation, steps: [got('x', 10), set('y', 0)] }),
      ],
      { x: 0, y: 0 },
    )
  t.match(skew('serializable'), [/used x of 1/])
  t.same(skew('snapshot'), [])
})

t.test('what is one object is used as a whole: the same content again is another version', async t => {
  const twice = [made({ commit: 2, steps: [set('x', 0)] }), made({ commit: 3, snapshot: 2, steps: [set('x', 10)] })]
  const late = made({ commit: 4, steps: [got('x', 10), set('y', 0)] })
  t.match(judge([...twice, late], { y: 0 }), [/used x of 1, although 3 changed it/])
})

t.test('pushes to one list are no conflict, and items are told apart by their positions', async t => {
  const push = made({ commit: 2, steps: [did('list', 'push', ['b'])] })
  const after = (...steps: Step[]): Recorded => made({ commit: 3, steps })
  t.same(judge([push, after(did('list', 'push', ['c']))], { list: ['a', 'b', 'c'] }), [])
  t.same(judge([push, after(did('list', 'set', [0, 'c']))], { list: ['c', 'b'] }), [])
  t.match(judge([push, after(did('list', 'set', [-1, 'c']))], { list: ['a', 'c'] }), [/although 2 changed it/])
  t.match(judge([push, after({ ...did('list', 'length', []), answer: 1 }, set('x', 0))], { x: 0 }), [
    /although 2 changed/,
  ])
  const unshift = made({ commit: 2, steps: [did('list', 'unshift', ['b'])] })
  t.match(judge([unshift, after(did('list', 'insert', [0, 'c']))], { list: ['c', 'b', 'a'] }), [
    /although 2 changed it/,
  ])
  t.match(judge([unshift, after({ ...did('list', 'shift', []), answer: 'a' })], { list: ['a'] }), [
    /although 2 changed it/,
  ])
})

t.test('a number that is missing, was given twice, or lies beyond the end is found', async t => {
  t.match(judge([increment(3, 1, 10)], { x: 11 }), [/commits 2 to 2 were made by nobody/])
  t.match(judge([made({ commit: 2 }), made({ commit: 2 })]), [/another one has that number/])
  t.match(judge([made({ commit: 2 })], {}, 1), [/the last commit is 1, and 2 was the last one made/])
})

t.test('a final state that differs is found', async t => {
  t.match(judge([increment(2, 1, 10)], { x: 10 }), [/at the end x is 10, not 11/])
})

t.test('a snapshot without what had ended before, or with what had not begun, is found', async t => {
  const first = { ...increment(2, 1, 10), ended: 40 }
  const reader = (began: number): Recorded => made({ began, steps: [got('x', 10)] })
  t.match(judge([first, reader(50)], { x: 11 }), [/began on 1, after .* had ended/])
  t.same(judge([first, reader(39)], { x: 11 }), [], 'at the same time: either is right')
  const later = { ...increment(2, 1, 10), began: 60 }
  const early = made({ ended: 50, snapshot: 2, steps: [got('x', 11)] })
  t.match(judge([later, early], { x: 11 }), [/had not begun/])
})

t.test('a conflict without a reason is found', async t => {
  const refused = made({ outcome: 'conflict', steps: [got('x', 10), set('y', 5)] })
  t.match(judge([refused]), [/was refused, although nothing/])
  t.same(judge([refused, increment(2, 1, 10)], { x: 11 }), [])
  const snapshot = { ...refused, isolation: 'snapshot' } as const
  t.match(judge([snapshot, increment(2, 1, 10)], { x: 11 }), [/was refused/], 'it has not written x')
  const later = { ...increment(2, 1, 10), began: 101 }
  t.match(judge([refused, later], { x: 11 }), [/was refused/], 'it had ended by then')
})

// ---- collections ------------------------------------------------------------------------------------------------

const K = ['k', 1] as const
const M = ['m', { n: 5, by: 'old' }] as const
const P = ['p', 3] as const
const get = (key: string, value: unknown): Step => did('map', 'get', [key], value)
const put = (key: string, value: unknown): Step => did('map', 'set', [key, value])

interface Verdicts {
  readonly serializable: string
  readonly snapshot: string
}

/**
 * `mine` and `theirs` began on the state after commit 1; `theirs` is commit 2. May `mine` be commit 3? The judge must find
 * fault with that commit, or else with its refusal. `final` is what the commit leaves.
 */
function both(mine: readonly Step[], theirs: readonly Step[], final: Readonly<Record<Part, unknown>>): Verdicts {
  const others = made({ who: 'b', commit: 2, steps: theirs })
  const verdict = (isolation: Recorded['isolation']): string => {
    const committed = judge([others, made({ commit: 3, isolation, steps: mine })], final)
    const refused = judge([others, made({ outcome: 'conflict', isolation, steps: mine })]).filter(
      line => !line.startsWith('at the end'),
    )
    if (committed.length === 0 && refused.every(line => line.includes('was refused')) && refused.length > 0)
      return 'may'
    const isWrong = committed.every(line => line.includes('although 2 changed it')) && committed.length > 0
    return isWrong && refused.length === 0 ? 'must not' : [...committed, ...refused].join()
  }
  return { serializable: verdict('serializable'), snapshot: verdict('snapshot') }
}

t.test('keys of one map are used one by one', async t => {
  const may = (mine: readonly Step[], theirs: readonly Step[], map: unknown, what: string): void => {
    t.same(both(mine, theirs, { map }), { serializable: 'may', snapshot: 'may' }, what)
  }
  const onlyWithSnapshot = (mine: readonly Step[], theirs: readonly Step[], map: unknown, what: string): void => {
    t.same(both(mine, theirs, { map }), { serializable: 'must not', snapshot: 'may' }, what)
  }
  const never = (mine: readonly Step[], theirs: readonly Step[], map: unknown, what: string): void => {
    t.same(both(mine, theirs, { map }), { serializable: 'must not', snapshot: 'must not' }, what)
  }
  const change = did('map', 'raise', ['m', 'me'], M[1])
  const changed = ['m', { n: 6, by: 'me' }]

  may([put('a', 0)], [put('k', 2)], [['a', 0], ['k', 2], M, P], 'writes side by side') // prettier-ignore
  may([get('k', 1), put('m', 0)], [put('p', 2)], [K, ['m', 0], ['p', 2]], 'reading a neighbour')
  may([did('map', 'has', ['k'], true), put('p', 0)], [put('k', 2)], [['k', 2], M, ['p', 0]], 'whether there is a key')
  may([did('map', 'delete', ['z'], false), put('p', 0)], [put('k', 2)], [['k', 2], M, ['p', 0]], 'nothing to delete')
  may([get('k', 1), put('p', 0)], [put('k', 1)], [K, M, ['p', 0]], 'the value that was there before')
  may([change], [put('k', 2)], [['k', 2], changed, P], 'data changed in place')

  never([get('k', 1), put('k', 2)], [put('k', 3)], [['k', 2], M, P], 'a lost update of a key')
  never([put('z', 2)], [put('z', 3)], [K, M, P, ['z', 2]], 'two inserts of one key')
  never([did('map', 'delete', ['k'], true)], [put('k', 3)], [M, P], 'a delete of what has changed')
  never([change], [put('m', 3)], [K, changed, P], 'data changed in place that is there no more')
  never([did('map', 'deleteRange', [{ gte: 'l' }], ['m', 'p'])], [put('p', 4)], [K], 'a stretch deleted')
  may([did('map', 'deleteRange', [{ gte: 'l' }], ['m', 'p'])], [put('a', 4)], [['a', 4], K], 'and an insert before it')
  never([did('map', 'clear', [], true)], [put('z', 4)], [], 'all deleted')

  onlyWithSnapshot([get('m', M[1]), put('k', 2)], [put('m', 0)], [['k', 2], ['m', 0], P], 'write skew of two keys')
  onlyWithSnapshot([get('z', null), put('k', 2)], [put('z', 0)], [['k', 2], M, P, ['z', 0]], 'a key found missing') // prettier-ignore
  onlyWithSnapshot([did('map', 'deleteRange', [{ gte: 'l' }], ['m', 'p'])], [put('z', 0)], [K, ['z', 0]], 'a stretch deleted, and an insert into it') // prettier-ignore
})

t.test('phantoms are found: in stretches of keys, their ends, their number', async t => {
  const phantom = (
    asked: Step,
    theirs: Step,
    answer: unknown,
    what: string,
    map: unknown,
    serializable = 'must not',
  ) => {
    const mine = [{ ...asked, answer }, put('k', 0)]
    t.same(both(mine, [theirs], { map }), { serializable, snapshot: 'may' }, what)
  }
  const low = { gte: 'l', lt: 'q' }
  const ask = (does: string, ...given: unknown[]): Step => did('map', does, given)
  const withO = [['k', 0], M, ['o', 9], P] // prettier-ignore
  const withZ = [['k', 0], M, P, ['z', 9]] // prettier-ignore
  const withP = [['k', 0], M, ['p', 9]] // prettier-ignore
  phantom(ask('range', low), put('o', 9), [M, P], 'a phantom in a range', withO)
  phantom(ask('range', low), put('z', 9), [M, P], 'an insert behind it', withZ, 'may')
  phantom(ask('range', low), put('p', 9), [M, P], 'a value in it', withP)
  phantom(ask('keys', low), put('o', 9), ['m', 'p'], 'a phantom among keys', withO)
  phantom(ask('keys', low), put('p', 9), ['m', 'p'], 'a value, if only keys were asked for', withP, 'may')
  phantom(ask('range', { ...low, limit: 1 }), put('o', 9), [M], 'behind the limit', withO, 'may')
  phantom(ask('range', { ...low, limit: 1, reverse: true }), put('o', 9), [P], 'before it, backwards', withO, 'may')
  phantom(ask('range', { limit: 1, reverse: true }), put('z', 9), [P], 'another last entry', withZ)
  phantom(ask('count', low), put('o', 9), 2, 'a counted stretch', withO)
  phantom(ask('size'), put('o', 9), 3, 'a stale size', withO)
  phantom(ask('size'), put('p', 9), 3, 'a size that is the same', withP, 'may')
  const swap = [did('map', 'delete', ['m'], true), put('o', 9)]
  const mine = [did('map', 'count', [low], 2), put('k', 0)]
  const map = [['k', 0], ['o', 9], P] // prettier-ignore
  t.same(both(mine, swap, { map }).serializable, 'must not', 'as many as before, but others')
})

t.test('an item that is taken twice, or out of order, is found', async t => {
  const take = (item: unknown): Step => did('queue', 'take', [], item)
  const queue = ['second']
  t.same(both([take('first')], [take('first')], { queue }), { serializable: 'must not', snapshot: 'must not' })
  t.match(judge([made({ steps: [take('second')] })]), [/was told "second" by queue take; at 1 that was "first"/])
  t.match(judge([made({ steps: [take('first'), take('first')] })]), [/that was "second"/])
  const push = (item: string): Step => did('queue', 'push', [item])
  const pushed = { queue: ['first', 'second', 'theirs', 'mine'] }
  t.same(both([push('mine')], [push('theirs')], pushed), { serializable: 'may', snapshot: 'may' })
  t.match(judge([2, 3].map(commit => made({ commit, steps: [push(`${commit}`)] })), { queue: ['first', 'second', '3', '2'] }), [/at the end queue/]) // prettier-ignore
  const after = { queue: ['second', 'theirs'] }
  t.same(both([take('first')], [push('theirs')], after), { serializable: 'may', snapshot: 'may' })
  const asked = [did('queue', 'size', [], 2), put('k', 0)]
  const others = { queue: ['first', 'second', 'theirs'], map: [['k', 0], M, P] }
  t.same(both(asked, [push('theirs')], others), { serializable: 'must not', snapshot: 'may' })
  const empty = [take('first'), take('second'), take(null)]
  t.same(both(empty, [push('theirs')], { queue: ['theirs'] }), { serializable: 'must not', snapshot: 'may' })
})

t.test('who adds to a counter relies on nothing, who reads it on the number', async t => {
  const add = did('counter', 'add', [2])
  t.same(both([add], [add], { counter: 11 }), { serializable: 'may', snapshot: 'may' })
  t.match(judge([made({ commit: 2, steps: [add] }), made({ commit: 3, steps: [add] })], { counter: 9 }), [/counter is 9, not 11/]) // prettier-ignore
  const read = did('counter', 'value', [], 7)
  t.same(both([read, add], [add], { counter: 11 }), { serializable: 'must not', snapshot: 'may' })
})
