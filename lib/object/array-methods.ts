// The methods of a tracked array. Called through the Proxy they would pay for every index, and the mutating ones would
// meet holes on the way; so they check once, and run on the bare array.
import { StateError } from '../error.js'
import { adopt, adoptCopy } from './adopt.js'
import { noteSourceIn } from './kept-sources.js'
import { keepAbove } from './owned-bytes.js'
import { open } from './parts.js'
import { attach, nodeOf, release, type Node } from './plain-node.js'
import { isObject } from './values.js'

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

/**
 * Copies in the arguments from `from` on, which are to stand at `at` and behind; nothing is changed yet. Gives what was copied, in
 * their places.
 */
function adoptArguments(node: Node, args: unknown[], from: number, at: number): unknown[] | undefined {
  let copied: unknown[] | undefined
  for (let i = from; i < args.length; i++) {
    const given = args[i]
    const own = adopt(given, node.owner, node, at + i - from)
    keepAbove(own, node)
    if (Object.is(own, given)) continue
    copied ??= []
    copied[i - from] = given
    args[i] = own
  }
  return copied
}

/** Positions as numbers: asking objects for theirs may run code, which may change the array. What is left out stays so. */
function numbersOf(args: readonly unknown[]): unknown[] {
  return args.map(arg =>
    typeof arg === 'object' || typeof arg === 'function' ? Math.trunc(arg as unknown as number) : arg,
  )
}

/** Where `splice` begins. */
function startOf(given: unknown, length: number): number {
  const start = Math.trunc(given as number) || 0
  return start < 0 ? Math.max(start + length, 0) : Math.min(start, length)
}

/** To be called before the array is changed, when the code of others may have run since its parts were made ready. */
function change(node: Node): void {
  node.change()
  open(node)
}

// [name, first new element among the arguments, where it is going to stand]
for (const [name, from, place] of [
  ['push', 0, (_args, length) => length],
  ['unshift', 0, () => 0],
  ['splice', 2, ([start], length) => startOf(start, length)],
] as const satisfies [string, number, (args: readonly unknown[], length: number) => number][]) {
  track(name, native => (node, bare, given) => {
    const args = [...numbersOf(given.slice(0, from)), ...given.slice(from)]
    const at = place(args, bare.length)
    const copied = adoptArguments(node, args, from, at)
    change(node)
    const counts = node.attached
    if (counts) for (let i = from; i < args.length; i++) attach(args[i], node)
    const result = native.apply(bare, args)
    if (counts && name === 'splice') for (const out of result as unknown[]) release(out, node)
    if (copied && counts) copied.forEach((source, i) => noteSourceIn(node, at + i, source as object))
    return result
  })
}

for (const name of ['pop', 'shift']) {
  track(name, native => (node, bare) => {
    node.change()
    const result = native.apply(bare, [])
    if (node.attached) release(result, node)
    return result
  })
}

/** What `act` makes of the bare array takes the place of what is in it. */
function rewrite(node: Node, bare: unknown[], act: () => void): unknown {
  change(node)
  const before = bare.slice()
  act()
  if (node.attached) {
    for (const value of bare) attach(value, node)
    for (const value of before) release(value, node)
  }
  return node.object
}

track('copyWithin', native => (node, bare, args) => {
  const places = numbersOf(args)
  return rewrite(node, bare, () => native.apply(bare, places))
})

// Each place gets a copy of its own.
track('fill', native => (node, bare, [value, ...range]) => {
  const isFilled = native.apply(new Array(bare.length).fill(false), [true, ...range]) as boolean[]
  const own = isFilled.map((is, i) => (is ? adoptCopy(value, node.owner, node, i) : bare[i]))
  rewrite(node, bare, () => {
    for (let i = 0; i < own.length; i++) {
      if (isFilled[i] !== true) continue
      bare[i] = own[i]
      keepAbove(own[i], node)
    }
  })
  const first = isFilled.indexOf(true)
  if (node.attached && first >= 0 && !Object.is(own[first], value)) noteSourceIn(node, first, value as object)
  return node.object
})

track('reverse', native => (node, bare, args) => {
  node.change()
  native.apply(bare, args)
  return node.object
})

// What compares may do anything, and the native method would write over it.
track('sort', native => (node, bare, args) => {
  const before = bare.slice()
  const sorted = native.apply(bare.slice(), args) as unknown[]
  node.see()
  if (bare.length !== before.length || !bare.every((part, i) => Object.is(part, before[i])))
    throw new StateError('the array was changed by the function that compares its elements')
  node.change()
  for (let i = 0; i < sorted.length; i++) {
    if (Object.hasOwn(sorted, i)) bare[i] = sorted[i]
    else Reflect.deleteProperty(bare, i)
  }
  return node.object
})

// ---- reading ----------------------------------------------------------------------------------------------------

for (const name of [
  ...['at', 'concat', 'includes', 'indexOf', 'join', 'keys', 'lastIndexOf', 'slice', 'flat'],
  ...['toReversed', 'toSorted', 'toSpliced', 'with'],
]) {
  track(name, native => (node, bare, args) => {
    // What makes text of elements, or a number of an argument, may have the owner read anew.
    if (name === 'join' || args.some(arg => isObject(arg) || typeof arg === 'function')) node.walked = true
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
