// Randomness that can be repeated: every random test draws from here, and says its seed.
import type { Test } from 'tap'

export interface Random {
  readonly seed: number
  /** 0 <= x < 1. */
  next(): number
  /** A whole number, 0 <= x < below. */
  int(below: number): number
  chance(probability: number): boolean
  /** One of the items; throws when there are none. */
  pick<T>(items: readonly T[]): T
  shuffle<T>(items: readonly T[]): T[]
  bytes(length: number): Uint8Array
}

/** Draws from PERDURE_SEED where it is set, else from a seed that the test prints. */
export function seeded(t: Test): Random {
  const given = Number(process.env.PERDURE_SEED || NaN)
  if (process.env.PERDURE_SEED && !Number.isInteger(given)) throw new RangeError('PERDURE_SEED is no whole number')
  const seed = Number.isInteger(given) ? given >>> 0 : Math.floor(Math.random() * 2 ** 32)
  t.comment(`PERDURE_SEED=${seed} repeats this`)
  return random(seed)
}

/** The generator of a known seed (mulberry32). */
export function random(seed: number): Random {
  let state = seed
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let z = Math.imul(state ^ (state >>> 15), state | 1)
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61)
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32
  }
  const int = (below: number): number => Math.floor(next() * below)
  return {
    seed,
    next,
    int,
    chance: probability => next() < probability,
    pick(items) {
      if (items.length === 0) throw new RangeError('nothing to pick from')
      return items[int(items.length)]! // int() stays below the length
    },
    shuffle(items) {
      const left = [...items]
      return items.map(() => left.splice(int(left.length), 1)[0]!) // one is taken for each item
    },
    bytes: length => Uint8Array.from({ length }, () => int(256)),
  }
}
