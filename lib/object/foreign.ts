// What an object is refused with where another connection's objects are: each connection has objects of its own for what is stored.
import { ValueError } from '../error.js'
import type { Header } from './header.js'

export function foreign(path: string, { name, oid }: Header): ValueError {
  return new ValueError(
    path,
    `${name} ${oid} belongs to another connection. If that is one to the same store, get(${oid}) of this connection gives the same object ` +
      'here; if not, store a new object, made of plain(it), and in that new collections, each made of plain(collection). Or use one connection for both',
  )
}
