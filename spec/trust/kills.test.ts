// Real processes, killed at random moments of their work: opening, committing, syncing, packing. PERDURE_KILLS says how many;
// `npm run soak:kills` kills ten thousand.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import { open } from 'perdure'
import { verify } from '../../lib/store/verify.js'
import { plainNode } from '../helpers/plain-node.js'
import { random, seeded, type Random } from '../helpers/seeded.js'
import { tempDir } from '../helpers/temp-dir.js'
import { Desk, lastCommits, officeOptions } from './desks.js'
import { readLedger } from './ledger.js'

const kills = Number(process.env.PERDURE_KILLS || 100)
const DESKS = 4
const ROUND = Math.min(60, kills)
t.setTimeout((kills + 60) * 1000)

const script = fileURLToPath(new URL('./kills.child.js', import.meta.url))

interface Victim {
  readonly path: string
  readonly ledger: string
  readonly desk: number
  readonly durability: string
}

/** Starts a process at a desk and kills it; returns its complaints, of which it has none. What lives so briefly is not optimised. */
async function kill(r: Random, { path, ledger, desk, durability }: Victim): Promise<string> {
  const [command, args] = plainNode(
    '--no-opt',
    '--single-threaded-gc',
    script,
    path,
    ledger,
    String(desk),
    String(r.int(2 ** 32)),
    durability,
  )
  const victim = spawn(command, [...args, ...(r.chance(0.3) ? ['packs'] : [])], { stdio: 'pipe' })
  let complaint = ''
  victim.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text))
  const gone = once(victim, 'close')
  // At any moment of its start, or a few milliseconds after it has begun to work or has made a few commits.
  if (r.chance(0.1)) await setTimeout(r.int(200))
  else {
    for (let seen = 0, wanted = 1 + r.int(5); seen < wanted && (victim.exitCode ?? victim.signalCode) === null;) {
      const [dots] = (await Promise.race([once(victim.stdout, 'data'), gone])) as [Uint8Array | null]
      seen += dots?.length ?? 0
    }
    await setTimeout(r.int(8))
  }
  victim.kill('SIGKILL')
  const [, signal] = (await gone) as [unknown, string | null]
  return signal === 'SIGKILL' ? complaint : `it had ended before it was killed: ${complaint}`
}

/** A store, and so many processes killed at it, several at once; returns how many commits were acknowledged. */
async function round(t: Test, r: Random, count: number): Promise<{ acknowledged: number; inFlight: number }> {
  const dir = tempDir(t)
  const path = join(dir, 'app.db')
  const durability = r.pick(['os', 'fsync'])
  const db = open(path, { ...officeOptions, durability: 'os' })
  db.transact(office => void (office.desks = Array.from({ length: DESKS }, () => new Desk())))
  const found: string[] = []
  let [waiting, inFlight] = [count, 0]

  const atDesk = async (desk: number, r: Random): Promise<number> => {
    let last = 0
    while (waiting-- > 0) {
      const ledger = join(dir, `ledger ${waiting}`)
      const complaint = await kill(r, { path, ledger, desk, durability })
      if (complaint !== '') found.push(complaint)
      const { about, done } = readLedger(ledger)
      const n = lastCommits(db.root)[desk] ?? NaN
      // It has gone on from where the one before it was; the last one that it began is there, or is not.
      const possible = about === 0 ? [last] : about === done ? [done] : [about - 1, about]
      if (done > 0 && about > done + 1) found.push(`${about} was begun before ${done + 1} was done`)
      if (!possible.includes(n)) found.push(`desk ${desk} is at ${n}, and ${possible.join(' or ')} was expected`)
      if (about > done) inFlight++
      last = n
    }
    return last
  }
  const last = await Promise.all(Array.from({ length: DESKS }, (_, desk) => atDesk(desk, random(r.int(2 ** 32)))))
  t.same(found, [], `${count} kills, ${durability}`)
  t.same(lastCommits(db.root), last, 'each desk is where its last process left it')

  db.close()

  const next = open(path, { ...officeOptions, durability: 'os' })
  next.transact(office => void (office.total += 0))
  next.close()
  const names = readdirSync(dir).filter(name => !name.startsWith('ledger'))
  const kept = ['app.db', 'app.db.lock', 'app.db.index']
  const left = names.filter(name => !kept.includes(name))
  t.same(left, [], 'and the next writer has tidied up')
  const findings: string[] = []
  verify(systemDisk, path, ({ message }) => findings.push(message))
  t.same(findings, [], 'the file verifies')
  return { acknowledged: last.reduce((sum, n) => sum + n, 0), inFlight }
}

t.test('processes are killed at random moments: what was acknowledged is there, and every commit is whole', async t => {
  const r = seeded(t)
  let [acknowledged, inFlight] = [0, 0]
  for (let done = 0; done < kills; done += ROUND) {
    const result = await round(t, r, Math.min(ROUND, kills - done))
    acknowledged += result.acknowledged
    inFlight += result.inFlight
  }
  t.comment(`${kills} kills, ${inFlight} of them in the middle of a commit; ${acknowledged} commits were there`)
  t.ok(inFlight > kills / 20, 'some were in the middle of a commit')
})
