// The commits that a store still holds, as applications and `perdure log` read them: what each wrote, when, and what it says of itself.
import { CorruptLogError, SchemaError } from '../error.js'
import type { Generation } from '../store/generation.js'
import { readHistory, type CommitEntry } from '../store/history.js'
import type { Snapshot } from '../store/snapshot.js'
import { LOST_SHAPE, type Oid } from '../store/types.js'
import { decodeAnnotation } from './annotation.js'
import { refuseIfEditing } from './editing.js'
import { checkNames, quoted } from './option-names.js'
import type { Session } from './session.js'
import { ShapeTable } from './shapes.js'

/** One commit of a store. */
export interface Commit {
  /** Its number, as `until` of `open` takes it. */
  readonly tid: number
  /** Milliseconds since 1970. */
  readonly time: number
  /** Where in the file it begins, and how many bytes it takes there. */
  readonly offset: number
  readonly bytes: number
  /** Objects that it wrote, parts of large collections included ... */
  readonly objects: number
  /**
   * ... and how many of each class, by its stored name (which ones, only `meta` can tell); `root`: a root without a class; `lost`: those
   * of which nothing tells the class, as the record that did is damaged, or was lost in a salvage.
   */
  readonly types: Readonly<Record<string, number>>
  readonly note: string | undefined
  /** Transactions in it: several of `transactAsync` become one commit. */
  readonly count: number
  readonly meta: unknown
  /** What it says of itself is of no form that this version knows: it is given without `note` and `meta`, and as one transaction. */
  readonly unreadable?: true
}

/** Which commits of a log are read: those that fulfil all that is given. */
export interface LogOptions {
  /**
   * Those behind this one, by its number. Who follows a store asks for those behind the last one that was seen. Numbers have no gaps: if
   * the first one that comes is not the next number, or none comes although `tid` of the connection is more than this, a pack has put those
   * between together. What they led to is in the objects; nothing tells them one by one any more.
   */
  readonly after?: number | undefined
  /** This one is the last, by its number. */
  readonly until?: number | undefined
  /** From the newest to the oldest. */
  readonly reverse?: boolean | undefined
  /** At most so many. */
  readonly limit?: number | undefined
}

const OPTIONS: ReadonlySet<string> = new Set<keyof LogOptions>(['after', 'until', 'reverse', 'limit'])

/** Stands for the name of a class that nothing tells. */
const LOST = 'lost'

/** A copy of them, as they are checked. Throws TypeError for options that there are not, RangeError for numbers that are none of a commit. */
export function checkedLogOptions(options: LogOptions): LogOptions {
  checkNames(options, OPTIONS, 'log')
  const { after = 0, until = Infinity, reverse = false, limit = Infinity } = options
  for (const [name, value] of Object.entries({ after, until }))
    if (value !== Infinity && !(Number.isSafeInteger(value) && value >= 0))
      throw new RangeError(`${name} must be the number of a commit, not ${quoted(value)}`)
  if (limit !== Infinity && !(Number.isSafeInteger(limit) && limit >= 0))
    throw new RangeError(`limit must be a whole number of at least 0, not ${quoted(limit)}`)
  if (typeof reverse !== 'boolean') throw new TypeError(`reverse must be true or false, not ${quoted(reverse)}`)
  return { after, until, reverse, limit }
}

/** Of what the snapshot shows. Reads as it goes, and no further than it is asked for. Throws CorruptLogError. */
export function* readLog(
  snapshot: Snapshot,
  { after = 0, until = snapshot.tid, reverse = false, limit = Infinity }: LogOptions = {},
  shapes = new ShapeTable(),
): Generator<Commit, undefined> {
  if (limit === 0) return
  const { generation } = snapshot
  const first = Math.max(after, generation.header.baseTid)
  // Commits are numbered without a gap.
  const range = reverse ? { after, until } : { after, until: Math.min(until, first + limit) }
  const names = new Map<Oid, string>([[LOST_SHAPE, LOST]])
  const nameOf = (shape: Oid): string => {
    const name = names.get(shape) ?? readName(generation, shape, shapes)
    names.set(shape, name)
    return name
  }
  let left = limit
  for (const entry of readHistory(snapshot, { ...range, reverse })) {
    yield commitOf(entry, nameOf)
    if (--left === 0) return
  }
}

/** That of a class. Where it stands damaged, it is in no commit's way that only names it. */
function readName(generation: Generation, shape: Oid, shapes: ShapeTable): string {
  try {
    return shapes.get(generation, shape).type || 'root'
  } catch (error) {
    if (error instanceof CorruptLogError) return LOST
    throw error
  }
}

function commitOf(
  { tid, time, offset, bytes, byShape, annotation }: CommitEntry,
  nameOf: (shape: Oid) => string,
): Commit {
  const types = new Map<string, number>()
  let objects = 0
  for (const [shape, n] of byShape) {
    const name = nameOf(shape)
    types.set(name, (types.get(name) ?? 0) + n)
    objects += n
  }
  const said = saidIn(annotation)
  const { note, meta, count = 1 } = said ?? {}
  const commit = { tid, time, offset, bytes, objects, types: Object.fromEntries(types), note, count, meta }
  return said === undefined ? { ...commit, unreadable: true } : commit
}

/** undefined: it cannot be read, which is in the way of no other commit. */
function saidIn(annotation: Uint8Array): ReturnType<typeof decodeAnnotation> | undefined {
  try {
    return decodeAnnotation(annotation)
  } catch (error) {
    if (error instanceof SchemaError) return undefined
    throw error
  }
}

/**
 * Of what the connection sees, when it is asked for the first one. If it goes on after its transaction has ended, it does so in the next
 * one: commits that a pack has put together meanwhile are not there any more. `options`: as checkedLogOptions gives them. Throws
 * ClosedError, StateError inside of static upgrade and static merge, CorruptLogError, DiskError.
 */
export function* logOf(session: Session, options: LogOptions): Generator<Commit, undefined> {
  access(session)
  let range = { ...options, until: Math.min(options.until ?? Infinity, session.tid) }
  for (let isWhole = false; !isWhole;) {
    const { snapshot } = session
    isWhole = true
    for (const commit of readLog(snapshot, range, session.shapes)) {
      yield commit
      access(session)
      range = { ...range, ...(range.reverse ? { until: commit.tid - 1 } : { after: commit.tid }) }
      if (range.limit !== undefined) range.limit--
      isWhole = session.snapshot.generation === snapshot.generation
      if (!isWhole) break
    }
  }
}

/** Asking for a commit is one, and may come from anywhere. */
function access(session: Session): void {
  refuseIfEditing('next() of a log')
  session.begin()
}
