// The record that every workload stores: about 150 bytes as JSON, the same for a number whoever makes it.

export interface Person {
  id: number
  name: string
  email: string
  age: number
  tags: string[]
  /** Milliseconds since 1970. */
  createdAt: number
}

const FIRST = ['Ada', 'Grace', 'Edsger', 'Barbara', 'Donald', 'Frances', 'Niklaus', 'Radia'] as const
const LAST = ['Lovelace', 'Hopper', 'Dijkstra', 'Liskov', 'Knuth', 'Allen', 'Wirth', 'Perlman'] as const
const TAGS = ['member', 'north', 'south', 'early', 'paper', 'guest', 'staff', 'alumni'] as const

function pick(from: readonly string[], n: number): string {
  return from[n % from.length] ?? ''
}

export function person(id: number): Person {
  const mixed = Math.imul(id + 1, 0x9e3779b1) >>> 0
  const first = pick(FIRST, mixed)
  const last = pick(LAST, mixed >>> 3)
  return {
    id,
    name: `${first} ${last}`,
    email: `${first.toLowerCase()}.${last.toLowerCase()}.${id}@example.com`,
    age: 18 + ((mixed >>> 6) % 70),
    tags: [pick(TAGS, mixed >>> 12), pick(TAGS, mixed >>> 15), pick(TAGS, mixed >>> 18)],
    createdAt: 1_600_000_000_000 + mixed,
  }
}

/** 0 to `count` - 1 in an order that is random and always the same. */
export function shuffled(count: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i)
  let seed = 0x2545f491
  for (let i = count - 1; i > 0; i--) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    const j = Math.floor((seed / 2 ** 32) * (i + 1))
    const other = order[j] ?? 0
    order[j] = order[i] ?? 0
    order[i] = other
  }
  return order
}
