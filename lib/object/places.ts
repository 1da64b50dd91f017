// How plain data follows its owner. Each container remembers its place in the owner's last stored state: stamped when
// that state was loaded or committed, never by what a transaction did since. After a new load it is found again by it.
import type { Header } from './header.js'
import { keepAboveAll } from './owned-bytes.js'
import { open, part } from './parts.js'
import { NO_NODES, nodeOf, partsOf, put, setShown, type Node } from './plain-node.js'

/** The same for one container, decoded when it was asked for. */
export function stampLater(owner: Header, value: unknown, key: string): void {
  const node = nodeOf(value)
  if (node) owner.placed = place(node, null, key, owner.placed)
}

/** The same for a container that stands below `parent`, at a name of it, and got its handlers later. */
export function placePart(node: Node, parent: Node, name: string): void {
  if (!parent.attached) (node.owner.removed ??= []).push(node)
  parent.placed = place(node, parent, name, parent.placed)
}

/** The owner's state is the stored one: notes every container's place in it. */
export function stamp(owner: Header): void {
  forgetRemoved(owner)
  let placed = NO_NODES
  owner.eachSlot((value, key) => {
    const node = nodeOf(value)
    if (node) placed = place(node, null, key, placed)
  })
  owner.placed = placed
}

/**
 * The owner's state was stored as something else, which is yet to be loaded. What was moved is at its place only where `stands`, for that
 * key of the owner, says that its data is: otherwise it has none any more. What was not moved has the place that it had.
 */
export function stampMerged(owner: Header, stands: (key: unknown) => boolean): void {
  forgetRemoved(owner)
  let placed = NO_NODES
  owner.eachSlot((value, key) => {
    const node = nodeOf(value)
    if (node) placed = stands(key) ? place(node, null, key, placed) : placeUnmoved(node, null, key, placed)
  })
  owner.placed = placed
}

/** The same where there is no container. */
export function stampNone(owner: Header): void {
  if (owner.removed) forgetRemoved(owner)
  owner.placed = NO_NODES
}

/** What was taken out has no stored place any more. */
export function forgetRemoved(owner: Header): void {
  if (!owner.removed) return
  for (const node of owner.removed) {
    if (node.attached) continue
    node.stored = false
    node.asStored = -1
  }
  owner.removed = undefined
}

/** The same for what stands at one key of a keyed owner. */
export function stampAt(node: Node, key: unknown): void {
  setPlace(node, null, key)
  placeParts(node)
}

/**
 * `top` stands at a key whose content has been read anew, as `fresh`: the containers of its stored place take that over. `same`: it is
 * what it was when they got their places.
 */
