// The structural check, for tests: of a collection as a connection's snapshot shows it.
import { oidOf } from '../../lib/index.js'
import type { PersistentList, PersistentMap, PersistentSet } from '../../lib/index.js'
import { checkTree } from '../../lib/collection/tree/check.js'
import { innerOf, rootOf } from '../../lib/collection/tree/node.js'
import { headerOf } from '../../lib/object/header.js'
import type { Session } from '../../lib/object/session.js'
import type { Oid } from '../../lib/store/types.js'

type Checked = PersistentMap<never, unknown> | PersistentSet<never> | PersistentList<never>

/** Fields of a small one. */
export function formOf(collection: object): readonly string[] {
  const { name } = collection.constructor
  return name === 'PersistentList' ? ['items'] : name === 'PersistentSet' ? ['values'] : ['keys', 'values']
}

/** What is wrong with a stored collection; the connection has nothing pending in it. */
export function faultsOf(collection: Checked): string[] {
  const { view } = headerOf(collection)!.scope as Session
  const faults: string[] = []
  checkTree(view, oidOf(collection) as Oid, formOf(collection), fault => faults.push(fault))
  return faults
}

/** How high its tree is (0: it is one record), and how many nodes it has. */
export function shapeOf(collection: Checked): { height: number; nodes: number } {
  const { view } = headerOf(collection)!.scope as Session
  const root = rootOf(view.read(oidOf(collection) as Oid), formOf(collection))
  const nodesBelow = (oid: Oid, level: number): number =>
    level === 0 ? 1 : innerOf(view, oid).children.reduce((sum, child) => sum + nodesBelow(child, level - 1), 1)
  return { height: root.height, nodes: root.leaf ? 0 : nodesBelow(root.root, root.height) }
}
