// Two transactions that begin with the same state, of which one commits first.
import { WriteConflictError, type Connection } from '../../lib/index.js'
import { thing, type Shelf } from './store.js'

/** What `mine` conflicts with when `theirs` is committed before it; undefined: nothing, and both are there. */
export function meet(
  { db, rival }: { db: Connection<Shelf>; rival: Connection<Shelf> },
  mine: (root: Shelf) => void,
  theirs: (root: Shelf) => void,
): readonly string[] | undefined {
  db.refresh()
  rival.refresh()
  mine(db.root)
  if (!db.changed) db.root.things.push(thing('something is written'))
  theirs(rival.root)
  rival.commit()
  try {
    db.commit()
    return undefined
  } catch (error) {
    if (!(error instanceof WriteConflictError)) throw error
    db.abort()
    return error.conflicts.flatMap(conflict => conflict.keys ?? [conflict.type])
  }
}
