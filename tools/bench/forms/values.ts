// Values that people store.

export interface Form {
  /** Entries in the map. */
  readonly count: number
  make(n: number): unknown
  /** Changes a value in place, or gives another one to take its place. */
  change(value: unknown): unknown
}

const TEXT = 'lorem ipsum dolor sit amet '.repeat(40).slice(0, 1000)

interface Counted {
  n: number
}

/** Data with a number `n`. */
function data(count: number, make: (n: number) => object): Form {
  return {
    count,
    make,
    change(value) {
      ;(value as Counted).n++
      return value
    },
  }
}

function bytes(count: number, length: number): Form {
  return {
    count,
    make: n => new Uint8Array(length).fill(n),
    change: value => Uint8Array.from(value as Uint8Array, byte => byte ^ 1),
  }
}

function numbers(count: number, make: (n: number) => number[]): Form {
  return {
    count,
    make,
    change(value) {
      ;(value as number[])[3] = 0
      return value
    },
  }
}

export const VALUES: Readonly<Record<string, Form>> = {
  numbers: { count: 100_000, make: n => 3 * n, change: value => (value as number) + 1 },
  text: { count: 100_000, make: n => `value ${n}`, change: value => `${String(value)}!` },
  tiny: data(100_000, n => ({ n, m: n + 1 })),
  /** Of many shapes, and about as large as what stands apart from its leaf. */
  sparse: data(50_000, n => ({ n, ...Object.fromEntries(bitsOf(n).map(bit => [`field${bit}`, bit])) })),
  nested: data(50_000, n => ({
    n,
    name: { first: `First${n}`, last: `Last${n}` },
    address: { street: `Main Street ${n}`, city: `Town${n % 100}`, at: { lat: n / 7, lon: n / 11 } },
    orders: [
      { article: `a${n}`, count: 1, price: 9.5 },
      { article: `b${n}`, count: 2, price: 19.25 },
    ],
    isActive: n % 2 === 0,
  })),
  wide: data(30_000, n => ({
    n,
    ...Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`field${i}`, i % 3 > 0 ? n + i : `s${n + i}`])),
  })),
  dates: data(50_000, n => ({ n, from: new Date(1.6e12 + n), to: new Date(1.7e12 + n), title: `Event ${n}` })),
  unicode: data(50_000, n => ({ n, name: `Jürgen Müller ${n}`, city: `東京都${n}`, note: 'größere Änderung' })),
  'long-text': data(30_000, n => ({ n, title: `Title ${n}`, body: `${n}${TEXT}` })),
  bytes: bytes(30_000, 1024),
  blobs: bytes(1000, 1 << 16),
  integers: numbers(30_000, n => Array.from({ length: 100 }, (_, i) => i * n)),
  fractions: numbers(30_000, n => Array.from({ length: 50 }, (_, i) => n / (i + 1))),
}

function bitsOf(n: number): number[] {
  return [0, 1, 2, 3, 4, 5, 6, 7].filter(bit => ((n >> bit) & 1) === 1)
}
