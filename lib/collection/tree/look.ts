// Entries of a stored state as anybody can look at them: no container is tracked, nothing is loaded into a connection.
import { GoneError } from '../../error.js'
import { Decoder } from '../../object/decoder.js'
import { unresolvedOid } from '../../object/header.js'
import { copyDate, copyLeaf, unknownForm } from '../../object/values.js'
import type { Oid } from '../../store/types.js'
import type { StoredKey } from '../key.js'
import type { Found, Tree } from './tree.js'

type Reference = (oid: Oid) => unknown

export function lookAtKey(key: StoredKey, reference: Reference): unknown {
  return plainKey(key, part => (typeof part === 'symbol' ? reference(unresolvedOid(part)) : part))
}

export function lookAtValue(tree: Tree, entry: Found, reference: Reference): unknown {
  if (!entry.leaf.valued) return undefined
  const { leaf, at } = contentOf(tree, entry) ?? { leaf: undefined, at: 0 }
  if (!leaf) return reference(entry.leaf.apart(entry.at) ?? unknownForm())
  return new Decoder(leaf.refs.map(reference), undefined).value(leaf.value(at))
}

/** undefined: nothing is left of it. */
function contentOf(tree: Tree, entry: Found): Found | undefined {
  try {
    return tree.content(entry)
  } catch (error) {
    if (error instanceof GoneError) return undefined
    throw error
  }
}

/** A key as ordinary data; `convert` each part that is none. */
export function plainKey(key: StoredKey, convert: (value: unknown) => unknown): unknown {
  if (Array.isArray(key)) return (key as readonly StoredKey[]).map(part => plainKey(part, convert))
  if (typeof key !== 'object') return convert(key)
  return copyDate(key) ?? (key instanceof Uint8Array ? copyLeaf(key) : convert(key))
}
