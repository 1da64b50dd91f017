// What a plain container hands out: containers in it get their handlers, and dates are sealed, when they are asked for, as most
// never are. Until then nobody can have changed or moved them, so that they stand where they stood when the container around them got its place.
import { types } from 'node:util'
import { keepAbove } from './owned-bytes.js'
import { placePart } from './places.js'
import { isUnasked, Node, put, type Container } from './plain-node.js'
import { seal } from './values.js'

/** The value that stands at a key of a container, as it may be handed out. */
export function part(node: Node, key: string | symbol, value: unknown): unknown {
  if (node.bare === 0 || typeof value !== 'object' || value === null || typeof key === 'symbol') return value
  count(node)
  // Otherwise it is inherited.
  if (node.bare === 0 || !isUnasked(value) || !Object.hasOwn(node.target, key)) return value
  if (types.isDate(value)) {
    seal(value)
    node.bare--
    return value
  }
  const inner = new Node(value as Container, node.owner)
  inner.bare = -1
  inner.load = node.load
  inner.ready = node.load
  if (node.attached) {
    inner.slots = 1
    inner.above = node
  }
  if (node.stored) placePart(inner, node, key)
  put(node.target, key, inner.object)
  node.bare-- // at last: what fails half-way has handed out nothing
  return inner.object
}

/** To be called before a part is put in, or handed out. */
export function count(node: Node): void {
  if (node.bare >= 0) return
  let bare = 0
  for (const part of Object.values(node.target)) {
    if (typeof part !== 'object' || part === null) continue
    if (isUnasked(part)) bare++
    else keepAbove(part, node)
  }
  node.bare = bare
}

/** All parts may be handed out from now on. */
export function open(node: Node): void {
  count(node)
  if (node.bare === 0) return
  const target = node.target as Record<string, unknown>
  for (const key of Object.keys(target)) part(node, key, target[key])
  node.bare = 0
}
