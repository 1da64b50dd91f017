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
  readonly where: Header | Node
  readonly key: unknown
  readonly was: readonly unknown[]
}

/** Assignments to one field. */
class Count {
  made = 0
}
type Counts = Map<string, Count>

/** By the owner's kind and its field. Initial values of new objects are mostly literals, and must not use up the sample ... */
const ofNew = new WeakMap<object, Counts>()
const ofStored = new WeakMap<object, Counts>()
/** ... nor must assignments to a field use up that of what is put into the containers below it. */
const belowNew = new WeakMap<object, Counts>()
const belowStored = new WeakMap<object, Counts>()
const warned = new Set<string>()
const samples = new WeakMap<Header, Sample[]>()
/** What was noted of a source last: it may go on to something else, and be put there as it is then. */
const latest = new WeakMap<object, Sample>()
/** How many owners have samples; those that were forgotten before a commit count, too. */
let sampled = 0

const NONE: readonly Sample[] = []

/** Those asked for last: mostly it is many objects of one kind. */
let last: { readonly kind: object; readonly all: WeakMap<object, Counts>; readonly fields: Counts } | undefined

function countOf(kind: object, all: WeakMap<object, Counts>, field: string): Count {
  if (last?.kind !== kind || last.all !== all) {
    let fields = all.get(kind)
    if (!fields) all.set(kind, (fields = new Map<string, Count>()))
    last = { kind, all, fields }
  }
  let count = last.fields.get(field)
  if (!count) last.fields.set(field, (count = new Count()))
  return count
}

/** Stands for all keys or positions of a collection. */
const ANY_KEY = '*'

/** `source` was copied into the field of this owner. */
export function noteSource(owner: Header, field: string, source: object): void {
  note(owner, field, source, owner, field, owner.oid === 0 ? ofNew : ofStored)
}

/** `source` was copied into this collection, where `key` leads to it. */
export function noteSourceAt(owner: Header, key: unknown, source: object): void {
  note(owner, ANY_KEY, source, owner, key, owner.oid === 0 ? ofNew : ofStored)
}

/** `source` was copied into a container; what stands anywhere below one field of the owner counts as one. */
export function noteSourceIn(node: Node, key: string | number, source: object): void {
  let top = node
  while (top.parent) top = top.parent
  const { owner } = node
  const field = typeof top.key === 'string' && !owner.keyed ? top.key : ANY_KEY
  note(owner, field, source, node, key, owner.oid === 0 ? belowNew : belowStored)
}

function note(
  owner: Header,
  name: string,
  source: object,
  where: Header | Node,
  key: unknown,
  all: WeakMap<object, Counts>,
): void {
  if (!Array.isArray(source) && Object.getPrototypeOf(source) !== Object.prototype) return
  if (sampled > 0) latest.delete(source)
  const count = countOf(owner.kind, all, name)
  if (count.made++ >= FIRST && count.made % EVERY !== 1) return
  const field = `${owner.name}.${name}`
  if (warned.has(field)) return
  if ((Array.isArray(source) ? source : Object.keys(source)).length > MOST_FIELDS) return
  const sample = { source, field, where, key, was: contentOf(source) }
  latest.set(source, sample)
  const noted = samples.get(owner)
  if (noted) noted.push(sample)
  else {
    samples.set(owner, [sample])
    sampled++
  }
}

/**
 * What was noted of an owner that is being committed, or whose changes are undone; without what stands there no more, and without
 * sources that are stored themselves, elsewhere, and may be changed there. One that was taken out of its owner is not.
 */
export function takeSamples(owner: Header): readonly Sample[] {
  const noted = sampled === 0 ? undefined : samples.get(owner)
  if (!noted) return NONE
  samples.delete(owner)
  sampled--
  return noted.filter(({ source, where, key }) => where.holds(key) && !isStored(source))
}

/** To be called when the commit is over: looking at what the program keeps may run code of the program. */
export function compareSources(noted: readonly Sample[]): void {
  for (const sample of noted) {
    const { source, field, where, key, was } = sample
    if (warned.has(field) || latest.get(source) !== sample || isAsItWas(source, was)) continue
    warned.add(field)
    process.emitWarning(
      `The plain data assigned to ${where.path(key)} was changed after the assignment. A copy was stored, and that did not change: ` +
        'read it back from its owner and change what you get.',
      { type: 'PerdureWarning', code: 'PERDURE_KEPT_SOURCE' },
    )
  }
}

function isStored(source: object): boolean {
  const handler = handlerOf(source)
  return handler !== undefined && 'attached' in handler && handler.attached
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
