// One field of one object changed per commit, through the public interface.
import { open, Persistent } from 'perdure'

class Counter extends Persistent {
  static type = 'Counter'
  count = 0
}

const [path = '', commits = '100000'] = process.argv.slice(2)
const db = open(path, { root: Counter, durability: 'os' })
const { root } = db

function commit(): void {
  root.count++
  db.commit()
}

for (let n = 0; n < 2000; n++) commit()
const started = performance.now()
for (let n = 0; n < Number(commits); n++) commit()
console.log((Number(commits) / (performance.now() - started)) * 1000)
db.close()
