// What each kind of shared state answers and becomes, as plain data that nothing changes in place: all that the judge knows
// of maps, queues and the others. It is written from spec/semantics.md, section 8, and shares nothing with the library.
import type { Part, Step } from './recorded.js'

export abstract class Model<S> {
  /** One object to transactions: whoever used any of it relies on all of it, and whoever changed any of it wrote all. */
  readonly whole: boolean = false
  abstract answer(state: S, step: Step): unknown
  /** The state afterwards, if the step was answered as it says; undefined: it is no change. */
  abstract after(state: S, step: Step): S | undefined

  /** What must be at the commit what it was at the snapshot, if the transaction is to be serializable. */
  relies(state: S, step: Step): unknown {
    return this.answer(state, step)
  }

  /** What must be so in any case, because the step writes over it. */
  writes(_state: S, _step: Step): unknown {
    return null
  }
}

/** A value that is read and written. */
class Cell extends Model<unknown> {
  override readonly whole = true

  answer(state: unknown, { does }: Step): unknown {
    return does === 'get' ? state : null
  }

  after(_state: unknown, { does, given }: Step): unknown {
    return does === 'set' ? given[0] : undefined
  }
}

/** Every step is done again as an array would do it: positions are counted from the front, negative ones from the end. */
class List extends Model<readonly unknown[]> {
  answer(items: readonly unknown[], { does, given }: Step): unknown {
    switch (does) {
      case 'items':
        return items
      case 'length':
        return items.length
      case 'at':
        return items.at(given[0] as number) ?? null
      case 'pop':
        return items.at(-1) ?? null
      case 'shift':
        return items[0] ?? null
      default:
        return null
    }
  }

  after(items: readonly unknown[], { does, given }: Step): readonly unknown[] | undefined {
    switch (does) {
      case 'push':
        return [...items, ...given]
      case 'unshift':
        return [...given, ...items]
      case 'pop':
        return items.slice(0, -1)
      case 'shift':
        return items.slice(1)
      case 'set':
        return items.with(given[0] as number, given[1])
      case 'insert':
        return items.toSpliced(given[0] as number, 0, given[1])
      case 'drop': // so many of the first
        return items.slice(given[0] as number)
      default:
        return undefined
    }
  }

  override writes(items: readonly unknown[], { does, given }: Step): unknown {
    switch (does) {
      case 'set':
      case 'insert':
        return items.at(given[0] as number) ?? null
      case 'drop':
        return items.slice(0, given[0] as number)
      case 'pop':
      case 'shift':
        return items.at(does === 'pop' ? -1 : 0) ?? null
      default:
        return null
    }
  }
}

type Entry = readonly [key: string, value: unknown]
type Entries = readonly Entry[]

export interface Stretch {
  readonly gte?: string
  readonly lt?: string
  readonly reverse?: boolean
  readonly limit?: number
}

/** Entries in the order of keys. No value is null, which stands for there being none. */
class MapModel extends Model<Entries> {
  answer(entries: Entries, { does, given }: Step): unknown {
    const [first] = given
    switch (does) {
      case 'get':
      case 'raise':
        return valueAt(entries, first)
      case 'has':
      case 'delete':
        return valueAt(entries, first) !== null
      case 'range':
        return stretch(entries, first)
      case 'keys':
      case 'deleteRange':
        return keysOf(stretch(entries, first))
      case 'count':
        return stretch(entries, first).length
      case 'size':
        return entries.length
      case 'clear':
        return entries.length > 0
      default:
        return null
    }
  }

  after(entries: Entries, step: Step): Entries | undefined {
    const { does, given, answer } = step
    const [key] = given
    switch (does) {
      case 'set':
        return put(entries, key, given[1])
      case 'raise': {
        const by = given[1]
        return isData(answer) ? put(entries, key, { n: answer.n + 1, by }) : undefined
      }
      case 'delete':
        return answer === true ? without(entries, [key]) : undefined
      case 'deleteRange':
        return Array.isArray(answer) && answer.length > 0 ? without(entries, answer) : undefined
      case 'clear':
        return answer === true ? [] : undefined
      default:
        return undefined
    }
  }

  override relies(entries: Entries, step: Step): unknown {
    return step.does === 'count' ? keysOf(stretch(entries, step.given[0])) : this.answer(entries, step)
  }

  override writes(entries: Entries, step: Step): unknown {
    const { does, given, answer } = step
    const [key] = given
    switch (does) {
      case 'set':
        return valueAt(entries, key)
      case 'raise':
        return isData(answer) ? valueAt(entries, key) : null
      case 'delete':
        return answer === true ? valueAt(entries, key) : null
      case 'deleteRange':
        return (answer as unknown[]).map(each => valueAt(entries, each))
      case 'clear':
        return answer === true ? entries : null
      default:
        return null
    }
  }
}

/** Plain data that is changed in place. */
export interface Data {
  readonly n: number
  readonly by: string
}

const isData = (value: unknown): value is Data => typeof value === 'object' && value !== null && 'n' in value
const valueAt = (entries: Entries, key: unknown): unknown => entries.find(([each]) => each === key)?.[1] ?? null
const keysOf = (entries: Entries): string[] => entries.map(([key]) => key)
const without = (entries: Entries, keys: readonly unknown[]): Entries => entries.filter(([key]) => !keys.includes(key))

function put(entries: Entries, key: unknown, value: unknown): Entries {
  const added: Entry = [key as string, value]
  return [...without(entries, [key]), added].sort(([a], [b]) => (a < b ? -1 : 1))
}

function stretch(entries: Entries, given: unknown): Entries {
  const { gte, lt, reverse = false, limit } = given as Stretch
  const all = entries.filter(([key]) => (gte === undefined || key >= gte) && (lt === undefined || key < lt))
  return (reverse ? all.reverse() : all).slice(0, limit)
}

/** Items in an order that is theirs for ever, each once: a queue, and a set of objects, which stand as they were made. */
class Row extends Model<readonly string[]> {
  answer(items: readonly string[], { does }: Step): unknown {
    switch (does) {
      case 'first':
      case 'take':
        return items[0] ?? null
      case 'items':
        return items
      case 'size':
        return items.length
      default:
        return null
    }
  }

  after(items: readonly string[], { does, given, answer }: Step): readonly string[] | undefined {
    if (does === 'push') return [...items, ...(given as string[])]
    return does === 'take' && answer !== null ? items.filter(item => item !== answer) : undefined
  }

  override writes(items: readonly string[], { does, answer }: Step): unknown {
    return does === 'take' && answer !== null ? items.includes(answer as string) : null
  }
}

class Counter extends Model<number> {
  answer(value: number, { does }: Step): unknown {
    return does === 'value' ? value : null
  }

  after(value: number, { does, given }: Step): number | undefined {
    return does === 'add' ? value + (given[0] as number) : undefined
  }
}

const cell = new Cell()
const models = new Map<string, Model<unknown>>([
  ['list', new List()],
  ['map', new MapModel()],
  ['queue', new Row()],
  ['set', new Row()],
  ['counter', new Counter()],
])

/** Everything else is a cell. */
export function modelOf(part: Part): Model<unknown> {
  return models.get(part.split(' ', 1)[0] ?? '') ?? cell
}
