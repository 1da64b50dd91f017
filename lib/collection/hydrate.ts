// The forms of a value in a collection: as it is stored, or kept of what the transaction put there, and as it is handed out, a
// container tracked by its owner and a date sealed. Owns nothing.
import { types } from 'node:util'
import { Decoder } from '../object/decoder.js'
import { headerOf } from '../object/header.js'
import { Packed } from '../object/packed.js'
import { attach, isBare, type Container } from '../object/plain-node.js'
import { track, Untracked } from '../object/untracked.js'
import { asUnreadable } from '../object/unreadable.js'
import { isBytes, seal } from '../object/values.js'
import type { TreeHeader } from './tree-header.js'
import type { Leaf } from './tree/leaf.js'

/** A stored value; a container is attached, and nothing holds it yet. */
export function hydrateStored(raw: unknown, { marks }: Leaf, owner: TreeHeader): unknown {
  const decoder = new Decoder(marks, owner)
  const value = decoded(raw, decoder, owner)
  if (types.isDate(value)) return seal(value)
  if (!isBare(value)) return value
  const node = track(value, owner, decoder.metMarks)
  attach(node.object)
  return node.object
}

/** The error for what is of no known form says in which collection it stands. */
export function decoded(raw: unknown, decoder: Decoder, { oid, kind, scope }: TreeHeader): unknown {
  try {
    return decoder.value(raw)
  } catch (error) {
    throw asUnreadable(error, oid, kind.type, scope.view?.snapshot.generation.path)
  }
}

/** A value that the transaction has put there; a container is not attached. */
export function hydrateOwn(value: Untracked | Packed, owner: TreeHeader): object {
  const target = value instanceof Packed ? (value.unpack(owner) as Container | Date | Uint8Array) : value.target
  if (types.isDate(target)) return seal(target)
  if (isBytes(target)) return target
  const hasMarks = value instanceof Untracked && value.hasMarks
  return track(target, owner, hasMarks).object
}

/** Something that somebody may have, and that is no object of its own. */
export function isData(value: unknown): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    headerOf(value) === undefined && // first: of a Proxy, `instanceof` takes longest
    !(value instanceof Untracked || value instanceof Packed)
  )
}
