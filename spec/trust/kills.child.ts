// A process that commits until it is killed, and keeps a ledger. It says so when it begins to work and after each commit; some
// pack in between.
import { open } from 'perdure'
import { random } from '../helpers/seeded.js'
import { officeOptions, work } from './desks.js'
import { Ledger } from './ledger.js'

const [path = '', ledgerPath = '', desk = '0', seed = '0', durability = 'os', packs = ''] = process.argv.slice(2)
const r = random(Number(seed))
const ledger = new Ledger(ledgerPath)
process.stdin.on('end', () => process.exit()).resume() // the test has ended, however it did

const db = open(path, { ...officeOptions, durability: durability === 'fsync' ? 'fsync' : 'os', lockTimeout: 60_000 })
process.stdout.write('.')
for (;;) {
  const mine = db.root.desks[Number(desk)]
  if (!mine) throw new Error(`there is no desk ${desk}`)
  const n = mine.n + 1
  const bytes = r.chance(0.2) ? r.int(2_000_000) : r.int(300) // large ones take long enough to be torn
  ledger.about(n)
  if (r.chance(0.3)) db.transact(office => work(office, mine, n, bytes))
  else await db.transactAsync(office => work(office, mine, n, bytes))
  ledger.done(n)
  process.stdout.write('.')
  if (packs !== '' && r.chance(0.2)) await db.pack().catch(ignoreOtherPacker)
  if (r.chance(0.1)) await new Promise(setImmediate)
}

function ignoreOtherPacker(error: unknown): void {
  if ((error as { code?: string }).code !== 'PACK_INTERRUPTED') throw error
}
