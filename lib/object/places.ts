// How plain data follows its owner. Each container remembers its place in the owner's last stored state: stamped when
// that state was loaded or committed, never by what a transaction did since. After a new load it is found again by it.
import type { Header } from './header.js'
import { keepAboveAll } from './owned-bytes.js'
import { open, part } from './parts.js'
import { define, nodeOf, partsOf, setShown, type Node } from './plain-node.js'

export const NONE: Node[] = []

/** The same for one container, decoded when it was asked for. */
export function stampLater(owner: Header, value: unknown, key: string): void {
  const node = nodeOf(value)
  if (node) placeIn(owner, node, null, key)
}

/** The same for a container that stands below `parent`, at a name of it, and got its handlers later. */
export function placePart(node: Node, parent: Node, name: string): void {
  const { owner } = node
  if (!parent.attached) (owner.removed ??= []).push(node)
  if (!owner.keyed) return placeIn(owner, node, parent, name)
  let top = parent
  while (top.parent) top = top.parent
  top.placed = place(node, parent, name, top.placed)
}

function placeIn(owner: Header, node: Node, parent: Node | null, key: string): void {
  owner.placed = place(node, parent, key, owner.placed === NONE ? undefined : owner.placed)
}

/** The owner's state is the stored one: notes every container's place in it. */
export function stamp(owner: Header): void {
  forgetRemoved(owner)
  let placed: Node[] | undefined
  owner.eachSlot((value, key) => {
    const node = nodeOf(value)
    if (node) placed = place(node, null, key, placed)
  })
  owner.placed = placed ?? NONE
}

/**
 * The owner's state was stored as something else, which is yet to be loaded. What was moved is at its place only where `stands`, for that
 * key of the owner, says that its data is: otherwise it has none any more. What was not moved has the place that it had.
 */
export function stampMerged(owner: Header, stands: (key: unknown) => boolean): void {
  forgetRemoved(owner)
  let placed: Node[] | undefined
  owner.eachSlot((value, key) => {
    const node = nodeOf(value)
    if (node) placed = stands(key) ? place(node, null, key, placed) : placeUnmoved(node, null, key, placed)
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
  setPlace(node, null, key)
  node.placed = placeParts(node, undefined)
}

/**
 * `top` stands at a key whose content has been read anew, as `fresh`: the containers of its stored place take that over. `same`: it is
 * what it was when they got their places.
 */
export function rebindAt(top: Node, fresh: Node, same: boolean): void {
  if (kindOf(fresh) !== kindOf(top)) return
  const before = top.placed ?? NONE
  top.placed = undefined
  if (top.stored && top.parent === null) takeOver(top, fresh)
  for (const old of before) {
    const { parent, key } = old
    if (parent === null || !leadsOn(parent, fresh.load, same)) continue
    const inner = partAt(parent, key as string)
    if (!inner || inner === old || kindOf(inner) !== kindOf(old)) continue
    takeOver(old, inner)
    define(parent.target, key as string, old.object)
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

/** Places a container and all below it; gives `placed` with these. */
function place(node: Node, parent: Node | null, key: unknown, placed: Node[] | undefined): Node[] {
  setPlace(node, parent, key)
  const all = placed ?? []
  all.push(node)
  placeParts(node, all)
  return all
}

function placeParts(node: Node, placed: Node[] | undefined): Node[] | undefined {
  if (node.bare < 0) return placed
  const { target } = node
  let all = placed
  if (Array.isArray(target)) {
    for (let i = 0; i < target.length; i++) {
      const inner = nodeOf(target[i])
      if (inner) all = place(inner, node, String(i), all)
    }
    return all
  }
  for (const name of Object.keys(target)) {
    const inner = nodeOf(target[name])
    if (inner) all = place(inner, node, name, all)
  }
  return all
}

/** Only what stands where it stood, all the way. */
function placeUnmoved(node: Node, parent: Node | null, key: unknown, placed: Node[] | undefined): Node[] | undefined {
  if (!node.stored || node.parent !== parent || node.key !== key) return placed
  const all = placed ?? []
  all.push(node)
  if (node.bare < 0 || Array.isArray(node.target)) return all
  for (const [name, value] of Object.entries(node.target)) {
    const inner = nodeOf(value)
    if (inner) placeUnmoved(inner, node, name, all)
  }
  return all
}

/** Whether what stands at a place below `parent` is what stood there: names say so, positions in an array only in the `same` content. */
function leadsOn(parent: Node, load: number, same: boolean): boolean {
  return parent.load === load && (same || !Array.isArray(parent.target))
}

/**
 * The owner has been loaded anew: containers that were handed out take over what stands at their places now. `same`: it is the version
 * in which they got them.
 */
export function rebind(owner: Header, same: boolean): void {
  const before = owner.placed
  owner.placed = NONE
  for (const old of before) {
    const { parent, key } = old
    if (parent !== null && !leadsOn(parent, owner.load, same)) continue
    const fresh = parent === null ? nodeOf(owner.slot(key)) : partAt(parent, key as string)
    if (!fresh || fresh === old || kindOf(fresh) !== kindOf(old)) continue
    takeOver(old, fresh)
    if (parent === null) owner.putBack(key, old.object)
    else define(parent.target, key as string, old.object)
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
  old.bare = fresh.bare
  if (old.bare === 0) keepAboveAll(old)
  old.load = fresh.load
  old.ready = fresh.ready
  setShown(old.target, old.ready === old.load)
  if (!old.walked) return
  if (old.ready !== old.load) old.resolve()
  open(old)
}
