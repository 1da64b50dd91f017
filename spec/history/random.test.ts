// Several processes run random transactions on one store, while one of them packs again and again; then all that they have
// seen is judged together. PERDURE_HISTORY_SECONDS says for how long; `npm run soak:history` is an hour.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { verifyCollections } from '../../lib/collection/verify-collections.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { open } from '../../lib/index.js'
import { verify } from '../../lib/store/verify.js'
import { child } from '../helpers/child.js'
import { seeded } from '../helpers/seeded.js'
import { tempDir } from '../helpers/temp-dir.js'
import { bankOptions } from './bank.js'
import { check, countMerged } from './check.js'
import type { Part, ParticipantMethods } from './participant.child.js'
import type { Recorded } from './recorded.js'
import { View } from './view.js'

const PROCESSES = 4
const seconds = Number(process.env.PERDURE_HISTORY_SECONDS || 8)
const ROUND = Math.min(4, seconds)
t.setTimeout((seconds * 3 + 60) * 1000)

const script = new URL('./participant.child.js', import.meta.url)

t.test(
  'whatever several processes and a packer do at once, each sees and leaves what its isolation promises',
  async t => {
    const r = seeded(t)
    const dir = tempDir(t)
    const children = await Promise.all(Array.from({ length: PROCESSES }, () => child<ParticipantMethods>(t, script)))
    const sum = { transactions: 0, commits: 0, merged: 0, conflicts: 0, packs: 0 }
    for (let round = 0; round < seconds / ROUND; round++) {
      const path = join(dir, `${round}.db`)
      const db = open(path, { ...bankOptions, durability: 'os' })
      db.transact(bank => bank.furnish())
      const since = db.tid
      const initial = new View(db.root, '').everything()

      const durability = r.pick(['os', 'os', 'fsync'] as const)
      const isolations = r.pick([['serializable'], ['snapshot'], ['serializable', 'snapshot']] as const)
      const parts = children.map((_, n): Part => ({
        path,
        who: `process ${n}`,
        seed: r.int(2 ** 32),
        milliseconds: ROUND * 1000,
        durability,
        isolation: r.pick(isolations),
        packs: n === 0,
        into: `${path}.${n}.json`,
      }))
      const counts = await Promise.all(children.map((each, n) => each.call('take', parts[n]!)))

      const transactions = parts.flatMap(({ into }) => JSON.parse(readFileSync(into, 'utf8')) as Recorded[])
      const final = new View(db.root, '').everything()
      const history = { initial, since, transactions, final, until: db.tid }
      const found = check(history)
      t.same(found.slice(0, 10), [], `round ${round}: ${durability}, ${isolations.join(' and ')}`)
      const findings: string[] = []
      verify(systemDisk, path, ({ message }) => findings.push(message))
      verifyCollections(systemDisk, path, ({ message }) => findings.push(message))
      t.same(findings, [], 'the file verifies')
      db.close()

      const count = (outcome: Recorded['outcome']): number =>
        transactions.filter(each => each.outcome === outcome).length
      sum.transactions += transactions.length
      sum.commits += count('committed')
      sum.merged += countMerged(history)
      sum.conflicts += count('conflict') + count('repeated')
      sum.packs += counts.reduce((all, { packed }) => all + packed, 0)
    }
    const { transactions, commits, merged, conflicts, packs } = sum
    t.comment(`${transactions} transactions, ${commits} commits, ${merged} of them merged, ${packs} packs`)
    t.comment(`${conflicts} conflicts or repetitions`)
    t.ok(commits > 100 && merged > 20 && conflicts > 10 && packs > 3, 'and there was something to judge')
  },
)
