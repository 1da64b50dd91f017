// The lock is released whatever happens: each operation of a commit is made to fail once, and then somebody else commits.
import { appendFileSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import type { PerdureError } from '../../lib/error.js'
import type { Disk } from '../../lib/file/disk.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import type { Store } from '../../lib/store/store.js'
import type { CommitResult } from '../../lib/store/store-options.js'
import type { Oid } from '../../lib/store/types.js'
import { draft, put, record, textOf } from '../helpers/drafts.js'
import { newStore, stranger } from '../helpers/new-store.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'

/** A disk that fails once, at its next operation number `k`. */
function failingDisk(): { disk: Disk; arm(k: number): void; failed(): string | undefined } {
  let left = Infinity
  let failed: string | undefined
  const disk = wrapDisk({ ...systemDisk }, (name, _n, go) => {
    if (--left !== 0) return go()
    failed = name
    throw Object.assign(new Error('EIO: as the test wants'), { code: 'EIO' })
  })
  const arm = (k: number) => {
    left = k
    failed = undefined
  }
  return { disk, arm, failed: () => failed }
}

interface Situation {
  /** Brings the store into the situation; called before any fault. */
  prepare(store: Store, other: Store): void
  expected: CommitResult['outcome']
  /** Whether the failure is one that others must be told of: nobody may commit then. */
  told?: (name: string) => boolean
  /** Whether the failure of the commit's operation `k` does not concern it: it goes on. */
  tolerated?: (name: string, k: number) => boolean
}

const isUnlock = (name: string): boolean => name === 'unlock'

function outcomeOf(commit: () => CommitResult): string {
  try {
    return commit().outcome
  } catch (error) {
    return (error as PerdureError).code
  }
}

async function everyFault(t: Test, situation: Situation): Promise<void> {
  const tolerated = situation.tolerated ?? isUnlock
  for (let k = 1; ; k++) {
    const failing = failingDisk()
    const store = newStore(t, failing.disk)
    const other = stranger(t, store)
    const snapshot = store.latest()
    situation.prepare(store, other)
    const before = textOf(other, 1)
    let outcome: string
    failing.arm(k)
    try {
      outcome = store.commit(draft(record(1, 'mine')), snapshot, [1 as Oid], true).outcome
    } catch {
      outcome = 'failed'
    }
    const fault = failing.failed()
    failing.arm(Infinity)
    const name = `operation ${k}, ${fault ?? 'none'}`
    const wanted = fault === undefined || tolerated(fault, k) ? situation.expected : 'failed'
    if (outcome !== wanted) t.fail(`${name}: ${outcome} instead of ${wanted}`)
    const now = textOf(other, 1)
    if (now !== (outcome === 'committed' ? 'mine' : before)) t.fail(`${name}: ${outcome}, and the root is ${now}`)
    const next = outcomeOf(() => other.commit(draft(record(1, 'the other’s')), other.latest(), [1 as Oid], false))
    const isTold = fault !== undefined && situation.told?.(fault) === true
    if (next !== (isTold ? 'COMMIT_FAILED' : 'committed')) t.fail(`${name}: afterwards another process is told ${next}`)
    if (textOf(store, 1) !== (isTold ? now : 'the other’s')) t.fail(`${name}: the store did not go on`)
    if (fault !== undefined) continue
    t.ok(k > 5, `${k - 1} operations failed, one at a time`)
    return
  }
}

t.test('in an uncontended commit', t =>
  everyFault(t, { prepare: store => void put(store, record(-1, 'x')), expected: 'committed' }),
)

t.test('in the first commit of a process, which opens the lock file and clears away what dead processes left', t =>
  everyFault(t, {
    prepare: ({ path }) => writeFileSync(`${path}.0123456789abcdef.new`, ''),
    expected: 'committed',
    // Tidying up, which takes nine operations before the two locks, may fail, and so may looking for the index file behind them.
    tolerated: (name, k) => isUnlock(name) || k <= 9 || name === 'lookUp',
  }),
)

t.test('in a commit that has to catch up first', t =>
  everyFault(t, {
    prepare: (store, other) => {
      put(store, record(-1, 'x'))
      put(other, record(-1, 'y'))
    },
    expected: 'committed',
  }),
)

t.test('in a commit that conflicts', t =>
  everyFault(t, {
    prepare: (store, other) => {
      put(store, record(-1, 'x'))
      put(other, record(1, 'newer'))
    },
    expected: 'conflict',
  }),
)

t.test('in a commit that cuts off what a killed process has left', t =>
  everyFault(t, {
    prepare: store => {
      put(store, record(-1, 'x'))
      store.makeDurable(store.latest())
      appendFileSync(store.path, 'PFRM')
    },
    expected: 'committed',
    told: name => name === 'sync',
  }),
)
