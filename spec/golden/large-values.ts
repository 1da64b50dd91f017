// What further golden files hold: a map, a list and a queue with large values of every type, so many that they are trees, and a
// small map. The first of these files was written when all values stood in their entries; in the second, large ones stand apart.
// It says what was written into files that exist: nothing here may ever be changed.
import type { Test } from 'tap'
import { PersistentList } from '../../lib/collection/persistent-list.js'
import { PersistentMap } from '../../lib/collection/persistent-map.js'
import { PersistentQueue } from '../../lib/collection/persistent-queue.js'
import type { Connection } from '../../lib/object/connection.js'
import { openWith } from '../../lib/object/open.js'
import { Persistent } from '../../lib/object/persistent.js'
import { plain } from '../../lib/object/plain.js'
import type { Disk } from '../../lib/file/disk.js'
import { isSame, values } from './content.js'

class Shelf extends Persistent {
  static readonly type = 'Shelf'
  map = new PersistentMap<string, unknown>()
  small = new PersistentMap<number, unknown>()
  list = new PersistentList<unknown>()
  queue = new PersistentQueue<unknown>()
  round = 0
}

const COUNT = 100
const SMALL = 4

const keyOf = (n: number): string => `key ${String(n).padStart(4, '0')}`

/** Every third one is large by itself; every second large one has been changed since it was first written. */
function valueOf(n: number, changed: boolean): unknown {
  const all = values()
  const value = all[n % all.length]
  return n % 3 === 0 ? { value, text: 'text '.repeat(20), changed: changed && n % 2 === 0 } : value
}

export function connect(disk: Disk, path: string): Connection<Shelf> {
  return openWith(disk, path, { root: Shelf }) as Connection<Shelf>
}

export function fill(db: Connection<Shelf>): void {
  db.transact(function fill({ map, small, list, queue }) {
    for (let n = 0; n < COUNT; n++) {
      map.set(keyOf(n), valueOf(n, false))
      list.push(valueOf(n, false))
      queue.push(valueOf(n, false))
      if (n < SMALL) small.set(n, valueOf(3 * n, false))
    }
  })
  changeSome(db, 0)
}

/** Changes values in place, but none to something else than it was before if it has been changed already. */
export function changeSome(db: Connection<Shelf>, round: number): void {
  db.transact(function change(root) {
    root.round = round
    for (let n = 0; n < COUNT; n += 6) {
      ;(root.map.get(keyOf(n)) as { changed: boolean }).changed = true
      ;(root.list.at(n) as { changed: boolean }).changed = true
      if (n < 3 * SMALL) root.small.set(n / 3, valueOf(n, true))
    }
  })
}

/** Everything is there as it was written; `round`: of the last `changeSome`. */
export function check(t: Test, disk: Disk, path: string, round: number): void {
  const db = openWith(disk, path, { root: Shelf, readonly: true }) as Connection<Shelf>
  const { map, small, list, queue } = db.root
  const queued = [...queue]
  t.equal(db.root.round, round)
  t.strictSame([map.size, small.size, list.length, queued.length], [COUNT, SMALL, COUNT, COUNT])
  for (let n = 0; n < COUNT; n++) {
    const value = valueOf(n, true)
    if (!isSame(plain(map.get(keyOf(n))), value)) t.fail(`value ${n} of the map is ${String(map.get(keyOf(n)))}`)
    if (!isSame(plain(list.at(n)), value)) t.fail(`item ${n} of the list is ${String(list.at(n))}`)
    if (!isSame(plain(queued[n]), valueOf(n, false))) t.fail(`item ${n} of the queue is ${String(queued[n])}`)
    if (n < SMALL && !isSame(plain(small.get(n)), valueOf(3 * n, true))) t.fail(`value ${n} of the small map is wrong`)
  }
  db.close()
}
