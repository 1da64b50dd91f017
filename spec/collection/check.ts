// The structural check, for tests: of a collection as a connection's snapshot shows it, and of how full the library keeps nodes.
import { oidOf } from '../../lib/index.js'
import type { PersistentList, PersistentMap, PersistentSet } from '../../lib/index.js'
import type { Handed } from '../../lib/collection/handed.js'
import { checkTree } from '../../lib/collection/tree/check.js'
import type { StoredKey } from '../../lib/collection/key.js'
import { innerShare, LEAST, leafShare } from '../../lib/collection/tree/fullness.js'
import { innerOf, leafOf, rootOf } from '../../lib/collection/tree/node.js'
import { RawValue } from '../../lib/collection/tree/raw-value.js'
import { headerOf } from '../../lib/object/header.js'
import type { RecordView } from '../../lib/object/record-view.js'
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
  const oid = oidOf(collection) as Oid
  checkTree(view, oid, formOf(collection), fault => faults.push(fault))
  const root = rootOf(view.read(oid), formOf(collection))
  if (!root.leaf) checkFilled(view, root.root, root.height, undefined, true, fault => faults.push(fault))
  return faults
}

/** Sums of many shares are not exact. */
const SLACK = 1e-9

/** `low`: what separates the node from the one before. */
function checkFilled(
  view: RecordView,
  oid: Oid,
  level: number,
  low: StoredKey | undefined,
  isRoot: boolean,
  found: (fault: string) => void,
): void {
  let fill = 0
  if (level === 0) {
    const leaf = leafOf(view, oid)
    for (let i = 0; i < leaf.size; i++) fill += leafShare(leaf.keys[i], new RawValue(leaf, i))
  } else {
    const { separators, children } = innerOf(view, oid)
    children.forEach((child, i) => {
      const separator = i === 0 ? low : separators[i - 1]
      fill += innerShare(separator)
      checkFilled(view, child, level - 1, separator, false, found)
    })
  }
  if (fill > 1 + SLACK) found(`node ${oid} is too full: ${fill.toFixed(3)}`)
  if (fill < LEAST - SLACK && !isRoot) found(`node ${oid} is too empty: ${fill.toFixed(3)}`)
}

/** How high its tree is (0: it is one record), and how many nodes it has. */
export function shapeOf(collection: Checked): { height: number; nodes: number } {
  const { view } = headerOf(collection)!.scope as Session
  const root = rootOf(view.read(oidOf(collection) as Oid), formOf(collection))
  const nodesBelow = (oid: Oid, level: number): number =>
    level === 0 ? 1 : innerOf(view, oid).children.reduce((sum, child) => sum + nodesBelow(child, level - 1), 1)
  return { height: root.height, nodes: root.leaf ? 0 : nodesBelow(root.root, root.height) }
}

/** The keys of all that a collection has handed out and somebody may have, in the order in which they are kept. */
export function handedOutKeys(collection: Checked): readonly StoredKey[] {
  return (headerOf(collection) as unknown as { handed: Handed }).handed.table.keysBetween(0, Infinity)
}
