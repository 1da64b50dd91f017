// The methods of a tracked array. Called through the Proxy they would pay for every index, and the mutating ones would
// meet holes on the way; so they check once, and run on the bare array.
import { StateError } from '../error.js'
import { adopt } from './adopt.js'
import { keepAbove } from './owned-bytes.js'
import { open } from './parts.js'
import { attach, nodeOf, release, type Node } from './plain-node.js'

type Method = (this: unknown, ...args: never[]) => unknown
const tracked = new Map<unknown, Method>()

/** The version for tracked arrays of one of Array's own methods. */
export function trackedMethod(method: unknown, target: object): Method | undefined {
  return Array.isArray(target) ? tracked.get(method) : undefined
}

/** `make` gets the bare native method and returns one that is called with a node that is ready for it. */
function track(
  name: string,
  make: (native: (...args: unknown[]) => unknown) => (node: Node, bare: unknown[], args: unknown[]) => unknown,
): void {
  const native = (Array.prototype as unknown as Record<string, ((...args: unknown[]) => unknown) | undefined>)[name]
  if (!native) return
  const run = make(native)
  const method = {
    [name](this: unknown, ...args: unknown[]): unknown {
      const node = nodeOf(this)
      if (!node || !Array.isArray(node.target)) return native.apply(this as never, args)
      node.see()
      open(node)
      return run(node, node.target, args)
    },
  }[name] as Method
  tracked.set(native, method)
}

// ---- mutating ---------------------------------------------------------------------------------------------------

/** Copies in the arguments from `from` to `to`; nothing is changed yet. */
function adoptArguments(node: Node, args: unknown[], from: number, to: number): void {
  const length = (node.target as unknown[]).length
  for (let i = from; i < to; i++) {
    args[i] = adopt(args[i], node.owner, node, length + i - from)
    keepAbove(args[i], node)
  }
}

// [name, first new element among the arguments, one past the last]
for (const [name, from, to] of [
  ['push', 0, Infinity],
  ['unshift', 0, Infinity],
  ['splice', 2, Infinity],
  ['pop', 0, 0],
  ['shift', 0, 0],
] as const) {
  track(name, native => (node, bare, args) => {
    adoptArguments(node, args, from, Math.min(to, args.length))
    node.change()
    const counts = node.attached
    if (counts) for (let i = from; i < Math.min(to, args.length); i++) attach(args[i], node)
    const result = native.apply(bare, args)
    if (counts && name === 'splice') for (const out of result as unknown[]) release(out, node)
    else if (counts && to === 0) release(result, node)
    return result
  })
}

for (const name of ['fill', 'copyWithin']) {
  track(name, native => (node, bare, args) => {
    if (name === 'fill') adoptArguments(node, args, 0, Math.min(1, args.length))
    node.change()
    const before = bare.slice()
    native.apply(bare, args)
    if (node.attached) {
      for (const value of bare) attach(value, node)
      for (const value of before) release(value, node)
    }
    return node.object
  })
}

track('reverse', native => (node, bare, args) => {
  node.change()
  native.apply(bare, args)
  return node.object
})

// What compares may do anything, and the native method would write over it.
track('sort', native => (node, bare, args) => {
  const before = bare.slice()
  const sorted = native.apply(bare.slice(), args) as unknown[]
  node.change()
  if (bare.length !== before.length || !bare.every((part, i) => Object.is(part, before[i])))
    throw new StateError('the array was changed by the function that compares its elements')
  for (let i = 0; i < sorted.length; i++) bare[i] = sorted[i]
  return node.object
})

// ---- reading ----------------------------------------------------------------------------------------------------

for (const name of [
  ...['at', 'concat', 'includes', 'indexOf', 'join', 'keys', 'lastIndexOf', 'slice', 'flat'],
  ...['toReversed', 'toSorted', 'toSpliced', 'with'],
]) {
  track(name, native => (_node, bare, args) => {
    return native.apply(bare, args)
  })
}

// Meanwhile the owner may be read anew, and the bare array get other parts.
for (const name of ['entries', 'values']) {
  track(name, native => (node, bare, args) => {
    node.walked = true
    return native.apply(bare, args)
  })
}

// A callback gets the tracked array, never the bare one.
for (const name of [
  ...['every', 'filter', 'find', 'findIndex', 'findLast', 'findLastIndex', 'flatMap', 'forEach', 'map', 'some'],
  ...['reduce', 'reduceRight'],
]) {
  const place = name.startsWith('reduce') ? 3 : 2
  track(name, native => (node, bare, args) => {
    const [callback] = args
    if (typeof callback === 'function') {
      args[0] = function (this: unknown, ...given: unknown[]): unknown {
        given[place] = node.object
        return Reflect.apply(callback, this, given) as unknown
      }
    }
    node.walked = true
    return native.apply(bare, args)
  })
}
