// Plain data is copied in when it is assigned, so an object that the program keeps is not the stored one. Changing that
// instead is an easy mistake and loses data in silence: a sample is remembered until the commit, which compares and warns.
import { handlerOf, type Header } from './header.js'
import type { Node } from './plain-node.js'

/** Only so many fields of an object are compared. */
const MOST_FIELDS = 32
/** Of the assignments to one field, the first few are in the sample, then every 64th. */
const FIRST = 4
const EVERY = 64

export interface Sample {
  readonly source: object
  /** For which one warning is enough. */
  readonly field: string
  readonly path: () => string
  readonly was: readonly unknown[]
}

/** Assignments by the owner's kind and its field. Initial values of new objects are mostly literals, and must not use up the sample. */
const ofNew = new WeakMap<object, Map<string, number>>()
const ofStored = new WeakMap<object, Map<string, number>>()
const warned = new Set<string>()
const samples = new WeakMap<Header, Sample[]>()
/** How many owners have samples; those that were forgotten before a commit count, too. */
let sampled = 0

const NONE: readonly Sample[] = []

type Counts = Map<string, number>

/** Those asked for last: mostly it is many objects of one kind. */
let last: { readonly kind: object; readonly all: WeakMap<object, Counts>; readonly fields: Counts } | undefined

function fieldsOf(kind: object, all: WeakMap<object, Counts>): Counts {
  if (last?.kind === kind && last.all === all) return last.fields
  let fields = all.get(kind)
  if (!fields) all.set(kind, (fields = new Map<string, number>()))
  last = { kind, all, fields }
  return fields
}

/** Stands for all keys or positions of a collection. */
export const ANY_KEY = '*'

/** `source` was copied into the field of this owner; `path` tells where exactly it stands, if the field does not. */
export function noteSource(owner: Header, key: string, source: object, path?: () => string): void {
  if (!Array.isArray(source) && Object.getPrototypeOf(source) !== Object.prototype) return
  if (handlerOf(source)) return // it is stored itself, elsewhere, and may be changed there
  const fields = fieldsOf(owner.kind, owner.oid === 0 ? ofNew : ofStored)
  const count = fields.get(key) ?? 0
  fields.set(key, count + 1)
  if (count >= FIRST && count % EVERY !== 0) return
  const field = `${owner.name}.${key}`
  if (warned.has(field)) return
  if ((Array.isArray(source) ? source : Object.keys(source)).length > MOST_FIELDS) return
  const sample = { source, field, path: path ?? (() => field), was: contentOf(source) }
  const noted = samples.get(owner)
  if (noted) noted.push(sample)
  else {
    samples.set(owner, [sample])
    sampled++
  }
}

/** The same of what was put into a container; what stands anywhere below one field of the owner is one kind. */
export function noteSourceIn(node: Node, key: string | number, source: object): void {
  let top = node
  while (top.parent) top = top.parent
  const field = typeof top.key === 'string' && !node.owner.keyed ? top.key : ANY_KEY
  noteSource(node.owner, field, source, () => node.path(key))
}

/** What was noted of an owner that has been committed, or whose changes are undone. */
export function takeSamples(owner: Header): readonly Sample[] {
  const noted = sampled === 0 ? undefined : samples.get(owner)
  if (!noted) return NONE
  samples.delete(owner)
  sampled--
  return noted
}

/** To be called when the commit is over: looking at what the program keeps may run code of the program. */
export function compareSources(noted: readonly Sample[]): void {
  for (const { source, field, path, was } of noted) {
    if (warned.has(field) || isAsItWas(source, was)) continue
    warned.add(field)
    process.emitWarning(
      `The plain data assigned to ${path()} was changed after the assignment. A copy was stored, and that did not change: ` +
        'read it back from its owner and change what you get.',
      { type: 'PerdureWarning', code: 'PERDURE_KEPT_SOURCE' },
    )
  }
}

function isAsItWas(source: object, was: readonly unknown[]): boolean {
  try {
    const is = contentOf(source)
    return is.length === was.length && is.every((part, i) => Object.is(part, was[i]))
  } catch {
    return true // a Proxy that does not let anybody look any more
  }
}

/** Keys and values; an element that is an accessor is not asked. */
function contentOf(source: object): unknown[] {
  return Object.keys(source).flatMap(key => [key, Object.getOwnPropertyDescriptor(source, key)?.value as unknown])
}
