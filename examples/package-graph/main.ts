// Indexes every package.json below node_modules with four processes that write one store at the same time, while a fifth
// follows it live: node dist/examples/package-graph/main.js [store] [folder]
import { fork, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Share } from './indexer.js'
import { findPackages } from './manifests.js'
import { openGraph } from './model.js'
import { findCycle, mostDependedUpon } from './report.js'

const INDEXERS = 4
const [path = 'package-graph.db', root = '.'] = process.argv.slice(2)
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url))

const isNew = !existsSync(path)
const db = openGraph(path)
const before = { tid: db.tid, packages: db.root.packages.size }
console.log(isNew ? `${path} is new` : `${path} has ${before.packages} packages from ${before.tid} commits`)

const follower = fork(here('./follower.js'), [path])
await once(follower, 'message') // it has opened the store
console.log(`${INDEXERS} processes index, a fifth follows:`)
const started = performance.now()
const indexers = Array.from({ length: INDEXERS }, (_, n) =>
  fork(here('./indexer.js'), [path, root, `${n}`, `${INDEXERS}`]),
)
const shares = await Promise.all(indexers.map(shareOf))
const seconds = (performance.now() - started) / 1000
follower.send('all is indexed')
await once(follower, 'exit')

const removed = db.transact(function forgetRemoved(graph) {
  const there = new Set(findPackages(root))
  const gone = [...graph.packages.values()].filter(({ location }) => !there.has(location))
  for (const pkg of gone) {
    for (const needed of pkg.dependencies.values()) needed.dependents--
    graph.packages.delete(pkg.location)
  }
  return gone.length
})
const sum = (count: keyof Share): number => shares.reduce((total, share) => total + share[count], 0)
console.log(`\n${sum('added')} packages added, ${sum('changed')} changed, ${sum('same')} as before, ${removed} removed`)
const commits = `${db.tid - before.tid} commits in ${seconds.toFixed(1)} s`
console.log(`${commits}; ${sum('conflicts')} times a transaction met a conflict and ran again`)

const graph = db.root
let references = 0
for (const pkg of graph.packages.values()) references += pkg.dependencies.size
console.log(`${graph.packages.size} packages with ${references} dependencies in the store\n\nmost depended upon:`)
const top = mostDependedUpon(graph, 5)
for (const { name, version, dependents } of top) {
  console.log(`  ${dependents} x ${name} ${version}`)
}
const cycle = findCycle(graph)
console.log(cycle ? `a cycle: ${cycle.map(({ name }) => name).join(' -> ')}` : 'no dependency cycle')
const example = top[0]?.location
db.close()

for (const command of ['inspect', 'pack']) {
  console.log(`\n$ perdure ${command} ${path}`)
  const { status } = spawnSync(process.execPath, [here('../../tools/cli/main.js'), command, path], { stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
console.log(`\nLook at one package:  npx perdure inspect ${path} /packages/${example}`)
console.log(`Run this again: it finds ${path}, and says what has changed since.`)

async function shareOf(indexer: ChildProcess): Promise<Share> {
  const shares: Share[] = []
  indexer.on('message', share => shares.push(share as Share))
  const [code] = (await once(indexer, 'close')) as [number | null]
  const [share] = shares
  if (code !== 0 || !share) throw new Error(`indexer ${indexer.pid} ended with ${code}`)
  return share
}
