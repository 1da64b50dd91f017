// Values into MessagePack: what unpack.ts reads, each in its shortest form. What is written stands in large runs of bytes, one
// after another, and is never written over: whoever wants it takes the stretch in which it stands.
import { CommitTooLargeError } from '../error.js'
import { LARGEST_FRAME } from '../log/frame.js'
import { copyOf, type Stretch } from '../store/types.js'
import { isOrdinaryString, TAG, type Packable } from './values.js'

/** Bytes of a run. What does not fit in gets a longer one. */
const RUN = 1 << 15
/** Strings of so many units are written by native code. */
const LONG_TEXT = 64
/** For shorter ones there is room made for the most bytes that they can take. */
const SHORT_TEXT = 1 << 14
/** Fewer bytes are copied one by one. */
const FEW_BYTES = 128
/** No UTF-16 unit takes more bytes. */
const MOST_EACH = 3
/** A run that must grow gets as much again as has been written, but not more than this: a large value alone takes what it needs. */
const MOST_SPARE = 1 << 26

/** References whose numbers take one byte. */
const SHORT_REFERENCES = 128
const IN_ORDER_EACH = 3
const IN_ORDER = Uint8Array.from(Array.from({ length: SHORT_REFERENCES }, (_, index) => [0x81, 0xa0, index]).flat())

export class Packer implements Stretch {
  #bytes: Buffer = Buffer.allocUnsafeSlow(0)
  #at = 0
  /** Where what is being written began. */
  #start = 0

