// The bytes of one page of the offset index, as spec/format.md describes them: each offset as its distance from the one before, so
// that objects that stand close to each other take two or three bytes. Pure functions.
import { PAGE } from './offset-index.js'
import { VarintReader, writeVarint } from './varint.js'

/** An offset takes at most so many bytes. */
const LONGEST = 8

export function encodePage(page: Float64Array): Buffer {
  const bytes = Buffer.allocUnsafe(PAGE * LONGEST + LONGEST)
  let at = 0
  let before = 0
  for (let n = 0; n < PAGE;) {
    const offset = page[n] ?? 0
    if (offset === 0) {
      const from = n
      while (n < PAGE && page[n] === 0) n++
      bytes[at++] = 0
      at = writeVarint(bytes, at, n - from)
      continue
    }
    const distance = offset - before
    at = writeVarint(bytes, at, distance > 0 ? 2 * distance - 1 : -2 * distance + 2)
    before = offset
    n++
  }
  return bytes.subarray(0, at)
}

/** undefined: these bytes are no page. */
export function decodePage(bytes: Uint8Array): Float64Array | undefined {
  const page = new Float64Array(PAGE)
  const reader = new VarintReader(bytes, 0, bytes.length)
  let before = 0
  for (let n = 0; n < PAGE;) {
    const value = reader.next()
    if (value === 0) {
      const absent = reader.next()
      if (reader.failed || absent === 0 || absent > PAGE - n) return undefined
      n += absent
      continue
    }
    before += value % 2 === 1 ? (value + 1) / 2 : 1 - value / 2
    if (!(before > 0 && before <= Number.MAX_SAFE_INTEGER)) return undefined
    page[n++] = before
  }
  return reader.failed || reader.at !== bytes.length ? undefined : page
}
