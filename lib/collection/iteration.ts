// Iterators as the language has them, as objects of a class: a generator would say the same, and costs more than what most steps
// do. What throws ends them.

export const END = Symbol('the end')

/** The prototype of all iterators of the language, with the methods that those have. */
const ITERATOR = Object.getPrototypeOf(Object.getPrototypeOf([].values())) as object

export abstract class Iteration<T> {
  #ended = false

  /** What comes next; END: nothing. */
  protected abstract step(): T | typeof END

  next(): IteratorResult<T, undefined> {
    if (this.#ended) return { value: undefined, done: true }
    this.#ended = true
    const value = this.step()
    if (value === END) return { value: undefined, done: true }
    this.#ended = false
    return { value, done: false }
  }

  return(value?: undefined): IteratorResult<T, undefined> {
    this.#ended = true
    return { value, done: true }
  }

  /** With all that its prototype gives it. */
  get iterator(): IteratorObject<T, undefined> {
    return this as unknown as IteratorObject<T, undefined>
  }
}
Object.setPrototypeOf(Iteration.prototype, ITERATOR)
