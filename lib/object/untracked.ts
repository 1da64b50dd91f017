// Plain data that was copied in and that nobody has asked for yet: bare containers, as deep as it goes. Most data is stored
// and not looked at again in the same transaction, so it gets its handlers (plain-node.ts) only when it is handed out.
import { types } from 'node:util'
import { handlerOf, type Header } from './header.js'
import { define, Node, type Container } from './plain-node.js'
import { isBytes } from './values.js'

export class Untracked {
  /** Its parts are primitives, leaves, persistent objects or marks of references to them, and containers like it. */
  readonly target: Container
  /** Stands in the owner's stored state. */
  stored: boolean

  constructor(target: Container, stored = false) {
    this.target = target
    this.stored = stored
  }
}

/** Gives bare containers their handlers, from the innermost on. Nodes of the owner among the parts stay what they are. */
export function track(target: Container, owner: Header): Node {
  let ready = true
  if (Array.isArray(target)) {
    for (let i = 0; i < target.length; i++) {
      const part: unknown = target[i]
      if (typeof part === 'symbol') ready = false
      else if (isBare(part)) target[i] = track(part, owner).object
    }
  } else {
    for (const key of Object.keys(target)) {
      const part = target[key]
      if (typeof part === 'symbol') ready = false
      else if (isBare(part)) define(target, key, track(part, owner).object)
    }
  }
  return new Node(target, owner, ready)
}

/** A container, among the parts of one without handlers. */
export function isBare(part: unknown): part is Container {
  return typeof part === 'object' && part !== null && !handlerOf(part) && !types.isDate(part) && !isBytes(part)
}
