// Can the state of a record be decoded? For `perdure verify`, which asks that of each: no values are made but of rare escapes.
import type { Oid, StoredRecord } from '../store/types.js'
import { Decoder, unpackState } from './decoder.js'
import type { Shape } from './shapes.js'
import { noteReferences, skipValue } from './skip-packed.js'
import { readCount, unpackWith } from './unpack.js'
import { TAG, unknownForm } from './values.js'

/** Of one state after the other. */
const starts: number[] = []
const escapes: number[] = []

/** Throws SchemaError. */
export function checkState(record: StoredRecord, { keys }: Shape): void {
  if (keys === null || !isOfCommonForms(record, keys.length)) decodeAll(record, keys)
}

function decodeAll(record: StoredRecord, keys: Shape['keys']): void {
  const reference = (index: number): Oid | undefined => record.refs[index]
  const decoder = new Decoder(reference, undefined)
  for (const raw of unpackState(record, { keys }).raw) decoder.value(raw)
}

/** False: that cannot be told by the form alone. */
function isOfCommonForms(record: StoredRecord, count: number): boolean {
  starts.length = escapes.length = 0
  unpackWith(record, () => {
    noteReferences(starts, escapes)
    if (readCount() !== count) unknownForm()
    for (let n = 0; n < count; n++) skipValue(1)
  })
  const { bytes, refs } = record
  for (let n = 0; n < starts.length; n++) if (referenceAt(bytes, starts[n] as number) >= refs.length) unknownForm()
  for (let n = 0; n < escapes.length; n++) if (!isCommon(bytes, escapes[n] as number)) return false
  return true
}

/** The number of a reference that was gone past. */
function referenceAt(bytes: Uint8Array, start: number): number {
  const token = bytes[start + 2] as number
  if (token < 0x80) return token
  let number = 0
  for (let at = start + 3, left = 1 << (token - 0xcc); left > 0; left--)
    number = number * 0x100 + (bytes[at++] as number)
  return number
}

/** Whether `undefined`, -0 or a date begins there, with nothing in it that could be wrong. */
function isCommon(bytes: Uint8Array, start: number): boolean {
  if (bytes[start] !== 0x81 || bytes[start + 1] !== 0xa0) return false
  const [array, tag, part = 0xc1] = [bytes[start + 2], bytes[start + 3], bytes[start + 4]]
  if (array === 0x91) return tag === TAG.undefined || tag === TAG.negativeZero
  return array === 0x92 && tag === TAG.date && isNumber(part)
}

/** By the first byte of a value. */
function isNumber(token: number): boolean {
  return token < 0x80 || token >= 0xe0 || (token >= 0xca && token <= 0xd3)
}
