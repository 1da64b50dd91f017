// Commits to the store at the path, then reads it, and reports what came of both.
import { open, type PerdureError } from '../../lib/index.js'

const [path = ''] = process.argv.slice(2)

function commit(): string {
  try {
    using db = open(path, { root: { n: 0 } })
    return String(db.transact(root => ++root.n))
  } catch (error) {
    const { code, message } = error as PerdureError
    return `${code} ${message}`
  }
}

const writing = commit()
using db = open(path, { readonly: true })
console.log(JSON.stringify({ writing, reading: db.root['n'] }))
