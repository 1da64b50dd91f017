// How objects print: their fields, with references as [Account 12]. Looking begins no transaction, loads nothing into the
// identity map, and is no access.
import { inspect, types } from 'node:util'
import { ClosedError } from '../error.js'
import type { Oid } from '../store/types.js'
import { handlerOf, Header, unresolvedOid } from './header.js'
import { Packed } from './packed.js'
import { define, isBare, nodeOf } from './plain-node.js'
import { Untracked } from './untracked.js'

interface Options {
  readonly depth?: number | null
  readonly stylize?: (text: string, style: string) => string
}

/** Prints as its text, without quotes. */
class Mark {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
  [inspect.custom](_depth: number, options: Options): string {
    return options.stylize?.(this.text, 'special') ?? this.text
  }
}

/** What inspection asks of the connection, which must not change by it. */
export interface Looking {
  /** Fields of the record that the snapshot shows; undefined: there is none, or the connection is closed. */
  look(header: Header, reference: (oid: Oid) => unknown): unknown
  /** Stored name of the object's class; undefined: not known. */
  nameOf(oid: Oid): string | undefined
}

let looking: ((header: Header) => Looking | undefined) | undefined

/** Connections tell how to look at what is not loaded. */
export function setLooking(find: (header: Header) => Looking | undefined): void {
  looking = find
}

export function inspectObject(header: Header, depth: number | null, options: object): string {
  const given = options as Options
  const name = header.label
  const mark = (value: unknown): unknown => markReferences(value, header)
  const unseen = (): string => new Mark(`[${name}]`)[inspect.custom](0, given)
  if (depth !== null && depth < 0) return unseen()
  let content: unknown
  if (hasLookNow(header) && header.loaded && isCurrent(header)) {
    const looked = unlessClosed(() => header.lookNow(mark, MOST_SHOWN))
    return looked ? inspectMany(name, looked, { ...given, depth }) : unseen()
  }
  if (header.loaded && !hasLookNow(header)) content = contentOf(header, mark)
  else
    content = looking?.(header)?.look(header, oid => new Mark(`[${looking?.(header)?.nameOf(oid) ?? 'object'} ${oid}]`))
  if (content === undefined) return unseen()
  if (isLooked(content)) return inspectMany(name, content, { ...given, depth })
  return `${name} ${inspect(content, { ...given, depth })}`
}

/** Of what asks an object how to print and is another one: a proxy around it, or something derived from it. */
export function inspectOther(other: object, options: object): string {
  return inspect(other, types.isProxy(other) ? { ...options, showProxy: true } : { ...options, customInspect: false })
}

/** Once the store is closed, nobody will see anything later. */
function isCurrent(header: { readonly isCurrent: boolean }): boolean {
  return unlessClosed(() => header.isCurrent) ?? true
}

/** undefined: it would have to be read, and the store is closed. */
function unlessClosed<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    if (error instanceof ClosedError) return undefined
    throw error
  }
}

/** Method of containers with references that were not followed. */
export function inspectContainer(this: unknown, depth: number | null, options: object): string {
  const node = nodeOf(this)
  if (node && !Object.values(node.target).some(isSymbol)) {
    node.resolve() // all have been followed, one by one
    return inspect(node.target, { ...options, depth })
  }
  return inspect(markReferences(this, node?.owner), { ...options, depth })
}

function isSymbol(part: unknown): boolean {
  return typeof part === 'symbol'
}

function contentOf(header: Header, mark: (value: unknown) => unknown): unknown {
  if (hasToPlain(header)) return header.toPlain(mark)
  return Object.fromEntries(header.keys().map(key => [key, mark(header.slot(key))]))
}

/** As many as Node shows of a native Map. */
export const MOST_SHOWN = 100

/** What is shown of a collection: some of its entries. */
export interface Looked {
  readonly content: Map<unknown, unknown> | Set<unknown> | unknown[]
  /** Of all of it. */
  readonly size: number
}

function inspectMany(name: string, { content, size }: Looked, options: object): string {
  const left = size - (Array.isArray(content) ? content.length : content.size)
  const rest = left > 0 ? ` and ${left} more` : ''
  return `${name} ${inspect(content, options)}${rest}`
}

function isLooked(content: unknown): content is Looked {
  const { content: inner } = content as Partial<Looked>
  return inner instanceof Map || inner instanceof Set || (Array.isArray(inner) && 'size' in (content as Looked))
}

function hasLookNow(header: Header): header is Header & {
  readonly isCurrent: boolean
  lookNow(mark: (value: unknown) => unknown, most: number): Looked
} {
  return 'lookNow' in header
}

function hasToPlain(header: Header): header is Header & { toPlain(convert: (value: unknown) => unknown): unknown } {
  return typeof (header as { toPlain?: unknown }).toPlain === 'function'
}

/** `way`: the containers around it; until a commit refuses it, one can stand in itself. */
function markReferences(value: unknown, from: Header | undefined, way: readonly object[] = []): unknown {
  if (typeof value === 'symbol') {
    const oid = unresolvedOid(value)
    return new Mark(`[${(from && looking?.(from)?.nameOf(oid)) ?? 'object'} ${oid}]`)
  }
  const handler = handlerOf(value)
  if (handler instanceof Header) return new Mark(`[${handler.label}]`)
  if (value instanceof Packed) return value.unpack()
  const target = value instanceof Untracked ? value.target : isBare(value) ? value : nodeOf(value)?.target
  if (!target || types.isDate(target)) return target ?? value
  if (way.includes(target)) return new Mark('[Circular]')
  const inside = [...way, target]
  if (Array.isArray(target)) return target.map(part => markReferences(part, from, inside))
  const copy = Object.create(Object.getPrototypeOf(target) as object | null) as Record<string, unknown>
  for (const [key, part] of Object.entries(target)) define(copy, key, markReferences(part, from, inside))
  return copy
}
