// What the store knows in the end.
import type { Graph, Package } from './model.js'

/** The packages that most others depend on. */
export function mostDependedUpon(graph: Graph, count: number): Package[] {
  return [...graph.packages.values()].sort((a, b) => b.dependents - a.dependents).slice(0, count)
}

/** Packages that depend on each other in a circle, first one repeated at the end; undefined: there are none. */
export function findCycle(graph: Graph): Package[] | undefined {
  const done = new Set<Package>()
  const path: Package[] = []
  const visit = (pkg: Package): Package[] | undefined => {
    const start = path.indexOf(pkg)
    if (start >= 0) return [...path.slice(start), pkg]
    if (done.has(pkg)) return undefined
    path.push(pkg)
    for (const needed of pkg.dependencies.values()) {
      const cycle = visit(needed)
      if (cycle) return cycle
    }
    path.pop()
    done.add(pkg)
    return undefined
  }
  for (const pkg of graph.packages.values()) {
    const cycle = visit(pkg)
    if (cycle) return cycle
  }
  return undefined
}
