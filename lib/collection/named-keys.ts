// Which keys a text can mean: the other way round than keyText (inspector.ts).
import { unresolved } from '../object/header.js'
import type { Oid } from '../store/types.js'
import type { StoredKey } from './key.js'

/** Those that may be written so, a string first; undefined: there may be more, as the parts of a tuple cannot be told apart. */
export function keysNamed(text: string): readonly StoredKey[] | undefined {
  if (text.startsWith('[') && text.endsWith(']')) return undefined
  const other = otherNamed(text)
  return other === undefined ? [text] : [text, other]
}

function otherNamed(text: string): StoredKey | undefined {
  const number = Number(text)
  if (String(number) === text) return Number.isNaN(number) ? undefined : number
  if (/^-?\d+n$/.test(text)) return BigInt(text.slice(0, -1))
  if (/^<([0-9a-f]{2})*>$/.test(text)) return new Uint8Array(Buffer.from(text.slice(1, -1), 'hex'))
  const oid = / (\d+)$/.exec(text)?.[1]
  if (oid !== undefined) return unresolved(Number(oid) as Oid)
  const date = new Date(text)
  return Number.isNaN(date.getTime()) ? undefined : date
}
