// Follows the store live while others index, and prints packages as they arrive. Ends when its parent says so.
import { openGraph } from './model.js'

const [path = ''] = process.argv.slice(2)
const db = openGraph(path, { readonly: true })
const seen = new Set<string>()

/** The packages that were indexed since the last look. */
function arrivals(): string[] {
  db.refresh()
  const arrived: string[] = []
  for (const [location, { name, version }] of db.root.packages) {
    if (version === '' || seen.has(location)) continue
    seen.add(location)
    arrived.push(`${name} ${version}`)
  }
  return arrived
}

function look(): void {
  const arrived = arrivals()
  if (arrived.length === 0) return
  const more = arrived.length > 3 ? `, and ${arrived.length - 3} more` : ''
  console.log(`  commit ${db.tid}: ${arrived.slice(0, 3).join(', ')}${more}`)
}

arrivals() // what is there already is no news
process.send?.('ready')
const timer = setInterval(look, 25)
process.once('message', () => {
  clearInterval(timer)
  look()
  console.log(`  the follower has seen ${seen.size} packages`)
  db.close()
  process.disconnect()
})
process.once('disconnect', () => process.exit())
