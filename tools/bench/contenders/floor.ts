// What the machine allows: the system calls, the encoding and the checksums of a checked log, and nothing that makes it a store.
// There is no identity, no conflict, no recovery: figures near these have nothing left to lose.
import { Packr, Unpackr } from 'msgpackr'
import * as fs from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { checksum } from '../../../lib/log/checksum.js'
import { COUNTERS, type Contender, type Opened, type Settings } from '../contender.js'
import type { Person } from '../person.js'

interface FsExt {
  readonly flockSync: (fd: number, flags: 'exnb' | 'un') => void
  readonly seekSync: (fd: number, position: number, whence: number) => number
}

const { flockSync, seekSync } = createRequire(import.meta.url)('fs-ext') as FsExt
const fdatasync = promisify(fs.fdatasync)
const { O_APPEND, O_CREAT, O_RDWR } = fs.constants
const SEEK_END = 2

const packr = new Packr({ useRecords: false })
const unpackr = new Unpackr({ useRecords: false })

const HEADER = 72
const TRAILER = 12
/** Length and checksum. */
const RECORD_HEADER = 8
/** Counters always take so much, so that the last frame is found from the end. */
const COUNTERS_LENGTH = 64
const COUNTERS_FRAME = HEADER + RECORD_HEADER + COUNTERS_LENGTH + TRAILER
/** More than a person takes. */
const FIRST_READ = 512
/** Index entries that are read at once. */
const PAGE = 4096
const CHUNK = 1 << 20
const LOADED_AT_ONCE = 10_000

function writeRecord(into: Buffer, at: number, state: Uint8Array): number {
  const end = at + RECORD_HEADER + state.length
  into.set(state, at + RECORD_HEADER)
  into.writeUInt32LE(state.length, at)
  into.writeUInt32LE(checksum(into.subarray(at + RECORD_HEADER, end)), at + 4)
  return end
}

/** A header with a length and a checksum, a checksum behind the body. */
function seal(frame: Buffer): void {
  const { length } = frame
  frame.fill(0, 0, HEADER)
  frame.writeUInt32LE(length, 0)
  frame.writeUInt32LE(checksum(frame.subarray(0, HEADER - 4)), HEADER - 4)
  frame.writeUInt32LE(checksum(frame.subarray(HEADER, length - TRAILER)), length - TRAILER)
}

function checkFrame(frame: Buffer): void {
  const { length } = frame
  const sound =
    checksum(frame.subarray(0, HEADER - 4)) === frame.readUInt32LE(HEADER - 4) &&
    checksum(frame.subarray(HEADER, length - TRAILER)) === frame.readUInt32LE(length - TRAILER)
  if (!sound) throw new Error('damaged')
}

/** Every frame from `from` on, checked. */
function* frames(fd: number, from: number): Generator<Buffer> {
  const chunk = Buffer.allocUnsafe(CHUNK)
  for (;;) {
    const bytes = chunk.subarray(0, fs.readSync(fd, chunk, 0, CHUNK, from))
    let at = 0
    while (at + HEADER <= bytes.length) {
      const end = at + bytes.readUInt32LE(at)
      if (end > bytes.length) break
      const frame = bytes.subarray(at, end)
      checkFrame(frame)
      yield frame
      at = end
    }
    if (at === 0) return
    from += at
  }
}

function frameOf(states: readonly Uint8Array[], eachAt?: (n: number, at: number) => void): Buffer {
  let length = HEADER + TRAILER
  for (const state of states) length += RECORD_HEADER + state.length
  const frame = Buffer.allocUnsafe(length)
  let at = HEADER
  states.forEach((state, n) => {
    eachAt?.(n, at)
    at = writeRecord(frame, at, state)
  })
  seal(frame)
  return frame
}

function checkedState(bytes: Buffer, at: number): Uint8Array {
  const state = bytes.subarray(at + RECORD_HEADER, at + RECORD_HEADER + bytes.readUInt32LE(at))
  if (checksum(state) !== bytes.readUInt32LE(at + 4)) throw new Error('damaged')
  return state
}

const encode = ({ id, name, email, age, tags, createdAt }: Person): Uint8Array =>
  packr.pack([id, name, email, age, tags, createdAt])

function decode(state: Uint8Array): Person {
  const [id, name, email, age, tags, createdAt] = unpackr.unpack(state) as [number, string, string, number, [], number]
  return { id, name, email, age, tags, createdAt }
}

/** A file that is only appended to, under two locks. */
class Log {
  readonly fd: number
  readonly #sidecar: number

  constructor(path: string) {
    this.fd = fs.openSync(path, O_RDWR | O_CREAT | O_APPEND)
    this.#sidecar = fs.openSync(`${path}.lock`, O_RDWR | O_CREAT)
  }

  end(): number {
    return seekSync(this.fd, 0, SEEK_END)
  }

  locked<T>(act: (end: number) => T): T {
    this.#lock(this.#sidecar)
    this.#lock(this.fd)
    const result = act(this.end())
    flockSync(this.fd, 'un')
    flockSync(this.#sidecar, 'un')
    return result
  }

  #lock(fd: number): void {
    for (;;) {
      try {
        flockSync(fd, 'exnb')
        return
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      }
    }
  }

  close(): void {
    fs.closeSync(this.fd)
    fs.closeSync(this.#sidecar)
  }
}

class FloorStore implements Opened {
  readonly #dir: string
  readonly #durable: boolean
  readonly #counters: Log
  readonly #people: Log
  readonly #index: number
  readonly #pages: (Float64Array | undefined)[] = []
  readonly #counts = new Array<number>(COUNTERS.length).fill(0)
  readonly #scratch = Buffer.allocUnsafe(FIRST_READ)
  #seen = 0
  #synced: Promise<void> | undefined

