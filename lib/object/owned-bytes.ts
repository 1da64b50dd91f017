// Typed arrays that stand in a state: nobody sees them change, and they know nothing of it, so here is whose they are. A collection
// holds what it has handed out weakly. So there, they keep what they stand in: who has the bytes has what is written once they are
// touched, and gets the same ones again.
import type { Header } from './header.js'
import type { Node } from './plain-node.js'
import { isBytes } from './values.js'

/** The owner; in a collection, the container in which they stand, once that was handed out. */
const holders = new WeakMap<object, Header | Node>()

/** A typed array that stands in the state of an owner. */
export function own(bytes: object, owner: Header): void {
  holders.set(bytes, owner)
}

/** In whose state it stands; undefined: in none. */
export function ownerOf(bytes: object): Header | undefined {
  return holders.get(bytes)?.owner
}

/** A value stands directly in a container now. */
export function keepAbove(value: unknown, node: Node): void {
  if (node.owner.keyed && isBytes(value)) holders.set(value, node)
}

/** The same for all that stands in it. */
export function keepAboveAll(node: Node): void {
  if (!node.owner.keyed) return
  for (const part of Object.values(node.target)) if (isBytes(part)) holders.set(part, node)
}
