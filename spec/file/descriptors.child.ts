// Commits for the first time when the process has no descriptor left but a few, and again when it has; prints what came of it, as one
// line of JSON. Arguments: the path of a store, and how many descriptors are left.
import { closeSync, openSync } from 'node:fs'
import { PerdureError } from '../../lib/error.js'
import { systemErrorIn } from '../../lib/file/disk-error.js'
import { open } from '../../lib/index.js'

const [path = '', left = '0'] = process.argv.slice(2)
const db = open(path, { root: { n: 0 } })

function commit(): string {
  try {
    return String(db.transact(root => ++root.n))
  } catch (error) {
    if (!(error instanceof PerdureError)) throw error
    return `${error.code} ${systemErrorIn(error)?.code ?? systemErrorIn(error.cause)?.code ?? error.message}`
  }
}

const taken: number[] = []
try {
  for (;;) taken.push(openSync('/dev/null', 'r'))
} catch {
  for (let n = 0; n < Number(left); n++) closeSync(taken.pop() as number)
}
const without = commit()
for (const fd of taken) closeSync(fd)
console.log(JSON.stringify([without, commit()]))
