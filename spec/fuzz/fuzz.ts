// Runs one case after another, each from a seed of its own, until the time is over. A case fails by throwing, by taking too long,
// or by leaving a changed prototype; the command that repeats exactly this case is printed with it.
//
//   PERDURE_FUZZ_SECONDS   how long (6 unless told; `npm run soak:fuzz` takes hours)
//   PERDURE_SEED           seed of the first case; the next has one more
//   PERDURE_FUZZ_CASES     stop after so many
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import root, { type Test } from 'tap'
import { cpuTime, prototypes } from '../damage/exercise.js'
import { random, seeded, type Random } from '../helpers/seeded.js'

const MOST_FAILURES = 5
const MOST_MILLISECONDS = 1000
const MOST_BYTES = 2 ** 29
/** Looking at all prototypes takes about as long as some cases do. */
const PROTOTYPES_EVERY = 50

/** `script`: the test's `import.meta.url`. */
export async function fuzz(t: Test, script: string, one: (random: Random) => unknown): Promise<void> {
  const seconds = Number(process.env.PERDURE_FUZZ_SECONDS || 6)
  const cases = Number(process.env.PERDURE_FUZZ_CASES || Infinity)
  for (const each of [root, t]) each.setTimeout((seconds + 60) * 1000)
  const { seed } = seeded(t)
  const command = (n: number, count = 1): string =>
    `PERDURE_SEED=${seed + n} PERDURE_FUZZ_CASES=${count} node ${relative(process.cwd(), fileURLToPath(script))}`
  const before = prototypes()
  const until = performance.now() + seconds * 1000
  let failures = 0
  let n = 0
  for (; n < cases && failures < MOST_FAILURES && performance.now() < until; n++) {
    const why = await outcome(one, seed + n)
    if (why !== undefined) {
      failures++
      t.fail(`${why}\n${command(n)}`)
    }
    if (n % PROTOTYPES_EVERY > 0) continue
    await new Promise(setImmediate) // what only a WeakRef leads to goes at the end of a turn
    if (prototypes() === before) continue
    t.fail(`a prototype has been changed\n${command(n - PROTOTYPES_EVERY, PROTOTYPES_EVERY)}`)
    break
  }
  t.equal(prototypes(), before, 'no prototype has been changed')
  const most = process.resourceUsage().maxRSS * 1024
  t.ok(most < MOST_BYTES, `${n} cases in ${Math.round(most / 2 ** 20)} MiB`)
}

async function outcome(one: (random: Random) => unknown, seed: number): Promise<string | undefined> {
  // What takes long only once took long because of something else.
  for (let attempt = 1; attempt <= 3; attempt++) {
    const started = cpuTime()
    try {
      await one(random(seed))
    } catch (error) {
      return error instanceof Error ? (error.stack ?? error.message) : String(error)
    }
    if (cpuTime() - started < MOST_MILLISECONDS) return undefined
  }
  return `took more than ${MOST_MILLISECONDS} ms`
}
