// Counts what code does with the elements of arrays and with the pieces of a list, instead of the time that it takes.
import { Own, Stretch } from '../../lib/collection/pieces.js'

type Splice = (this: unknown[], start: number, ...more: never[]) => unknown[]

/** How many elements `splice` and `concat` move or copy meanwhile, and how often somebody asks what kind of piece something is. */
export async function handledBy(act: () => unknown): Promise<number> {
  let handled = 0
  const { splice, concat } = Array.prototype as unknown as { splice: Splice; concat: (...args: unknown[]) => unknown[] }
  const put = (name: 'splice' | 'concat', value: unknown): void => {
    Object.defineProperty(Array.prototype, name, { value, configurable: true, writable: true })
  }
  const isInstance = Function.prototype[Symbol.hasInstance]
  put('splice', function (this: unknown[], start: number, ...more: never[]) {
    handled += this.length - start
    return splice.call(this, start, ...more)
  })
  put('concat', function (this: unknown[], ...more: unknown[]) {
    const all = concat.apply(this, more)
    handled += all.length
    return all
  })
  for (const kind of [Own, Stretch]) {
    Object.defineProperty(kind, Symbol.hasInstance, {
      configurable: true,
      value: (piece: unknown) => {
        handled++
        return isInstance.call(kind, piece)
      },
    })
  }
  try {
    await act()
  } finally {
    put('splice', splice)
    put('concat', concat)
    for (const kind of [Own, Stretch]) Reflect.deleteProperty(kind, Symbol.hasInstance)
  }
  return handled
}
