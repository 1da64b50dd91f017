import t, { type Test } from 'tap'
import { PerdureError } from '../../lib/error.js'
import { HEADER_LENGTH } from '../../lib/log/file-header.js'
import { seeded } from '../helpers/seeded.js'
import { makeKnownStore, PATH, readAll, sameContent, withStore, type KnownStore } from './known-store.js'
import { MemoryDisk } from './memory-disk.js'

/** Opens and reads everything. What is wrong with the outcome; undefined: the right state, or a typed error. */
function judge(known: KnownStore, disk: MemoryDisk, oldest: number): string | undefined {
  const size = disk.view(PATH).length
  try {
    const found = withStore(disk, { readonly: true }, store => ({
      tid: store.latest().tid,
      content: readAll(store, known),
    }))
    const right = found.tid >= oldest && sameContent(known.contents[found.tid], found.content)
    if (!right) return `commit ${found.tid} with a wrong state`
  } catch (error) {
    if (!(error instanceof PerdureError)) return `not a typed error: ${String(error)}`
  }
  if (disk.descriptors > 0) return 'a descriptor was left open'
  return disk.view(PATH).length === size ? undefined : 'the file was changed'
}

/** Damages the file in one place after another. `oldest`: the state that must not be lost without an error. */
class Injury {
  readonly wrong: string[] = []
  tries = 0
  readonly #known: KnownStore
  readonly #disk: MemoryDisk
  readonly #oldest: number

  constructor(known: KnownStore, oldest = known.contents.length - 1, boot = 1) {
    this.#known = known
    this.#oldest = oldest
    this.#disk = MemoryDisk.with({ [PATH]: known.bytes })
    this.#disk.boot = boot
  }

  inflict(what: string, change: (bytes: Buffer) => void): void {
    change(this.#disk.view(PATH))
    this.tries++
    const verdict = judge(this.#known, this.#disk, this.#oldest)
    if (verdict !== undefined) this.wrong.push(`${what}: ${verdict}`)
    this.#disk.view(PATH).set(this.#known.bytes)
  }

  end(t: Test): void {
    t.same(this.wrong.slice(0, 10), [])
    t.comment(`${this.tries} injuries`)
  }
}

function everyBit(known: KnownStore, injury: Injury): void {
  for (let at = 0; at < known.bytes.length; at++) {
    // The zeros of the header are one like the other: one bit of each.
    const bits = at < HEADER_LENGTH && known.bytes[at] === 0 ? [at % 8] : [0, 1, 2, 3, 4, 5, 6, 7]
    for (const bit of bits) {
      injury.inflict(`bit ${bit} of byte ${at}`, bytes => (bytes[at] = bytes[at]! ^ (1 << bit)))
    }
  }
}

function everyBlock(t: Test, known: KnownStore, injury: Injury): void {
  const random = seeded(t)
  for (const size of [512, 4096]) {
    for (let at = 0; at < known.bytes.length; at += size) {
      injury.inflict(`${size} bytes at ${at} zeroed`, bytes => bytes.subarray(at, at + size).fill(0))
      injury.inflict(`${size} bytes at ${at} set to 0xff`, bytes => bytes.subarray(at, at + size).fill(0xff))
      for (let n = 0; n < 8; n++) {
        const noise = random.bytes(size)
        injury.inflict(`noise in ${size} bytes at ${at}`, bytes => bytes.set(noise.subarray(0, bytes.length - at), at))
      }
    }
  }
}

// Each frame makes as many injuries as any other, and each of these has the frames behind it looked through: the time is the square.
t.test('every bit of a log of 24 commits flipped: a typed error, never a wrong value', async t => {
  const known = await makeKnownStore(24)
  const injury = new Injury(known)
  everyBit(known, injury)
  injury.end(t)
})

t.test('every block of a log of 150 commits zeroed, set to 0xff, filled with noise', async t => {
  const known = await makeKnownStore(150)
  const injury = new Injury(known)
  everyBlock(t, known, injury)
  injury.end(t)
})

t.test('every bit and block of a packed file', async t => {
  const known = await makeKnownStore(60, true)
  const injury = new Injury(known)
  everyBit(known, injury)
  everyBlock(t, known, injury)
  injury.end(t)
})

t.test('no bit of the table in a packed file changes an answer, or refuses one', async t => {
  const known = await makeKnownStore(60, true)
  const { header } = withStore(MemoryDisk.with({ [PATH]: known.bytes }), { readonly: true }, store => store.current)
  const { at: from = 0, end = 0 } = header.table ?? {}
  t.ok(end > from)
  const last = known.contents.at(-1)!
  for (let at = from; at < end; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const bytes = Buffer.from(known.bytes)
      bytes[at] = bytes[at]! ^ (1 << bit)
      const found = withStore(MemoryDisk.with({ [PATH]: bytes }), { readonly: true }, store => readAll(store, known))
      if (!sameContent(last, found)) t.fail(`bit ${bit} of byte ${at}`)
    }
  }
})

t.test('where another boot wrote the file, damage may end the log early, but never below what is proved', async t => {
  const known = await makeKnownStore(50)
  const injury = new Injury(known, 25, 2)
  everyBlock(t, known, injury)
  for (let at = HEADER_LENGTH; at < known.bytes.length; at += 3) {
    injury.inflict(`byte ${at}`, bytes => (bytes[at] = bytes[at]! ^ 0x10))
  }
  injury.end(t)
})

t.test('bits that flip while the store is open', async t => {
  const known = await makeKnownStore(50)
  const disk = MemoryDisk.with({ [PATH]: known.bytes })
  const wrong: string[] = []
  withStore(disk, { readonly: true }, store => {
    const last = known.contents.at(-1)!
    for (let at = 0; at < known.bytes.length; at++) {
      const bytes = disk.view(PATH)
      bytes[at] = known.bytes[at]! ^ (1 << (at % 8))
      try {
        if (!sameContent(last, readAll(store, known))) wrong.push(`byte ${at}: a wrong value`)
      } catch (error) {
        if (!(error instanceof PerdureError)) wrong.push(`byte ${at}: ${String(error)}`)
      }
      bytes[at] = known.bytes[at]!
    }
  })
  t.same(wrong.slice(0, 10), [])
})
