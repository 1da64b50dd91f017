// A commit by hand, and what may become of it.
import { GoneError, WriteConflictError, type Connection, type Isolation } from '../../lib/index.js'

/** `undone`: it can only be undone. Whatever else is thrown should not have been. */
export function tryToCommit(db: Connection<object>, isolation: Isolation): 'committed' | 'conflict' | 'undone' {
  try {
    db.commit()
    return 'committed'
  } catch (error) {
    if (error instanceof WriteConflictError) return 'conflict'
    if (isGone(error, isolation)) return 'undone'
    throw error
  }
}

/**
 * With snapshot isolation nobody is kept from dropping an object that another transaction has read and is about to store
 * elsewhere. Once a pack has removed it, that cannot be committed.
 */
export function isGone(error: unknown, isolation: Isolation): boolean {
  return isolation === 'snapshot' && error instanceof GoneError
}
