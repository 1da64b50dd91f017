// How plain data follows its owner. Each container remembers its place in the owner's last stored state: stamped when
// that state was loaded or committed, never by what a transaction did since. After a new load it is found again by it.
import { define, nodeOf, partsOf, setShown, type Node } from './plain-node.js'
import type { Header } from './header.js'

export const NONE: Node[] = []

/** The same for one container, decoded when it was asked for. */
export function stampLater(owner: Header, value: unknown, key: string): void {
  const node = nodeOf(value)
  if (!node) return
  if (owner.placed === NONE) owner.placed = []
  place(node, null, key, owner.placed)
}

/** The owner's state is the stored one: notes every container's place in it. */
export function stamp(owner: Header): void {
  forgetRemoved(owner)
  let placed: Node[] | undefined
  owner.eachSlot((value, key) => {
    const node = nodeOf(value)
    if (node) place(node, null, key, (placed ??= []))
  })
  owner.placed = placed ?? NONE
}

/** The same where there is no container. */
export function stampNone(owner: Header): void {
  if (owner.removed) forgetRemoved(owner)
  owner.placed = NONE
}

/** What was taken out has no stored place any more. */
export function forgetRemoved(owner: Header): void {
  if (!owner.removed) return
  for (const node of owner.removed) if (!node.attached) node.stored = false
  owner.removed = undefined
}

/** The same for what stands at one key of a keyed owner. */
export function stampAt(node: Node, key: unknown): void {
  const placed: Node[] = []
  place(node, null, key, placed)
  node.placed = placed.slice() // takes no more room than it needs
}

/** `top` stands at a key whose content has been read anew, as `fresh`: the containers of its stored place take that over. */
export function rebindAt(top: Node, fresh: Node): void {
  if (kindOf(fresh) !== kindOf(top)) return
  for (const old of top.placed ?? []) {
    const { parent, key } = old
    if (parent === null) {
      if (old === top) takeOver(top, fresh)
    } else if (parent.load === fresh.load) {
      const part = nodeOf(partAt(parent, key as string))
      if (!part || part === old || kindOf(part) !== kindOf(old)) continue
      takeOver(old, part)
      define(parent.target, key as string, old.object)
    }
  }
  holdParts(top)
}

/** The content below `top` is what it was at its last load. */
export function stillCurrent(top: Node): void {
  const { load } = top.owner
  if (top.load === load) return
  top.ready = top.ready === top.load ? load : -1
  top.load = load
  for (const part of partsOf(top)) {
    const inner = nodeOf(part)
    if (inner) stillCurrent(inner)
  }
}

/** Notes what holds each container below `node`. */
export function holdParts(node: Node): void {
  for (const part of partsOf(node)) {
    const inner = nodeOf(part)
    if (!inner) continue
    inner.above = node
    inner.alsoAbove = undefined
    holdParts(inner)
  }
}

function place(node: Node, parent: Node | null, key: unknown, placed: Node[]): void {
  const certain = key !== undefined
  node.stored = true
  node.parent = parent
  node.key = key
  if (certain) placed.push(node)
  if (!certain || Array.isArray(node.target)) {
    for (const part of partsOf(node)) {
      const inner = nodeOf(part)
      if (inner) place(inner, node, undefined, placed)
    }
    return
  }
  const { target } = node
  for (const name of Object.keys(target)) {
    const inner = nodeOf(target[name])
    if (inner) place(inner, node, name, placed)
  }
}

/** The owner has been loaded anew: containers that were handed out take over what stands at their places now. */
export function rebind(owner: Header): void {
  const before = owner.placed
  owner.placed = NONE
  for (const old of before) {
    const { parent, key } = old
    if (parent !== null && parent.load !== owner.load) continue
    const fresh = nodeOf(parent === null ? owner.slot(key) : partAt(parent, key as string))
    if (!fresh || fresh === old || kindOf(fresh) !== kindOf(old)) continue
    takeOver(old, fresh)
    if (parent === null) owner.putBack(key, old.object)
    else define(parent.target, key as string, old.object)
  }
}

function partAt(parent: Node, key: string): unknown {
  return Object.hasOwn(parent.target, key) ? (parent.target as Record<string, unknown>)[key] : undefined
}

/** Array, object, or object without prototype: one never turns into another. */
function kindOf({ target }: Node): unknown {
  return Array.isArray(target) ? 'array' : Object.getPrototypeOf(target) === null ? 'bare' : 'object'
}

/** `fresh` was never handed out: its content moves, and it is forgotten. */
function takeOver(old: Node, fresh: Node): void {
  if (Array.isArray(old.target)) {
    old.target.length = 0
    for (const part of fresh.target as unknown[]) old.target.push(part)
  } else {
    const target = old.target
    for (const key of Object.keys(target)) delete target[key]
    for (const [key, part] of Object.entries(fresh.target)) define(target, key, part)
  }
  old.slots = 1
  old.load = fresh.load
  old.ready = fresh.ready
  setShown(old.target, old.ready === old.load)
}