  constructor(dir: string, { durable }: Settings) {
    this.#dir = dir
    this.#durable = durable
    this.#counters = new Log(join(dir, 'counters'))
    this.#people = new Log(join(dir, 'people'))
    this.#index = fs.openSync(join(dir, 'index'), O_RDWR | O_CREAT)
  }

  // ---- counters ----

  set(counter: string, count: number): void {
    this.#counters.end()
    this.#change(counter, () => count)
    if (this.#durable) fs.fdatasyncSync(this.#counters.fd)
  }

  increment(counter: string): void {
    this.#change(counter, count => count + 1)
  }

  #change(counter: string, next: (count: number) => number): void {
    const n = COUNTERS.indexOf(counter as (typeof COUNTERS)[number])
    this.#counters.locked(end => {
      this.#readLast(end)
      this.#counts[n] = next(this.#counts[n] ?? 0)
      const state = Buffer.alloc(COUNTERS_LENGTH)
      packr.pack(this.#counts).copy(state)
      const frame = frameOf([state])
      fs.writeSync(this.#counters.fd, frame)
      this.#seen = end + frame.length
    })
  }

  #readLast(end: number): void {
    if (end === this.#seen) return
    this.#seen = end
    const frame = Buffer.allocUnsafe(COUNTERS_FRAME)
    fs.readSync(this.#counters.fd, frame, 0, COUNTERS_FRAME, end - COUNTERS_FRAME)
    const counts = unpackr.unpackMultiple(checkedState(frame, HEADER))[0] as number[]
    counts.forEach((count, n) => (this.#counts[n] = count))
  }

  read(counter: string): number {
    // A frame that is just being written may be there in part.
    const end = this.#counters.end()
    this.#readLast(end - (end % COUNTERS_FRAME))
    return this.#counts[COUNTERS.indexOf(counter as (typeof COUNTERS)[number])] ?? 0
  }

  catchUp(): void {
    for (const frame of frames(this.#counters.fd, this.#seen)) {
      checkedState(frame, HEADER)
      this.#seen += frame.length
    }
  }

  /** All that are in flight share one fdatasync. */
  setAsync(counter: string, count: number): Promise<void> {
    this.#counters.end()
    this.#change(counter, () => count)
    this.#synced ??= Promise.resolve().then(async () => {
      this.#synced = undefined
      await fdatasync(this.#counters.fd)
    })
    return this.#synced
  }

  flush(): void {
    fs.fdatasyncSync(this.#counters.fd)
  }

  // ---- people ----

  put(people: readonly Person[]): void {
    const states = people.map(encode)
    this.#people.locked(end => {
      const frame = frameOf(states, (n, at) => {
        const { id } = people[n] as Person
        this.#page(id)[id % PAGE] = end + at
      })
      fs.writeSync(this.#people.fd, frame)
    })
  }

  load(people: Iterable<Person>): void {
    let batch: Person[] = []
    for (const person of people) {
      if (batch.push(person) < LOADED_AT_ONCE) continue
      this.put(batch)
      batch = []
    }
    this.put(batch)
  }

  update(ids: Uint32Array): void {
    this.put(
      Array.from(ids, id => {
        const person = this.#person(id)
        person.age++
        return person
      }),
    )
  }

  age(id: number): number {
    return this.#person(id).age
  }

  hold(id: number): { readonly age: number } {
    return this.#person(id)
  }

  #person(id: number): Person {
    const offset = this.#page(id)[id % PAGE] ?? 0
    fs.readSync(this.#people.fd, this.#scratch, 0, FIRST_READ, offset)
    return decode(checkedState(this.#scratch, 0))
  }

  #page(id: number): Float64Array {
    const number = Math.floor(id / PAGE)
    const known = this.#pages[number]
    if (known !== undefined) return known
    const page = new Float64Array(PAGE)
    fs.readSync(this.#index, page, 0, page.byteLength, number * page.byteLength)
    this.#pages[number] = page
    return page
  }

  /** The records stand in the order of their keys. */
  sum(): number {
    let sum = 0
    for (const frame of frames(this.#people.fd, 0)) {
      for (let at = HEADER; at < frame.length - TRAILER;) {
        const state = checkedState(frame, at)
        sum += decode(state).age
        at += RECORD_HEADER + state.length
      }
    }
    return sum
  }

  pack(): void {
    const path = join(this.#dir, 'packed')
    const fd = fs.openSync(path, 'w')
    let batch: Uint8Array[] = []
    let bytes = 0
    const write = (): void => {
      fs.writeSync(fd, frameOf(batch))
      batch = []
      bytes = 0
    }
    for (const page of this.#livePages()) {
      for (const offset of page) {
        if (offset === 0) continue
        fs.readSync(this.#people.fd, this.#scratch, 0, FIRST_READ, offset)
        const state = Buffer.from(checkedState(this.#scratch, 0))
        batch.push(state)
        bytes += state.length
        if (bytes > CHUNK) write()
      }
    }
    write()
    fs.fdatasyncSync(fd)
    fs.closeSync(fd)
    fs.renameSync(path, join(this.#dir, 'people'))
  }

  *#livePages(): Generator<Float64Array> {
    const pages = Math.ceil(fs.fstatSync(this.#index).size / (8 * PAGE))
    for (let n = 0; n < pages; n++) yield this.#page(n * PAGE)
  }

  close(): void {
    this.#pages.forEach((page, number) => {
      if (page !== undefined) fs.writeSync(this.#index, page, 0, page.byteLength, number * page.byteLength)
    })
    fs.closeSync(this.#index)
    this.#counters.close()
    this.#people.close()
  }
}

export const floor: Contender = { open: (dir, settings) => new FloorStore(dir, settings) }
