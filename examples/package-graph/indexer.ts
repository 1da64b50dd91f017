// One of the processes that index: reads its share of the package.json files and puts them into the store.
import type { Manifest } from './manifests.js'
import { findPackages, readManifest } from './manifests.js'
import { openGraph, Package, type Graph } from './model.js'

/** What a share of the work came to. */
export interface Share {
  added: number
  changed: number
  same: number
  /** How often a transaction ran again because another process had committed in between. */
  conflicts: number
}

/** The package at `location`, made if it is not there yet (somebody else's share describes it). */
function at(graph: Graph, location: string): Package {
  const known = graph.packages.get(location)
  if (known) return known
  const made = new Package()
  made.location = location
  graph.packages.set(location, made)
  return made
}

/** True if the store says already what the manifest says. */
function isSame(pkg: Package, { version, needs }: Manifest): boolean {
  if (pkg.version !== version || pkg.dependencies.size !== needs.size) return false
  return [...needs].every(([name, where]) => pkg.dependencies.get(name)?.location === where)
}

function describe(graph: Graph, manifest: Manifest): 'added' | 'changed' | 'same' {
  const pkg = at(graph, manifest.location)
  if (isSame(pkg, manifest)) return 'same'
  const outcome = pkg.version === '' ? 'added' : 'changed'
  pkg.name = manifest.name
  pkg.version = manifest.version
  for (const old of pkg.dependencies.values()) old.dependents--
  pkg.dependencies.clear()
  for (const [name, where] of manifest.needs) {
    const needed = at(graph, where)
    needed.dependents++
    pkg.dependencies.set(name, needed)
  }
  return outcome
}

const [path = '', root = '.', number = '0', of = '1'] = process.argv.slice(2)
const db = openGraph(path)
const share: Share = { added: 0, changed: 0, same: 0, conflicts: 0 }
const mine = findPackages(root).filter((_, n) => n % Number(of) === Number(number))

for (const location of mine) {
  const manifest = readManifest(root, location)
  let runs = 0
  const outcome = db.transact(
    graph => {
      runs++
      return describe(graph, manifest)
    },
    { note: `index ${manifest.name} ${manifest.version}` },
  )
  share[outcome]++
  share.conflicts += runs - 1
}
db.close()
process.send?.(share)
