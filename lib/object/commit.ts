// One commit of one session: encode what was changed, let the store check and append it, and settle the outcome in the
// objects. Until the store says "committed", nothing that an object knows of itself has changed.
import { GoneError, WriteConflictError, type Conflict } from '../error.js'
import { onCommit } from '../store/commit-failure.js'
import type { Snapshot } from '../store/snapshot.js'
import type { Generation } from '../store/generation.js'
import { touchedSince } from '../store/touched.js'
import type { Oid } from '../store/types.js'
import { mergeByClass } from './class-merge.js'
import { Encoder } from './encoder.js'
import type { Encoded, Way, Writing } from './encoding.js'
import type { Header } from './header.js'
import { MergingHeader, mergingIsOn } from './merging.js'
import type { RecordView } from './record-view.js'
import type { Recordable } from './recordable.js'
import { mention } from './mention.js'
import type { Isolation, Session } from './session.js'
import { settle, type StandIns } from './settle.js'

class SessionWriting implements Writing {
  readonly scope: Session
  readonly view: RecordView

  constructor(session: Session, base: Snapshot) {
    this.scope = session
    this.view = base === session.snapshot ? session.view : session.viewOf(base)
  }

  get generation(): Generation {
    return this.view.snapshot.generation
  }

  get shapes(): Session['shapes'] {
    return this.scope.shapes
  }

  checkKind(header: Recordable, key: string | number | undefined, way: Way): void {
    const { registry } = this.scope
    if (!registry.has(header.kind)) registry.check(header, () => way.path(key))
  }

  mustWrite(header: Header, key: string | number, way: Way): boolean {
    if (header.changed || (header.generation === this.generation.number && header.at !== 0)) return false
    if (this.view.locate(header.oid) !== 0) return false
    if (!header.loaded) throw this.#gone(header.oid, header.name, way.path(key))
    this.scope.touched(header)
    return true
  }

  missing(oid: Oid, key: string | number, way: Way): Header | undefined {
    // Only a pack takes objects away, and the first generation is no pack's.
    if (this.generation.number === 1 || this.view.locate(oid) !== 0) return undefined
    const header = this.scope.cache.get(oid)
    if (!header) throw this.#gone(oid, 'object', way.path(key))
    return this.mustWrite(header, key, way) ? header : undefined
  }

  #gone(oid: Oid, name: string, path: string): GoneError {
    return new GoneError(
      oid,
      `${path} refers to ${name} ${oid}, which was not reachable any more and has been removed by a pack: ` +
        'put another object there, or none',
      path,
    )
  }
}

/** After so many commits that came in between, the changes are merged with the lock held. */
const MOST_LOST = 4

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
  const { lockTimeout, durability } = session.options
  if (changed.size === 0) {
    session.end()
    return 'done'
  }
  // Where nothing is to be lost, nothing goes into a file that the path does not lead to any more.
  const look = durability === 'fsync' ? 'now' : 'if due'
  // What the changes are made to: the session's snapshot, or a later one to which all that the transaction asked
  // and did applies as well.
  let base = session.snapshot
  const standIns: StandIns = new Map()
  for (let lost = 0; ; lost++) {
    if (lost === MOST_LOST && wait && !store.lock.held) {
      return store.underLock(() => commitSession(session, { annotation, isolation, id }, wait), lockTimeout)
    }
    const toWrite = standIns.size === 0 ? changed : Array.from(changed, header => standIns.get(header) ?? header)
    const encoded = onCommit(store.path, () =>
      new Encoder(new SessionWriting(session, base)).encode(toWrite, annotation),
    )
    const checked = new Checked(session, encoded, isolation)
    checkStack()
    const result = store.commit(encoded.draft, base, checked, wait && lockTimeout, id, look)
    switch (result.outcome) {
      case 'committed':
        settle(session, encoded, standIns, result)
        return 'done'
      case 'busy':
      case 'known':
        return result.outcome
      case 'conflict':
        base = merged(session, base, result.oids, result.snapshot, isolation, standIns)
        break
      case 'moved': {
        // A pack came in between: if nothing is in the way, the transaction goes on in the new file.
        // What a class has merged is not merged again: in the new file nobody can tell any more what it was at first.
        const now = onCommit(store.path, () => store.latest())
        const touched = new Set(onCommit(store.path, () => touchedSince(base, checked, now)))
        for (const { oid } of standIns.keys()) touched.add(oid)
        base = merged(session, base, touched, now, isolation, standIns)
        session.goOnFrom(base)
      }
    }
  }
}

const ROOM = new Array(512).fill(undefined) as undefined[]

/** Throws RangeError if there is hardly any stack left: behind the append that would come too late. */
function checkStack(): void {
  Reflect.apply(nothing, undefined, ROOM)
}

function nothing(): void {
  // so many arguments take as many places on the stack
}

/** What must not have changed: gathered only if something was committed in between, which is seldom so. */
class Checked implements Iterable<Oid> {
  readonly #session: Session
  readonly #encoded: Encoded
  readonly #isolation: Isolation

  constructor(session: Session, encoded: Encoded, isolation: Isolation) {
    this.#session = session
    this.#encoded = encoded
    this.#isolation = isolation
  }

  [Symbol.iterator](): Iterator<Oid> {
    const isSerializable = this.#isolation === 'serializable'
    const checked = new Set<Oid>(isSerializable ? this.#session.accessed : [])
    if (isSerializable) for (const { oid } of this.#session.merging) checked.add(oid)
    for (const { oid, kind } of this.#encoded.headers) if (oid !== 0 && kind.internal !== true) checked.add(oid)
    return checked.values()
  }
}

/** Others have changed `oids` meanwhile. Gives `now` if they can all do without the difference, or merge it. */
function merged(
  session: Session,
  base: Snapshot,
  oids: Iterable<Oid>,
  now: Snapshot,
  isolation: Isolation,
  standIns: StandIns,
): Snapshot {
  const conflicts: Conflict[] = []
  const [before, after] = [session.viewOf(base), session.viewOf(now)]
  const accessed = new Set(session.accessed)
  for (const oid of oids) {
    const header = session.cache.get(oid)
    const kind = header?.changed ? 'write' : 'read'
    const standIn = header && mergingIsOn() ? mergeByClass(session, header, after, accessed) : undefined
    if (header && standIn) {
      standIns.set(header, standIn)
    } else if (header instanceof MergingHeader && mergingIsOn() && isIn(before, oid) && isIn(after, oid)) {
      const found = header.conflict(before, after, isolation === 'serializable')
      if (found) conflicts.push(found)
    } else {
      // Of what was only copied there is no header.
      conflicts.push({ oid, type: header?.name ?? (mention(session, oid).type || 'root'), kind })
    }
  }
  if (conflicts.length > 0) throw new WriteConflictError(conflicts)
  return now
}

/** What a pack has removed, and somebody brings back, is there again only after that. */
function isIn(view: RecordView, oid: Oid): boolean {
  return view.locate(oid) !== 0
}
