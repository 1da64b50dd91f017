// Fills a store until the system takes no more, or packs it; then prints how that went, as one line of JSON.
// Arguments: what to do (`fill` or `pack`), and the path of the store.
import { PerdureError } from '../../lib/error.js'
import { systemErrorIn } from '../../lib/file/disk-error.js'
import { open } from '../../lib/index.js'
import { addNote, ROOT } from './notes.js'

export interface Report {
  /** How many notes the process believes that there are. */
  readonly count: number
  /** Codes of the error that ended it, and of its cause. */
  readonly code: string | undefined
  readonly cause: string | undefined
  /** Whether the same error comes again, and nothing else. */
  readonly again: string | undefined
}

const [what = '', path = ''] = process.argv.slice(2)

function codesOf(error: unknown): { code: string; cause: string | undefined } {
  if (!(error instanceof PerdureError)) throw error
  return { code: error.code, cause: systemErrorIn(error)?.code ?? systemErrorIn(error.cause)?.code }
}

async function attempt(): Promise<{ code: string; cause: string | undefined } | undefined> {
  try {
    if (what === 'pack') await db.pack()
    else for (let n = 0; n < 1000; n++) db.transact(addNote)
    return undefined
  } catch (error) {
    return codesOf(error)
  }
}

const db = open(path, ROOT)
const first = await attempt()
const second = await attempt()
const { count } = db.root
db.close()
console.log(JSON.stringify({ count, ...first, again: second?.code } satisfies Partial<Report>))
