// A store with one of each collection, for the tests of this folder.
import { join } from 'node:path'
import type { Test } from 'tap'
import {
  open,
  Persistent,
  PersistentList,
  PersistentMap,
  PersistentSet,
  type Connection,
  type Key,
  type OpenOptions,
} from '../../lib/index.js'
import { headerOf } from '../../lib/object/header.js'
import type { Session } from '../../lib/object/session.js'
import { elsewhere } from '../object/helpers/elsewhere.js'
import { tempDir } from '../helpers/temp-dir.js'

export class Thing extends Persistent {
  static type = 'Thing'
  name = ''
  friend: Thing | undefined = undefined
}

export function thing(name: string): Thing {
  const made = new Thing()
  made.name = name
  return made
}

export class Shelf extends Persistent {
  static type = 'Shelf'
  map = new PersistentMap<Key, unknown>()
  set = new PersistentSet<Key>()
  list = new PersistentList<unknown>()
  things: Thing[] = []
}

interface Three {
  readonly db: Connection<Shelf>
  /** Of the same program; its transactions end by hand. */
  readonly other: Connection<Shelf>
  /** As another program has it: commits whenever it likes. */
  readonly rival: Connection<Shelf>
}

export function shelf(t: Test, more: Pick<OpenOptions, 'cacheBytes' | 'isolation'> = {}): Three {
  const path = join(tempDir(t), 'shelf.db')
  const options = { root: Shelf, classes: [Thing], durability: 'os', ...more } as const
  const db = open(path, options)
  const other = db.connect()
  const rival = elsewhere<Shelf>(path, options)
  t.teardown(() => {
    for (const connection of [other, db, rival]) {
      if (connection.changed) connection.abort()
      connection.close()
    }
  })
  return { db, other, rival }
}

/** Has anything asked for this object on the connection that `beside` belongs to? */
export function isKnown(beside: object, object: object): boolean {
  return (headerOf(beside)?.scope as Session).known(headerOf(object)!.oid) !== undefined
}
