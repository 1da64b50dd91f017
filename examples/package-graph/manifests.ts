// Reads what is installed below node_modules.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** One installed package, as its package.json describes it. */
export interface Manifest {
  readonly location: string
  readonly name: string
  readonly version: string
  /** The folders of the packages that it needs, as far as they are installed. */
  readonly needs: ReadonlyMap<string, string>
}

/** All folders below `root`/node_modules that hold a package, nested ones included; relative to `root`. */
export function findPackages(root: string, below = 'node_modules'): string[] {
  const found: string[] = []
  for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
    if (!entry.isDirectory() || entry.name.startsWith('.')) continue
    const location = join(below, entry.name)
    if (entry.name.startsWith('@')) {
      found.push(...findPackages(root, location))
    } else if (existsSync(join(root, location, 'package.json'))) {
      found.push(location)
      if (existsSync(join(root, location, 'node_modules')))
        found.push(...findPackages(root, join(location, 'node_modules')))
    }
  }
  return found
}

export function readManifest(root: string, location: string): Manifest {
  const parsed = JSON.parse(readFileSync(join(root, location, 'package.json'), 'utf8')) as Record<string, unknown>
  const needs = new Map<string, string>()
  for (const field of ['dependencies', 'peerDependencies', 'optionalDependencies']) {
    for (const name of Object.keys((parsed[field] as object | undefined) ?? {})) {
      const where = resolve(root, location, name)
      if (where !== undefined && where !== location) needs.set(name, where)
    }
  }
  const { name = location, version = '?' } = parsed as { name?: string; version?: string }
  return { location, name, version, needs }
}

/** As Node looks for it: in the package's own node_modules, then in those further up. */
function resolve(root: string, location: string, name: string): string | undefined {
  for (let from = location; ; from = dirname(from)) {
    const candidate = from === '.' ? join('node_modules', name) : join(from, 'node_modules', name)
    if (existsSync(join(root, candidate, 'package.json'))) return candidate
    if (from === '.') return undefined
  }
}
