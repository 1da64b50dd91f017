// One record is written anew whenever anything in it changes: plain data that grows without end makes every commit slow.
// Says so once for each object, and what to use instead.
import type { Header } from './header.js'
import { isBare, nodeOf } from './plain-node.js'

/** Bytes of a state. */
const LARGE = 64 * 1024

const warned = new WeakSet<Header>()

/** The object's state has just been written, and takes so many bytes. */
export function warnIfLarge(header: Header, bytes: number): void {
  if (bytes <= LARGE || warned.has(header)) return
  const largest = largestContainer(header)
  if (!largest) return
  warned.add(header)
  const size = `${Math.round(bytes / 1024)} KiB, which are written anew whenever anything in it changes.`
  const path = `${header.name}.${largest.name}`
  process.emitWarning(
    header.keyed
      ? `A value of ${header.name} ${header.oid} takes ${size} It is ${path}: use a class that extends Persistent for it, with collections for what is large in it.`
      : `${header.name} ${header.oid} takes ${size} Most of it is the plain ${largest.what} ${path}: use ${largest.instead}.`,
    { type: 'PerdureWarning', code: 'PERDURE_LARGE_RECORD' },
  )
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
