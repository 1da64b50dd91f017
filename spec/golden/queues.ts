// What one more golden file holds: queues of every form (never used, with items, emptied, a tree that was emptied) and counters.
// It says what was written into files that exist: nothing here may ever be changed.
import type { Test } from 'tap'
import { PersistentCounter } from '../../lib/collection/persistent-counter.js'
import { PersistentQueue } from '../../lib/collection/persistent-queue.js'
import { ValueError } from '../../lib/error.js'
import type { Connection } from '../../lib/object/connection.js'
import { openWith } from '../../lib/object/open.js'
import { Persistent } from '../../lib/object/persistent.js'
import type { Disk } from '../../lib/file/disk.js'

interface Job {
  n: number
  text: string
}

class Hall extends Persistent {
  static readonly type = 'Hall'
  fresh = new PersistentQueue<Job>()
  waiting = new PersistentQueue<Job>()
  emptied = new PersistentQueue<Job>()
  emptiedTree = new PersistentQueue<Job>()
  none = new PersistentCounter()
  fraction = new PersistentCounter(-0.5)
  most = new PersistentCounter(Number.MAX_SAFE_INTEGER)
  round = 0
}

const MANY = 200

export function connect(disk: Disk, path: string): Connection<Hall> {
  return openWith(disk, path, { root: Hall }) as Connection<Hall>
}

const job = (n: number): Job => ({ n, text: `job ${n} `.repeat(1 + (n % 20)) })

export function fill(db: Connection<Hall>): void {
  const { waiting, emptied, emptiedTree } = db.root
  for (let n = 0; n < MANY; n++) emptiedTree.push(job(n))
  for (let n = 0; n < 5; n++) waiting.push(job(n))
  for (let n = 0; n < 3; n++) emptied.push(job(n))
  db.commit()
  waiting.shift()
  waiting.shift()
  while (emptied.shift() !== undefined) continue
  while (emptiedTree.shift() !== undefined) continue
  db.commit()
}

export function changeSome(db: Connection<Hall>, round: number): void {
  db.transact(function change(root) {
    root.round = round
  })
}

/** Everything is there as it was written; `round`: of the last `changeSome`. */
export function check(t: Test, disk: Disk, path: string, round: number): void {
  const db = openWith(disk, path, { root: Hall, readonly: true }) as Connection<Hall>
  const { fresh, waiting, emptied, emptiedTree, none, fraction, most } = db.root
  t.equal(db.root.round, round)
  t.strictSame(waiting.toJSON(), [job(2), job(3), job(4)])
  t.strictSame([fresh.size, emptied.size, emptiedTree.size], [0, 0, 0])
  t.strictSame([none.value, fraction.value, most.value], [0, -0.5, Number.MAX_SAFE_INTEGER])
  db.close()
}

/** The numbers of the items that are pushed next, as messages name them: none that was given before. */
export function nextNumbers(db: Connection<Hall>): readonly string[] {
  const { fresh, waiting, emptied, emptiedTree } = db.root
  return [fresh, waiting, emptied, emptiedTree].map(queue => {
    queue.push(job(0))
    db.commit()
    const pushed = [...queue].at(-1) as Job
    try {
      pushed.n = Symbol('cannot be stored') as never
    } catch (error) {
      if (error instanceof ValueError) return error.path.split('.')[1] ?? ''
    }
    return 'not refused'
  })
}

export const NEXT: readonly string[] = ['0', '5', '3', String(MANY)]
