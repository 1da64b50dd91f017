// Entries of a stored state as anybody can look at them: no container is tracked, nothing is loaded into a connection.
import { Decoder } from '../../object/codec.js'
import { unresolvedOid } from '../../object/header.js'
import { copyLeaf } from '../../object/values.js'
import type { Oid } from '../../store/types.js'
import type { StoredKey } from '../key.js'
import type { Found, Tree } from './tree.js'

type Reference = (oid: Oid) => unknown

export function lookAtKey(key: StoredKey, reference: Reference): unknown {
  return plainKey(key, part => (typeof part === 'symbol' ? reference(unresolvedOid(part)) : part))
}

export function lookAtValue(tree: Tree, entry: Found, reference: Reference): unknown {
  const { leaf, at } = tree.content(entry)
  return leaf.valued ? new Decoder(leaf.refs.map(reference), undefined).value(leaf.value(at)) : undefined
}

/** A key as ordinary data; `convert` each part that is none. */
export function plainKey(key: StoredKey, convert: (value: unknown) => unknown): unknown {
  if (Array.isArray(key)) return (key as readonly StoredKey[]).map(part => plainKey(part, convert))
  return key instanceof Uint8Array ? copyLeaf(key) : convert(key)
}
