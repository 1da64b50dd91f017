// Plain data that was copied in or decoded and that nobody has asked for yet: bare containers, as deep as it goes, or a date. Most
// data is stored, or passed over, and not looked at, so it gets its handlers (plain-node.ts), or is sealed, only when it is handed out.
import { types } from 'node:util'
import type { Stretch } from '../store/types.js'
import type { Header } from './header.js'
import { keepAboveAll } from './owned-bytes.js'
import { define, isBare, Node, type Container } from './plain-node.js'
import { isBytes, seal } from './values.js'

export class Untracked {
  /** Parts of a container are primitives, leaves, persistent objects or marks of references to them, and containers like it. */
  readonly target: Container | Date
  /** Stands in the owner's stored state. */
  stored: boolean
  /** There may be marks of references in it that nobody followed; `only`: it is an array of these, and of objects that are known already. */
  readonly hasMarks: boolean | 'only'
  /** As it was written, if it is large, stands in an object that has been written more than once, and means the same in every record. */
  packed: Stretch | undefined

  constructor(target: Container | Date, stored = false, hasMarks: boolean | 'only' = false) {
    this.target = target
    this.stored = stored
    this.hasMarks = hasMarks
  }
}

/** Gives a bare container its handlers. What it contains gets them when it is asked for (parts.ts), or with it if there may be marks. */
export function track(target: Container, owner: Header, hasMarks: boolean | 'only'): Node {
  if (hasMarks) return trackWhole(target, owner)
  const node = new Node(target, owner)
  node.bare = -1
  return node
}

/** Gives the handlers to an array of nothing but references, and attaches it: no part is to be asked what it is. */
export function attachReferences(target: readonly unknown[], owner: Header): Node {
  const node = new Node(target as unknown[], owner, !target.some(part => typeof part === 'symbol'))
  node.slots = 1
  return node
}

/** All of it, from the innermost container on. Nodes of the owner among the parts stay what they are. */
export function trackWhole(target: Container, owner: Header): Node {
  let ready = true
  let hasBytes = false
  if (Array.isArray(target)) {
    for (let i = 0; i < target.length; i++) {
      const part: unknown = target[i]
      if (typeof part === 'symbol') ready = false
      else if (types.isDate(part)) seal(part)
      else if (isBare(part)) target[i] = trackWhole(part, owner).object
      else if (isBytes(part)) hasBytes = true
    }
  } else {
    for (const key of Object.keys(target)) {
      const part = target[key]
      if (typeof part === 'symbol') ready = false
      else if (types.isDate(part)) seal(part)
      else if (isBare(part)) define(target, key, trackWhole(part, owner).object)
      else if (isBytes(part)) hasBytes = true
    }
  }
  const node = new Node(target, owner, ready)
  if (hasBytes) keepAboveAll(node)
  return node
}
