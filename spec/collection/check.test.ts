// The structural check finds what is wrong with a collection, and nothing else.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { verifyCollections } from '../../lib/collection/verify-collections.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import {
  COLLECTION,
  craftTree,
  FAULTY,
  list,
  listApart,
  map,
  mapAllApart,
  mapApart,
  type CraftedTree,
} from '../damage/crafted-tree.js'
import { tempDir } from '../helpers/temp-dir.js'

t.test('the check of collections', async t => {
  const path = join(tempDir(t), 'app.db')
  const findings = (tree: CraftedTree): string[] => {
    writeFileSync(path, craftTree(tree))
    const found: string[] = []
    verifyCollections(systemDisk, path, ({ oid, message }) => {
      t.equal(oid, COLLECTION)
      found.push(message)
    })
    return found
  }
  for (const tree of [list(), map(), mapApart(), mapAllApart(), listApart()])
    t.same(findings(tree), [], 'finds nothing where nothing is wrong')
  for (const [name, [tree, fault]] of Object.entries(FAULTY)) t.match(findings(tree).join('\n'), fault, name)
})
