// What applications ask of single objects, whatever connection they belong to, if any.
import { isUnknownKind } from './class-registry.js'
import { headerOf, type Header } from './header.js'
import { ownerOf } from './owned-bytes.js'
import { nodeOf } from './plain-node.js'

/** Throws TypeError for what is no such object. */
export function headerNeeded(object: object): Header {
  const header = headerOf(object)
  if (header) return header
  const owner = nodeOf(object)?.owner ?? ownerOf(object)
  const isPart = owner ? `: this is plain data of ${owner.name} ${owner.oid || '(new)'}, which is one` : ''
  throw new TypeError(`expects a persistent object${isPart}`)
}

/** The object's number; undefined: it was never stored. Throws TypeError for what is no persistent object. */
export function oidOf(object: object): number | undefined {
  const { oid } = headerNeeded(object)
  return oid === 0 ? undefined : oid
}

/** The stored name of the object's class; '' for a root without a class. Throws TypeError for what is no persistent object. */
export function typeOf(object: object): string {
  return headerNeeded(object).kind.type
}

/**
 * The object's class is not registered here: it can be read and referred to, and not changed. (False for one that a newer version of a
 * registered class wrote.) Throws TypeError for what is no
 * persistent object.
 */
export function isUnknown(object: object): boolean {
  return isUnknownKind(headerNeeded(object).kind)
}

/**
 * Marks the object as changed: after changing bytes inside a typed array, which nobody can see. Throws TypeError for what is no
 * persistent object, plain data included: name its owner.
 */
export function touch(object: object): void {
  headerNeeded(object).changeAll()
}
