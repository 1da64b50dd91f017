// Follows the store live while others index, and prints packages as they arrive. Ends when its parent says so.
import { openGraph } from './model.js'

const [path = ''] = process.argv.slice(2)
const db = openGraph(path, { readonly: true })
const seen = new Set<string>()
let printed = 0

function look(): void {
  db.refresh()
  const arrived: string[] = []
  for (const [location, { version, name }] of db.root.packages) {
    if (version === '' || seen.has(location)) continue
    seen.add(location)
    arrived.push(`${name} ${version}`)
  }
  if (arrived.length === 0) return
  printed += arrived.length
  console.log(`  commit ${db.tid}: ${arrived.slice(0, 3).join(', ')}${arrived.length > 3 ? `, and ${arrived.length - 3} more` : ''}`)
}

const timer = setInterval(look, 25)
process.once('message', () => {
  clearInterval(timer)
  look()
  console.log(`  the follower saw ${printed} packages`)
  db.close()
  process.disconnect()
})
