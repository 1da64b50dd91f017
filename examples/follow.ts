// Follows a store that others write, and prints every commit that arrives: node dist/examples/follow.js todo.db
import { open } from 'perdure'
import { setTimeout as sleep } from 'node:timers/promises'

const [path = 'todo.db', until = ''] = process.argv.slice(2)
const db = open(path, { readonly: true })

for (let seen = 0; until === '' || seen < Number(until); await sleep(20)) {
  db.refresh() // one lseek when nothing has happened
  if (db.tid === seen) continue
  seen = db.tid
  console.log(`commit ${seen}:`, db.root)
}
db.close()