  /** What is written from now on is one stretch. */
  begin(): void {
    if (this.#bytes.length > RUN) this.#newRun(RUN)
    this.#start = this.#at
  }

  // What has been written since `begin`:

  get bytes(): Uint8Array {
    return this.#bytes
  }

  get from(): number {
    return this.#start
  }

  get to(): number {
    return this.#at
  }

  nil(): void {
    this.#byte(0xc0)
  }

  boolean(value: boolean): void {
    this.#byte(value ? 0xc3 : 0xc2)
  }

  /** -0 becomes 0: it needs an escape. */
  number(value: number): void {
    this.#makeRoom(9)
    const bytes = this.#bytes
    if (value >>> 0 === value) {
      if (value < 0x80) bytes[this.#at++] = value
      else if (value < 0x100) this.#token(0xcc, value, 1)
      else if (value < 0x10000) this.#token(0xcd, value, 2)
      else this.#token(0xce, value, 4)
    } else if (value >> 0 === value) {
      if (value >= -0x20) bytes[this.#at++] = value
      else if (value >= -0x80) this.#token(0xd0, value, 1)
      else if (value >= -0x8000) this.#token(0xd1, value, 2)
      else this.#token(0xd2, value, 4)
    } else {
      bytes[this.#at] = 0xcb
      this.#at = bytes.writeDoubleBE(value, this.#at + 1)
    }
  }

  /** False: it is no ordinary string (see values.ts), which needs an escape; nothing has been written. */
  text(value: string): boolean {
    const { length } = value
    if (length >= LONG_TEXT) return this.#anyText(value)
    this.#makeRoom(2 + MOST_EACH * length)
    const bytes = this.#bytes
    const head = this.#at
    let at = head + 1
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i)
      // Most of what is stored is ASCII.
      if (unit >= 0x80) return this.#anyText(value)
      bytes[at++] = unit
    }
    if (length < 0x20) {
      bytes[head] = 0xa0 | length
    } else {
      bytes.copyWithin(head + 2, head + 1, at++)
      bytes[head] = 0xd9
      bytes[head + 1] = length
    }
    this.#at = at
    return true
  }

  #anyText(value: string): boolean {
    if (!isOrdinaryString(value)) return false
    this.#utf8(value)
    return true
  }

  #utf8(value: string): void {
    const most = value.length < SHORT_TEXT ? MOST_EACH * value.length : Buffer.byteLength(value)
    this.#makeRoom(5 + most)
    const bytes = this.#bytes
    // Mostly there are as many bytes as units.
    const guess = headOf(value.length)
    const length = bytes.write(value, this.#at + guess)
    const head = headOf(length)
    if (head !== guess) bytes.copyWithin(this.#at + head, this.#at + guess, this.#at + guess + length)
    if (head === 1) bytes[this.#at++] = 0xa0 | length
    else this.#length(0xd9, length)
    this.#at += length
  }

  /** A string that is known to be ordinary; of another one, what UTF-8 can say of it. */
  string(value: string): void {
    if (!this.text(value)) this.#utf8(value)
  }

  undefined(): void {
    this.#special(TAG.undefined, 0)
  }

  /** Milliseconds since 1970. */
  date(time: number): void {
    this.#special(TAG.date, 1)
    this.number(time)
  }

  buffer(value: Uint8Array): void {
    this.#special(TAG.Buffer, 1)
    this.binary(value)
  }

  /** So many parts follow. */
  #special(tag: number, parts: number): void {
    this.map(1)
    this.string('')
    this.array(1 + parts)
    this.number(tag)
  }

  /** Reference number `index` of a record. */
  reference(index: number): void {
    this.#makeRoom(2)
    this.#bytes[this.#at++] = 0x81
    this.#bytes[this.#at++] = 0xa0
    this.number(index)
  }

  binary(value: Uint8Array): void {
    this.#makeRoom(5 + value.length)
    this.#length(0xc4, value.length)
    this.#bytes.set(value, this.#at)
    this.#at += value.length
  }

  /** So many values follow. */
  array(count: number): void {
    this.#makeRoom(5)
    if (count < 0x10) this.#bytes[this.#at++] = 0x90 | count
    else if (count < 0x10000) this.#token(0xdc, count, 2)
    else this.#token(0xdd, count, 4)
  }

  /** So many pairs of a string and a value follow. */
  map(count: number): void {
    this.#makeRoom(5)
    if (count < 0x10) this.#bytes[this.#at++] = 0x80 | count
    else if (count < 0x10000) this.#token(0xde, count, 2)
    else this.#token(0xdf, count, 4)
  }

  /** References number 0, 1, 2 ... of a record, so many. */
  references(count: number): void {
    const short = Math.min(count, SHORT_REFERENCES)
    this.packed({ bytes: IN_ORDER, from: 0, to: IN_ORDER_EACH * short })
    for (let index = short; index < count; index++) this.reference(index)
  }

  /** What has been packed before. */
  packed({ bytes, from, to }: Stretch): void {
    this.#makeRoom(to - from)
    if (to - from >= FEW_BYTES) {
      this.#bytes.set(bytes.subarray(from, to), this.#at)
      this.#at += to - from
    } else {
      const into = this.#bytes
      let at = this.#at
      for (let i = from; i < to; i++) into[at++] = bytes[i] as number
      this.#at = at
    }
  }

  value(value: Packable): void {
    if (value === null) this.nil()
    else if (typeof value === 'string') this.string(value)
    else if (typeof value === 'number') this.number(value)
    else if (typeof value === 'boolean') this.boolean(value)
    else if (value instanceof Uint8Array) this.binary(value)
    else if (Array.isArray(value)) {
      this.array(value.length)
      for (const part of value) this.value(part)
    } else {
      const keys = Object.keys(value)
      this.map(keys.length)
      for (const key of keys) {
        this.string(key)
        this.value(value[key] as Packable)
      }
    }
  }

  /** A length in one, two or four bytes; `token` stands for the first. */
  #length(token: number, length: number): void {
    if (length < 0x100) this.#token(token, length, 1)
    else if (length < 0x10000) this.#token(token + 1, length, 2)
    else this.#token(token + 2, length, 4)
  }

  #token(token: number, value: number, size: 1 | 2 | 4): void {
    const bytes = this.#bytes
    let at = this.#at
    bytes[at++] = token
    if (size === 4) {
      bytes[at++] = value >>> 24
      bytes[at++] = value >>> 16
    }
    if (size >= 2) bytes[at++] = value >>> 8
    bytes[at++] = value
    this.#at = at
  }

  #byte(byte: number): void {
    this.#makeRoom(1)
    this.#bytes[this.#at++] = byte
  }

  /** What is being written goes on in a new run, if this one has no room for so many bytes more. */
  #makeRoom(more: number): void {
    if (this.#at + more <= this.#bytes.length) return
    const begun = this.#bytes.subarray(this.#start, this.#at)
    const least = begun.length + more
    if (least > LARGEST_FRAME) throw new CommitTooLargeError(least)
    this.#newRun(Math.max(RUN, least + Math.min(begun.length, MOST_SPARE)))
    this.#bytes.set(begun)
    this.#at = begun.length
  }

  #newRun(length: number): void {
    this.#bytes = Buffer.allocUnsafeSlow(length)
    this.#start = 0
    this.#at = 0
  }
}

/** Bytes before a string of so many. */
function headOf(length: number): number {
  return length < 0x20 ? 1 : length < 0x100 ? 2 : length < 0x10000 ? 3 : 5
}

const single = new Packer()

/** One value, as bytes of its own. */
export function pack(value: Packable): Uint8Array {
  single.begin()
  single.value(value)
  return copyOf(single)
}
