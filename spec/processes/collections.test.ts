import { join } from 'node:path'
import t from 'tap'
import { verifyCollections } from '../../lib/collection/verify-collections.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { open } from 'perdure'
import { child } from '../helpers/child.js'
import { tempDir } from '../helpers/temp-dir.js'
import type { CollectionsMethods } from './collections.child.js'
import { Hall } from './hall.js'

t.test(
  'processes that insert, push, take and count at the same time lose nothing, and hardly run anything again',
  async t => {
    const path = join(tempDir(t), 'hall.db')
    open(path, { root: Hall, durability: 'os' }).close()
    const rounds = 300
    const script = new URL('./collections.child.js', import.meta.url)
    const names = ['ada', 'bob', 'eve']
    const members = await Promise.all(names.map(name => child<CollectionsMethods>(t, script, [path, name])))
    const results = await Promise.all(members.map(member => member.call('work', rounds)))
    const db = open(path, { root: Hall, durability: 'os' })
    const all = names.flatMap(name => Array.from({ length: rounds }, (_, n) => `${n} of ${name}`)).sort()
    t.same([...db.root.names.keys()], all)
    t.equal(db.root.names.size, all.length)
    t.equal(db.root.done.value, all.length)
    const lines = [...db.root.lines]
    for (const name of names) {
      const own = lines.filter(line => line.startsWith('line') && line.endsWith(` of ${name}`))
      t.same(
        own,
        Array.from({ length: rounds }, (_, n) => `line ${n} of ${name}`),
        'in its order',
      )
      const first = lines.filter(line => line.startsWith('first') && line.endsWith(` of ${name}`))
      t.same(
        first,
        Array.from({ length: rounds / 2 }, (_, n) => `first line ${rounds - 2 - 2 * n} of ${name}`),
      )
    }
    t.equal(lines.length, names.length * rounds * 1.5)
    const jobs = results.flatMap(({ taken }) => taken).concat([...db.root.jobs])
    t.same(
      jobs.sort(),
      all.map(text => `job ${text}`),
    )
    t.equal(results.reduce((sum, { runs }) => sum + runs, 0), all.length, 'nothing but merges') // prettier-ignore
    t.equal(
      verifyCollections(systemDisk, path, finding => t.fail(finding.message)),
      0,
    )
    db.close()
  },
)
