// One record is written anew whenever anything in it changes: plain data that grows without end makes every commit slow.
// Says so once for each object, and what to use instead.
import type { Header } from './header.js'
import { isBare, nodeOf } from './plain-node.js'
import type { Recordable } from './recordable.js'

/** Bytes of a state. */
const LARGE = 64 * 1024

const warned = new WeakSet<Header>()

/** The state has just been written, and takes so many bytes. */
export function warnIfLarge(header: Recordable, bytes: number): void {
  const { owner } = header
  if (bytes <= LARGE || warned.has(owner)) return
  const size = `${Math.round(bytes / 1024)} KiB, which are written anew whenever anything in it changes.`
  const message = owner === header ? ofObject(owner, bytes, size) : ofPart(header, size)
  if (message === undefined) return
  warned.add(owner)
  process.emitWarning(message, { type: 'PerdureWarning', code: 'PERDURE_LARGE_RECORD' })
}

function ofObject(header: Header, bytes: number, size: string): string | undefined {
  const largest = largestContainer(header)
  // Bytes and strings cannot be kept in another way.
  if (!largest || largest.size < bytes / 2) return undefined
  const { what, name, instead } = largest
  return `${header.name} ${header.oid} takes ${size} Most of it is the plain ${what} ${header.name}.${name}: use ${instead}.`
}

/** Of a part of a collection, which is one value, or nodes of its tree. */
function ofPart(part: Recordable, size: string): string | undefined {
  const container = part.onlyContainer
  if (container === undefined) return undefined
  const { name, oid } = part.owner
  return `A value of ${name} ${oid} takes ${size} It is ${name}.${container}: use a class that extends Persistent for it, with collections for what is large in it.`
}

interface Large {
  readonly size: number
  readonly what: string
  readonly name: string
  readonly instead: string
}

function largestContainer(header: Header): Large | undefined {
  let largest: Large | undefined
  header.trackAll()
  header.eachSlot((value, key) => {
    const node = nodeOf(value)
    const size = node ? sizeOf(value) : 0
    if (!node || size <= (largest?.size ?? 0)) return
    const name = header.keyName(key)
    largest = Array.isArray(node.target)
      ? { size, what: 'array', name, instead: 'a PersistentList' }
      : { size, what: 'object', name, instead: 'a PersistentMap' }
  })
  return largest
}

/** Roughly, in bytes of a record. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value) + 2
  if (typeof value === 'number') return Number.isInteger(value) ? 1 + Math.ceil(Math.log2(Math.abs(value) + 1) / 8) : 9
  if (typeof value !== 'object' || value === null) return 1
  if (ArrayBuffer.isView(value)) return value.byteLength + 4
  const target = isBare(value) ? value : nodeOf(value)?.target
  if (!target) return 8
  if (Array.isArray(target)) return target.reduce<number>((sum, part) => sum + sizeOf(part), 3)
  return Object.entries(target).reduce<number>((sum, [key, part]) => sum + sizeOf(key) + sizeOf(part), 3)
}
