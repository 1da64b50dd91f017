// Follows a store that others write, and prints every commit that arrives: node dist/examples/follow.js todo.db
import { open } from 'perdure'
import { setTimeout as sleep } from 'node:timers/promises'

const [path = 'todo.db', until = ''] = process.argv.slice(2)
const db = open(path, { readonly: true })
console.log(`commit ${db.tid}:`, db.root)

for (let seen = db.tid; until === '' || seen < Number(until); await sleep(20)) {
  db.refresh() // one lseek when nothing has happened
  if (db.tid === seen) continue
  const commits = [...db.log({ after: seen })]
  const packed = db.tid - seen - commits.length // commits are numbered without a gap
  if (packed > 0) console.log(`commits from ${seen + 1} to ${seen + packed} were packed before they were seen`)
  for (const { tid, types, note = '' } of commits) console.log(`commit ${tid} wrote`, types, note)
  seen = db.tid
  console.log(`commit ${seen}:`, db.root)
}
db.close()
