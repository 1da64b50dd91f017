import t from 'tap'
import { check, type History } from './check.js'
import type { Recorded } from './recorded.js'

/** A transaction on the state after commit 1, in which x is 10 and y is 20; it committed if it has a number. */
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
    reads: [],
    writes: [],
    ...fields,
  }
}

function judge(transactions: Recorded[], x: unknown = 10, y: unknown = 20, until = 1): string[] {
  const initial = new Map([
    ['x', 10],
    ['y', 20],
  ])
  const final = new Map([
    ['x', x],
    ['y', y],
  ])
  return check({ initial, since: 1, transactions, final, until } satisfies History)
}

const increment = (commit: number, snapshot: number, from: number): Recorded =>
  made({ commit, snapshot, reads: [['x', from]], writes: [['x', from + 1]] })

t.test('a history in which everything is as it should be passes', async t => {
  t.same(judge([]), [])
  t.same(judge([increment(2, 1, 10), increment(3, 2, 11), made({ snapshot: 2, reads: [['x', 11]] })], 12, 20, 3), [])
})

t.test('what nobody ever wrote, or is older or newer than the snapshot, is found', async t => {
  t.match(judge([made({ reads: [['x', 99]] })]), [/read x as 99; at 1 it was 10, since 1/])
  t.match(judge([increment(2, 1, 10), made({ snapshot: 2, reads: [['x', 10]] })], 11, 20, 2), [/at 2 it was 11/])
  t.match(judge([increment(2, 1, 10), made({ snapshot: 1, reads: [['x', 11]] })], 11, 20, 2), [/at 1 it was 10/])
})

t.test('half of a commit is found', async t => {
  const both = made({
    commit: 2,
    writes: [
      ['x', 1],
      ['y', 2],
    ],
  })
  const half = made({
    snapshot: 2,
    reads: [
      ['x', 1],
      ['y', 20],
    ],
  })
  t.match(judge([both, half], 1, 2, 2), [/read y as 20/])
})

t.test('what an undone transaction wrote is found', async t => {
  const undone = made({ outcome: 'undone', writes: [['x', 77]] })
  t.same(judge([undone]), [])
  t.match(judge([undone, made({ reads: [['x', 77]] })]), [/read x as 77/])
})

t.test('a lost update is found, with both isolation levels', async t => {
  for (const isolation of ['serializable', 'snapshot'] as const) {
    const late = { ...increment(3, 1, 10), isolation }
    t.match(judge([increment(2, 1, 10), late], 11, 20, 3), [/used x of 1, although 2 changed it/])
  }
})

t.test('write skew is found, and allowed with snapshot isolation', async t => {
  const skew = (isolation: Recorded['isolation']): string[] =>
    judge(
      [
        made({ commit: 2, isolation, reads: [['y', 20]], writes: [['x', 0]] }),
        made({ commit: 3, isolation, reads: [['x', 10]], writes: [['y', 0]] }),
      ],
      0,
      0,
      3,
    )
  t.match(skew('serializable'), [/used x of 1/])
  t.same(skew('snapshot'), [])
})

t.test('a number that is missing, was given twice, or lies beyond the end is found', async t => {
  t.match(judge([increment(3, 1, 10)], 11, 20, 3), [/commits 2 to 2 were made by nobody/])
  t.match(judge([made({ commit: 2 }), made({ commit: 2 })], 10, 20, 2), [/another one has that number/])
  t.match(judge([made({ commit: 2 })], 10, 20, 1), [/the last commit is 1, and 2 was the last one made/])
})

t.test('a final state that differs is found', async t => {
  t.match(judge([increment(2, 1, 10)], 10, 20, 2), [/at the end x is 10, not 11/])
})

t.test('a snapshot without what had ended before, or with what had not begun, is found', async t => {
  const first = { ...increment(2, 1, 10), ended: 40 }
  t.match(judge([first, made({ began: 50, reads: [['x', 10]] })], 11, 20, 2), [/began on 1, after .* had ended/])
  t.same(judge([first, made({ began: 39, reads: [['x', 10]] })], 11, 20, 2), [], 'at the same time: either is right')
  const later = { ...increment(2, 1, 10), began: 60 }
  t.match(judge([later, made({ ended: 50, snapshot: 2, reads: [['x', 11]] })], 11, 20, 2), [/had not begun/])
})

t.test('a conflict without a reason is found', async t => {
  const refused = made({ outcome: 'conflict', reads: [['x', 10]], writes: [['y', 5]] })
  t.match(judge([refused]), [/was refused, although nothing/])
  t.same(judge([refused, increment(2, 1, 10)], 11, 20, 2), [])
})