export function rebindAt(top: Node, fresh: Node, same: boolean): void {
  if (kindOf(fresh) !== kindOf(top)) return
  const before = uproot(top)
  if (top.stored && top.parent === null) takeOver(top, fresh)
  for (const old of before) {
    const { parent, key } = old
    if (parent === null || !leadsOn(parent, fresh.load, same)) continue
    const inner = partAt(parent, key as string)
    if (!inner || inner === old || kindOf(inner) !== kindOf(old)) continue
    takeOver(old, inner)
    put(parent.target, key as string, old.object)
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

/** Notes what holds each container below `node`: nothing else does. */
export function holdParts(node: Node): void {
  for (const part of partsOf(node)) {
    const inner = nodeOf(part)
    if (!inner) continue
    inner.slots = 1
    inner.above = node
    inner.alsoAbove = undefined
    holdParts(inner)
  }
}

function setPlace(node: Node, parent: Node | null, key: unknown): void {
  node.stored = true
  node.parent = parent
  node.key = key
}

/** Places a container and all below it, and adds it to `placed`, or to a list of its own where that is NO_NODES. */
function place(node: Node, parent: Node | null, key: unknown, placed: Node[]): Node[] {
  setPlace(node, parent, key)
  placeParts(node)
  return add(node, placed)
}

function add(node: Node, placed: Node[]): Node[] {
  if (placed === NO_NODES) return [node]
  placed.push(node)
  return placed
}

function placeParts(node: Node): void {
  const { owner } = node
  if (node.asStored === owner.load) return
  node.placed = NO_NODES
  if (node.bare >= 0) placeEach(node)
  if (!owner.keyed) node.asStored = owner.load
}

function placeEach(node: Node): void {
  const { target } = node
  if (Array.isArray(target)) {
    for (let i = 0; i < target.length; i++) {
      const inner = nodeOf(target[i])
      if (inner) node.placed = place(inner, node, String(i), node.placed)
    }
    return
  }
  for (const name of Object.keys(target)) {
    const inner = nodeOf(target[name])
    if (inner) node.placed = place(inner, node, name, node.placed)
  }
}

/** Only what stands where it stood, all the way. */
function placeUnmoved(node: Node, parent: Node | null, key: unknown, placed: Node[]): Node[] {
  if (!node.stored || node.parent !== parent || node.key !== key) return placed
  node.placed = NO_NODES
  if (node.bare >= 0 && !Array.isArray(node.target)) {
    for (const [name, value] of Object.entries(node.target)) {
      const inner = nodeOf(value)
      if (inner) node.placed = placeUnmoved(inner, node, name, node.placed)
    }
  }
  return add(node, placed)
}

/** All that can be found again in it, what is around something before that; from now on nothing can. */
export function uproot(from: Header | Node): Node[] {
  if (from.placed === NO_NODES) return NO_NODES
  const all = from.placed
  from.placed = NO_NODES
  for (let i = 0; i < all.length; i++) {
    const node = all[i] as Node
    for (const inner of node.placed) all.push(inner)
    node.placed = NO_NODES
  }
  return all
}

/** Undoes `uproot`. */
export function replant(owner: Header, uprooted: readonly Node[]): void {
  owner.placed = NO_NODES
  for (const node of uprooted) node.placed = NO_NODES
  for (const node of uprooted) {
    const around = node.parent ?? owner
    around.placed = add(node, around.placed)
  }
}

/** Whether what stands at a place below `parent` is what stood there: names say so, positions in an array only in the `same` content. */
function leadsOn(parent: Node, load: number, same: boolean): boolean {
  return parent.load === load && (same || !Array.isArray(parent.target))
}

/**
 * The owner has been loaded anew: containers that were handed out, and have been uprooted before, take over what stands at their places
 * now. `same`: it is the version in which they got them.
 */
export function rebind(owner: Header, before: readonly Node[], same: boolean): void {
  for (const old of before) {
    const { parent, key } = old
    if (parent !== null && !leadsOn(parent, owner.load, same)) continue
    const fresh = parent === null ? nodeOf(owner.slot(key)) : partAt(parent, key as string)
    if (!fresh || fresh === old || kindOf(fresh) !== kindOf(old)) continue
    takeOver(old, fresh)
    if (parent === null) owner.putBack(key, old.object)
    else put(parent.target, key as string, old.object)
  }
}

function partAt(parent: Node, key: string): Node | undefined {
  const { target } = parent
  return Object.hasOwn(target, key) ? nodeOf(part(parent, key, (target as Record<string, unknown>)[key])) : undefined
}

/** Array, object, or object without prototype: one never turns into another. */
function kindOf({ target }: Node): unknown {
  return Array.isArray(target) ? 'array' : Object.getPrototypeOf(target) === null ? 'bare' : 'object'
}

/** Fields that stay are not deleted, which would make a slow object of it. */
function replaceFields(target: Record<string, unknown>, fields: Record<string, unknown>): void {
  const before = Object.keys(target)
  const names = Object.keys(fields)
  if (before.length !== names.length || before.some((name, n) => name !== names[n])) {
    for (const name of before) delete target[name]
  }
  for (const name of names) put(target, name, fields[name])
}

/** `fresh` was never handed out: its content moves, and it is forgotten. */
function takeOver(old: Node, fresh: Node): void {
  if (Array.isArray(old.target)) {
    old.target.length = 0
    for (const part of fresh.target as unknown[]) old.target.push(part)
  } else {
    replaceFields(old.target, fresh.target as Record<string, unknown>)
  }
  old.slots = 1
  old.bare = fresh.bare
  if (old.bare === 0) keepAboveAll(old)
  old.load = fresh.load
  old.layout = undefined
  old.ready = fresh.ready
  setShown(old.target, old.ready === old.load)
  if (!old.walked) return
  if (old.ready !== old.load) old.resolve()
  open(old)
}
