// One commit of one session: encode what was changed, let the store check and append it, and settle the outcome in the
// objects. Until the store says "committed", nothing that an object knows of itself has changed.
import { GoneError, WriteConflictError, type Conflict } from '../error.js'
import type { Snapshot } from '../store/snapshot.js'
import type { CommitResult } from '../store/store.js'
import type { Generation } from '../store/generation.js'
import type { Oid } from '../store/types.js'
import { Encoder, type Encoded, type Writing } from './codec.js'
import { watchPending } from './exit-warning.js'
import type { Header } from './header.js'
import { checkSources } from './kept-sources.js'
import { stamp } from './places.js'
import type { Isolation, Session } from './session.js'

class SessionWriting implements Writing {
  readonly scope: Session
  readonly generation: Generation

  constructor(session: Session) {
    this.scope = session
    this.generation = session.snapshot.generation
  }

  get shapes(): Session['shapes'] {
    return this.scope.shapes
  }

  checkKind(header: Header, path: string): void {
    this.scope.registry.check(header, path)
  }

  mustWrite(header: Header, path: () => string): boolean {
    if (header.changed || (header.generation === this.generation.number && header.at !== 0)) return false
    if (this.generation.find(header.oid, this.scope.snapshot.offset) !== 0) return false
    if (!header.loaded) throw this.#gone(header.oid, header.name, path())
    this.scope.touched(header)
    return true
  }

  missing(oid: Oid, path: () => string): Header | undefined {
    // Only a pack takes objects away, and the first generation is no pack's.
    if (this.generation.number === 1 || this.generation.find(oid, this.scope.snapshot.offset) !== 0) return undefined
    const header = this.scope.cache.get(oid)
    if (!header) throw this.#gone(oid, 'object', path())
    return this.mustWrite(header, path) ? header : undefined
  }

  #gone(oid: Oid, name: string, path: string): GoneError {
    return new GoneError(
      oid,
      `${path} refers to ${name} ${oid}, which was not reachable any more and has been removed by a pack`,
      path,
    )
  }
}

/** How a session commits. */
export interface CommitPlan {
  readonly annotation: Uint8Array
  readonly isolation: Isolation
  /** Of the transaction, if it has one. */
  readonly id?: string | undefined
}

/**
 * `busy`: only without `wait`; nothing was done. `known`: a transaction with this id has been committed before; nothing was done.
 * Throws WriteConflictError, and leaves everything as it was.
 */
export function commitSession(
  session: Session,
  { annotation, isolation, id }: CommitPlan,
  wait: boolean,
): 'done' | 'busy' | 'known' {
  const { store, changed } = session
  if (changed.size === 0) {
    session.end()
    return 'done'
  }
  for (;;) {
    const encoded = new Encoder(new SessionWriting(session)).encode(changed, annotation)
    const checked = isolation === 'serializable' ? session.accessed : new Set<Oid>()
    for (const { oid } of encoded.headers) if (oid !== 0) checked.add(oid)
    const before = session.snapshot
    const result = store.commit(encoded.draft, before, checked, wait, id)
    switch (result.outcome) {
      case 'committed':
        settle(session, encoded, result)
        return 'done'
      case 'busy':
      case 'known':
        return result.outcome
      case 'conflict':
        throw conflict(session, result.oids)
      case 'moved':
        followMove(session, before, checked)
    }
  }
}

/** A pack came in between: if nothing that this transaction accessed has changed, it goes on in the new file. */
function followMove(session: Session, before: Snapshot, checked: Iterable<Oid>): void {
  const now = session.store.latest()
  const touched = session.store.touchedSince(before, checked, now)
  if (touched.length > 0) throw conflict(session, touched)
  session.moveTo(now)
}

function conflict(session: Session, oids: readonly Oid[]): WriteConflictError {
  const conflicts = oids.map((oid): Conflict => {
    const header = session.cache.get(oid)
    return { oid, type: header?.name ?? '', kind: header?.changed ? 'write' : 'read' }
  })
  return new WriteConflictError(conflicts)
}

function settle(session: Session, encoded: Encoded, result: Extract<CommitResult, { outcome: 'committed' }>): void {
  const { snapshot, firstOid, offsets } = result
  session.moveTo(snapshot)
  for (const { shape, number } of encoded.shapes) session.shapes.stored(shape, (firstOid - 1 - number) as Oid)
  for (const header of encoded.newObjects) {
    header.oid = (firstOid - 1 - header.number) as Oid
    header.scope = session
    session.cache.keep(header)
  }
  for (let i = 0; i < encoded.headers.length; i++) {
    const header = encoded.headers[i] as Header
    header.at = offsets[i] ?? header.at
    header.tid = snapshot.tid
    header.generation = snapshot.generation.number
    header.shape = encoded.shapeOf[i]
    header.changed = false
    checkSources(header, true)
    stamp(header)
  }
  session.changed.clear()
  watchPending(session, false)
  session.end()
}
