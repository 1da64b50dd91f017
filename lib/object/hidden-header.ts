// What an object without fields is to whom it meets, that is no Proxy and keeps its header where nobody looks: in a private field. Its only
// own property shows what it holds to those who compare two objects by what is in them, as tests do; they would find all alike otherwise.
// It is made as a generator that nobody runs: copying such a one as data (structuredClone, postMessage, v8.serialize) is refused, where
// the copy would be empty otherwise.
import { HANDLER, type Header } from './header.js'

/** What it holds, as it shows it. */
export interface Sealable {
  toJSON(): unknown
}

/** Its constructor gives what it is given, with a private field put on it. */
class Hidden extends (class {
  constructor(object: object) {
    return object
  }
} as new (object: object) => object) {
  readonly #header: Header

  constructor(object: object, header: Header) {
    super(object)
    this.#header = header
  }

  static in(object: object): Header | undefined {
    return #header in object ? object.#header : undefined
  }
}

const CONTENTS = Symbol('contents')

const shown: PropertyDescriptor = {
  get(this: Sealable): unknown {
    return this.toJSON()
  },
  enumerable: true,
}

/** Puts the header behind an object that one of `makerOf` has made, which is finished by that. */
export function hide(header: Header, object: object): void {
  new Hidden(object, header)
  Object.defineProperty(object, CONTENTS, shown)
  Object.freeze(object)
}

/** The header that was put behind this very object. */
export function hiddenHeader(object: unknown): Header | undefined {
  return typeof object === 'object' && object !== null ? Hidden.in(object) : undefined
}

/** Makes objects of a class, without running its constructor. */
export function makerOf<T extends Sealable>(
  Class: { readonly name: string } & (abstract new (...args: never[]) => T),
): () => T {
  const { name } = Class
  const prototype = Class.prototype as object
  // By a method with a name, so that debuggers and the stacks of errors know the objects by that of their class.
  const { [name]: make } = { *[name]() {} }
  Object.defineProperty(make, 'prototype', { value: prototype })
  Object.defineProperty(prototype, HANDLER, {
    get(this: object) {
      return hiddenHeader(this)
    },
  })
  return make as unknown as () => T
}
