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
  const message = owner === header ? ofObject(owner, size) : ofPart(header, size)
  if (message === undefined) return
  warned.add(owner)
  process.emitWarning(message, { type: 'PerdureWarning', code: 'PERDURE_LARGE_RECORD' })
}

function ofObject(header: Header, size: string): string | undefined {
  const largest = largestContainer(header)
  if (!largest) return undefined
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

function largestContainer(header: Header): { what: string; name: string; instead: string } | undefined {
  let most = 0
  let largest: { what: string; name: string; instead: string } | undefined
  header.trackAll()
  header.eachSlot((value, key) => {
    const node = nodeOf(value)
    const size = node ? sizeOf(value) : 0
    if (!node || size <= most) return
    most = size
    const name = header.keyName(key)
    largest = Array.isArray(node.target)
      ? { what: 'array', name, instead: 'a PersistentList' }
      : { what: 'object', name, instead: 'a PersistentMap' }
  })
  return largest
}

/** Roughly, in bytes. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length
  if (ArrayBuffer.isView(value)) return value.byteLength
  const target = isBare(value) ? value : nodeOf(value)?.target
  return target ? Object.values(target).reduce<number>((sum, part) => sum + 1 + sizeOf(part), 0) : 8
}
