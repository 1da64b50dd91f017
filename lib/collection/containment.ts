// What plain data of a collection contains, and at which keys it is contained: from a container up to its keys, and from values down
// to what stands in them. Owns nothing: nodes know what holds them, and of typed arrays nothing does.
import { isBare, Node, nodeOf, partsOf } from '../object/plain-node.js'
import { Untracked } from '../object/untracked.js'
import { isBytes } from '../object/values.js'
import type { StoredKey } from './key.js'
import { Shelf } from './shelves.js'

/** Each key at which a container stands, or something that contains it: `top`. */
export function eachKey(node: Node, visit: (key: StoredKey, top: object) => void, way: readonly Node[] = []): void {
  if (way.includes(node)) return // it contains itself, until a commit refuses that
  for (const above of node.alsoAbove ? [node.above, ...node.alsoAbove] : [node.above]) {
    if (above instanceof Node) eachKey(above, visit, [...way, node])
    else if (above) visit((above instanceof Shelf ? node.key : above.key) as StoredKey, node.object)
  }
}

/** Each container, in or below these values, that stands in several places. */
export function eachShared(values: readonly unknown[], visit: (node: Node) => void): void {
  const met = new Set<Node>()
  const look = (value: unknown): void => {
    const node = nodeOf(value)
    if (!node || met.has(node)) return
    met.add(node)
    if (node.slots > 1) visit(node)
    for (const part of partsOf(node)) look(part)
  }
  for (const value of values) look(value)
}

/** The typed arrays in plain data, be it tracked or not. */
export function* bytesIn(value: unknown, met = new Set<object>()): Generator<object, undefined> {
  if (isBytes(value)) yield value
  const target =
    value instanceof Untracked ? value.target : (nodeOf(value)?.target ?? (isBare(value) ? value : undefined))
  if (!target || met.has(target)) return
  met.add(target)
  for (const part of Object.values(target)) yield* bytesIn(part, met)
}
