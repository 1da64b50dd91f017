// What is said of a record that is whole, its checksum right, and whose state or shape is of no form that this version knows: which object
// it is of, in which file, and what to do. Whoever decodes does not know that; whoever has it decoded does.
import { SchemaError } from '../error.js'
import type { Oid } from '../store/types.js'
import { isUnknownForm } from './values.js'

/** `type`: stored name of its class; undefined: the record is a shape. `path`: of the file, if that is known. */
export function unreadable(oid: Oid, type: string | undefined, path: string | undefined): SchemaError {
  const file = path === undefined ? '' : `${path}: `
  const what = type === undefined ? `the shape ${oid}` : `the stored state of object ${oid} (${type || 'root'})`
  return new SchemaError(
    `${file}${what} has a form that this version of perdure does not know. If a newer version writes this store, update perdure; ` +
      'otherwise something else has written it: `perdure verify` lists all that cannot be read.',
    oid,
  )
}

/** The same in place of an error of decoding that does not say yet of which object; any other error as it is. */
export function asUnreadable(error: unknown, oid: Oid, type: string | undefined, path: string | undefined): unknown {
  return isUnknownForm(error) ? unreadable(oid, type, path) : error
}
