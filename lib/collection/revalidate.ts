// Whether what a collection has handed out is what stands at its key by now: after the collection has been read anew, where what stands
// there may take the place of its content, and before a file is left. Owns nothing: what is known of a value is in its place.
import { holdParts, rebindAt, stampAt, stillCurrent } from '../object/places.js'
import { isUnasked, nodeOf, type Node } from '../object/plain-node.js'
import { isObject } from '../object/values.js'
import { hydrateStored } from './hydrate.js'
import type { StoredKey } from './key.js'
import type { Place } from './place.js'
import type { TreeHeader } from './tree-header.js'
import type { Source } from './tree/leaf.js'
import { sameRaw } from './tree/raw-value.js'
import type { Found } from './tree/tree.js'

/** Brings `known`, the value of a place, to the owner's load; false: its place is gone. */
export function revalidate(place: Place, known: object, owner: TreeHeader): boolean {
  const entry = owner.storedAt(place.key)
  const node = nodeOf(known)
  const { source } = place
  if (entry && source && owner.isStillApart(entry, source)) {
    if (node) remains(node, place)
    place.agrees(owner.load, source, place.index)
    return true
  }
  const found = entry && owner.contentOf(entry)
  const isSingle = node !== undefined && owner.keysLast && holdsNothingHandedOut(node)
  if (found && isSameEntry(source, place.index, found, owner, isSingle)) {
    if (node) remains(node, place)
  } else {
    const isSame = found !== undefined && isSameEntry(place.before, place.index, found, owner, isSingle)
    const raw = found && node && (isSame || owner.keysLast) ? found.leaf.value(found.at) : undefined
    const fresh = found && typeof raw === 'object' ? nodeOf(hydrateStored(raw, found.leaf, owner)) : undefined
    if (node && fresh) rebindAt(node, fresh, isSame)
    if (node?.load !== owner.load) return false
    standsAlone(node, place)
    stampAt(node, place)
  }
  place.agrees(owner.load, found?.leaf.source, found?.at ?? 0)
  return true
}

/** It is what was handed out. */
function remains(node: Node, place: Place): void {
  stillCurrent(node)
  standsAlone(node, place)
}

/** Where else a transaction has put it, or what is in it, is undone. */
function standsAlone(node: Node, place: Place): void {
  node.slots = 1
  node.above = place
  node.alsoAbove = undefined
  holdParts(node)
}

/**
 * The file is left, and with it all versions but the newest ones. Of what was read from an older one, and is what `find` gives at its
 * key all the same, that could not be told any more.
 */
export function carryOver(
  place: Place,
  isNewest: (source: Source) => boolean,
  find: (key: StoredKey) => Found | undefined,
  owner: TreeHeader,
): void {
  const { origin } = place
  if (!origin || isNewest(origin)) return
  try {
    const found = find(place.key)
    if (found?.leaf.source && isSameEntry(origin, place.index, found, owner, false))
      place.standsIn(found.leaf.source, found.at)
  } catch {
    // It cannot be read, or is not there any more: then it is stale in the next file, which may be sound.
  }
}

/**
 * Nobody can tell whether the content of such a container is what it was or has been put back into it, which takes less time than to
 * look into the version that it was read from. What has its place in it may have been taken out, which is undone by now.
 */
function holdsNothingHandedOut({ target, placed }: Node): boolean {
  if (placed.length > 0) return false
  for (const part of Object.values(target)) if (isObject(part) && !isUnasked(part)) return false
  return true
}

/** Whether what was an entry of a version of a record is what stands there now. `atSight`: as far as the versions tell. */
function isSameEntry(
  source: Source | undefined,
  index: number,
  { leaf, at }: Found,
  owner: TreeHeader,
  atSight: boolean,
): boolean {
  const now = leaf.source
  if (!source || !now) return false
  if (source.oid === now.oid && source.tid === now.tid && index === at) return true
  const then = atSight ? undefined : owner.entryOf(source, index)
  return then !== undefined && sameRaw(then.leaf.value(then.at), then.leaf.refs, leaf.value(at), leaf.refs)
}
