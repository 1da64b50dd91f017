// Packages of other stores, from tools/bench/node_modules: the project is compiled, tested and published without them.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { ROOT } from './places.js'

const load = createRequire(join(ROOT, 'tools', 'bench', 'package.json'))

export function peer<T>(name: string): T {
  return load(name) as T
}

export function isInstalled(name: string): boolean {
  try {
    load(name)
    return true
  } catch {
    return false
  }
}

export function versionOf(name: string): string {
  const file = join(ROOT, 'tools', 'bench', 'node_modules', name, 'package.json')
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
