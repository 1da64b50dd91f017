// How a leaf is read from its record: what is not in the form of one is refused (SchemaError). Keys are decoded; of values it is found
// where they stand.
import { Decoder } from '../../object/decoder.js'
import { unresolved } from '../../object/header.js'
import { position } from '../../object/packed-cursor.js'
import type { StoredState } from '../../object/record-view.js'
import { noteReferences, skipValue } from '../../object/skip-packed.js'
import { passNull, readCount, readReference, readValue, unpackWith } from '../../object/unpack.js'
import { unknownForm } from '../../object/values.js'
import type { Oid, StoredRecord, Stretch } from '../../store/types.js'
import { decodeKey, type StoredKey } from '../key.js'
import type { Apart } from './forms.js'
import { Leaf, type Places } from './leaf.js'

const NONE: readonly number[] = []

/** Of a map, set or queue. Throws SchemaError. */
export function readKeyed(state: StoredState, valued: boolean, someApart: boolean): Leaf {
  const { packed, refs, oid, tid, at, generation } = state
  const { keys, from, to, places, end, apart } = unpackWith(packed, () => {
    if (readCount() !== Number(valued) + Number(someApart) + 1) unknownForm()
    const from = position()
    const keys = readKeys(refs)
    const to = position()
    const allApart = someApart && passNull()
    const values = allApart ? { count: refs.length, places: undefined } : valued ? readPlaces(refs) : undefined
    if (values && values.count !== keys.length) unknownForm()
    const end = position()
    const apart = someApart ? readApart(keys.length, values?.places) : undefined
    if (allApart && apart !== true) unknownForm()
    return { keys, from, to, places: values?.places, end, apart }
  })
  const kept = upTo(state.keepBytes(places !== undefined), end)
  const leaf = new Leaf(keys, valued, refs, { oid, tid, at, generation }, places, kept, keys.length, apart)
  // Otherwise it would be all that is kept of the record.
  if (places) leaf.packedKeys = { bytes: kept.bytes, from, to }
  return leaf
}

/** The same of a list. Throws SchemaError. */
export function readItems(state: StoredState, someApart: boolean): Leaf {
  const { packed, refs, oid, tid, at, generation } = state
  const { count, places, end, apart } = unpackWith(packed, () => {
    if (readCount() !== Number(someApart) + 1) unknownForm()
    const { count, places } = readPlaces(refs)
    const end = position()
    return { count, places, end, apart: someApart ? readApart(count, places) : undefined }
  })
  const kept = upTo(state.keepBytes(places !== undefined), end)
  return new Leaf([], true, refs, { oid, tid, at, generation }, places, kept, count, apart)
}

/** A value that stands apart. Throws SchemaError. */
export function readApartValue(record: StoredRecord, generation: number): Leaf {
  const { oid, tid, refs, offset: at } = record
  const place = unpackWith(record, () => {
    if (readCount() !== 1) unknownForm()
    const start = position()
    if (readReference() >= 0) unknownForm()
    skipValue(2)
    return start
  })
  const places = { starts: [place], links: undefined, nested: NONE }
  return new Leaf([], true, refs, { oid, tid, at, generation }, places, record, 1)
}

/** The array of keys that comes next of what is being unpacked. */
export function readKeys(refs: readonly Oid[]): StoredKey[] {
  const keys = readValue(1)
  if (!Array.isArray(keys)) return unknownForm()
  let decoder: Decoder | undefined
  for (let n = 0; n < keys.length; n++) {
    const raw: unknown = keys[n]
    if (typeof raw === 'string' || (typeof raw === 'number' && !Number.isNaN(raw))) continue
    keys[n] = decodeKey(raw, (decoder ??= reader(refs)))
  }
  return keys as StoredKey[]
}

function reader(refs: readonly Oid[]): Decoder {
  return new Decoder(refs.map(unresolved), undefined)
}

/** The array of values that comes next. `places` undefined: value i is reference i. */
function readPlaces(refs: readonly Oid[]): { readonly count: number; readonly places: Places | undefined } {
  const count = readCount()
  const starts: number[] = []
  const nested: number[] = []
  let links: number[] | undefined
  let inOrder = true
  noteReferences(nested)
  for (let n = 0; n < count; n++) {
    starts.push(position())
    const link = readReference()
    if (link < 0) skipValue(2)
    else if (link >= refs.length) unknownForm()
    if (inOrder && link === n) continue
    if (inOrder && n > 0) links = Array.from(starts.keys()).slice(0, n)
    inOrder = false
    if (link >= 0) links ??= new Array<number>(n).fill(-1)
    links?.push(link)
  }
  noteReferences(undefined)
  return { count, places: inOrder ? undefined : { starts, links, nested: nested.length === 0 ? NONE : nested } }
}

/** Which of so many values stand apart: comes next of what is being unpacked. */
function readApart(count: number, places: Places | undefined): Apart {
  const apart = readValue(1)
  const isLink = (at: number): boolean => at < count && (places === undefined || (places.links?.[at] ?? -1) >= 0)
  if (apart === true)
    return count > 0 && (places === undefined || places.links?.every(link => link >= 0)) ? true : unknownForm()
  if (!Array.isArray(apart) || apart.length === 0) return unknownForm()
  let last = -1
  for (const at of apart as readonly unknown[]) {
    if (!Number.isSafeInteger(at) || (at as number) <= last || !isLink(at as number)) unknownForm()
    last = at as number
  }
  return apart as number[]
}

function upTo({ bytes, from, to }: Stretch, end: number): Stretch {
  return { bytes, from, to: Math.min(to, end) }
}
