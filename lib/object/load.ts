// Fills an object with a version of its record: decodes, upgrades what an older class wrote, and leads plain data that was
// handed out back to its places.
import { SchemaError } from '../error.js'
import type { Oid, StoredRecord, Tid } from '../store/types.js'
import { isUnknownKind, type ClassRegistry } from './class-registry.js'
import { Decoder, referencesOf, unpackState } from './decoder.js'
import { MOST_SHOWN } from './inspection.js'
import type { Header } from './header.js'
import { runStatic, whileEditing } from './editing.js'
import { isNewer, warnOfNewer } from './newer-record.js'
import { EntityHeader } from './persistent.js'
import { MergingHeader } from './merging.js'
import type { RecordView } from './record-view.js'
import { rebind, replant, stamp, uproot } from './places.js'
import { plain } from './plain.js'
import { define, put } from './plain-node.js'
import { refusePromise } from './refuse-promise.js'
import type { Shape } from './shapes.js'
import { asUnreadable } from './unreadable.js'

/** What loading needs of the connection. */
export interface Loading {
  /** The object, if it is in the identity map. */
  known(oid: Oid): object | undefined
  resolve(oid: Oid): object
  readonly registry: ClassRegistry
  /** What its snapshot shows. */
  readonly view: RecordView
  /** Every access while `run` runs fails. */
  withoutAccess<T>(run: () => T): T
}

/** All of it, or nothing: what throws half-way leaves the object unread, and its plain data at the places that it had. */
export function load(header: Header, record: StoredRecord, shape: Shape, generation: number, loading: Loading): void {
  const { kind, tid } = header
  if (shape.type !== kind.type)
    throw new SchemaError(`object ${record.oid} is a '${shape.type}' now, and was a '${kind.type}'`, record.oid)
  const placed = header.keyed ? undefined : uproot(header)
  // No version until all of it is there: where the stack is full, it cannot even be dropped.
  header.generation = 0
  header.tid = 0 as Tid
  header.load++
  try {
    // What code of the program gives besides may be other data each time.
    let isAsStored = true
    if (header instanceof MergingHeader) header.take(loading.view.take(record))
    else isAsStored = decode(header, record, shape, loading)
    const ofNewer = isNewer(kind, shape)
    header.inert = ofNewer || isUnknownKind(kind) ? record : undefined
    if (header instanceof EntityHeader && header.fillInDefaults()) isAsStored = false
    if (ofNewer) warnOfNewer(loading.registry, kind, shape.version)
    header.fetched = undefined
    header.shape = shape
    if (placed) {
      rebind(header, placed, isAsStored && record.tid === tid)
      stamp(header)
    }
  } catch (error) {
    if (placed) replant(header, placed)
    header.drop()
    header.tid = tid // the version to which these places belong
    throw asUnreadable(error, record.oid, shape.type, loading.view.snapshot.generation.path)
  }
  header.at = record.offset
  header.tid = record.tid
  header.generation = generation
}

/** False: `static upgrade` has changed what is stored. */
function decode(header: Header, record: StoredRecord, shape: Shape, loading: Loading): boolean {
  const isEntity = header instanceof EntityHeader
  const upgrades = isEntity && mustUpgrade(header, shape)
  if (isEntity && !upgrades && shape.keys && header.kind.admits(shape)) {
    header.read(record, shape.keys)
    return true
  }
  const { keys, raw } = unpackState(record, shape)
  if (upgrades) {
    upgrade(header, keys, raw, record, shape.version, loading)
  } else {
    header.decode(keys, raw, new Decoder(referencesOf(record, loading), header))
  }
  return !upgrades
}

function mustUpgrade({ kind }: EntityHeader, { version }: Shape): boolean {
  return version < kind.version && kind.upgrade !== undefined
}

function upgrade(
  header: EntityHeader,
  keys: readonly string[],
  raw: readonly unknown[],
  record: StoredRecord,
  from: number,
  loading: Loading,
): void {
  const decoder = new Decoder(
    record.refs.map(oid => loading.resolve(oid)),
    undefined,
  )
  const state: Record<string, unknown> = {}
  keys.forEach((key, i) => {
    put(state, key, decoder.value(raw[i]))
  })
  loading.withoutAccess(() => {
    whileEditing(`static upgrade of ${header.label}`, () => {
      const given: unknown = runStatic('upgrade', header, () => header.kind.upgrade?.(state, from))
      refusePromise(
        given,
        `static upgrade of ${header.label} returned a promise, and loading does not wait: it edits the state before it returns`,
      )
      if (given !== undefined)
        throw new TypeError(
          `static upgrade of ${header.label} returned something, which nobody would take: it edits the state that it is given, and returns nothing`,
        )
      for (const key of keys) if (Object.hasOwn(state, key) && header.kind.members.has(key)) header.hides(key)
      header.decode([], [], decoder)
      header.fillIn(state, 'static upgrade', header.byNumber)
    })
  })
}

/**
 * What a record holds, for looking at, plain and untracked; references are given as what `reference` makes of them. As it would be loaded,
 * but that no code of the class runs: without `static upgrade` nobody knows which fields are missing.
 */
export function peek(
  header: Header,
  record: StoredRecord,
  shape: Shape,
  view: RecordView,
  reference: (oid: Oid) => unknown,
): unknown {
  if (header instanceof MergingHeader) {
    return (header.kind.ghost() as MergingHeader).look(view.take(record), view, reference, MOST_SHOWN)
  }
  const { keys, raw } = unpackState(record, shape)
  const decoder = new Decoder(record.refs.map(reference), undefined)
  const fields = Object.fromEntries(keys.map((key, i) => [key, decoder.value(raw[i])]))
  if (!(header instanceof EntityHeader)) return fields
  const { transient, defaults = {} } = header.kind
  const fillsIn = !mustUpgrade(header, shape) && !isNewer(header.kind, shape)
  for (const key of fillsIn ? Object.keys(defaults) : [])
    if (!Object.hasOwn(fields, key)) define(fields, key, plain(defaults[key]))
  for (const key of transient) Reflect.deleteProperty(fields, key)
  return fields
}
