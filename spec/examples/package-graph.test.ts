import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { openGraph, type Graph } from '../../examples/package-graph/model.js'
import { projectRoot } from '../helpers/project-root.js'
import { tempDir } from '../helpers/temp-dir.js'
import { numbers, runExample } from './run-example.js'

t.setTimeout(240_000) // five times six processes

interface Wanted {
  readonly version?: string
  readonly needs?: readonly string[]
  readonly peers?: readonly string[]
}

/** Writes package.json files as npm leaves them. Keys are folders below node_modules. */
function writePackages(folder: string, packages: Readonly<Record<string, Wanted>>): void {
  const ranges = (names: readonly string[]) => Object.fromEntries(names.map(name => [name, '*']))
  for (const [location, { version = '1.0.0', needs = [], peers = [] }] of Object.entries(packages)) {
    const file = join(folder, 'node_modules', location, 'package.json')
    const name = location.replace(/^.*node_modules\//, '')
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, JSON.stringify({ name, version, dependencies: ranges(needs), peerDependencies: ranges(peers) }))
  }
}

const PACKAGES: Readonly<Record<string, Wanted>> = {
  base: {},
  app: { needs: ['base', '@scope/tool', 'old', 'not-installed'] },
  '@scope/tool': { needs: ['base', 'egg'] },
  egg: { needs: ['hen'] },
  hen: { peers: ['egg'] },
  old: { needs: ['base'] },
  'old/node_modules/base': { version: '0.9.0' },
  ...Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`leaf-${n}`, { needs: ['base', `leaf-${n + 1}`] }])),
  'leaf-40': {},
}
const COUNT = Object.keys(PACKAGES).length

/** The sum that all processes share, counted again from the references themselves. */
function checkDependents(t: Test, graph: Graph): void {
  const counted = new Map([...graph.packages.values()].map(pkg => [pkg, 0]))
  for (const pkg of graph.packages.values()) {
    for (const needed of pkg.dependencies.values()) counted.set(needed, (counted.get(needed) ?? NaN) + 1)
  }
  const wrong = [...counted].filter(([pkg, dependents]) => pkg.dependents !== dependents)
  t.same(
    wrong.map(([{ location }]) => location),
    [],
    'no count of dependents was lost',
  )
}

/** How many packages the follower has printed: three a line by name, the others by their number. */
function announced(printed: string): number {
  const lines = [...printed.matchAll(/^ {2}commit \d+: (.*?)(?:, and (\d+) more)?$/gm)]
  return lines.reduce((sum, [, names = '', more = '0']) => sum + names.split(', ').length + Number(more), 0)
}

t.test('four processes index a tree; run again, they find it, and say what has changed', async t => {
  const folder = tempDir(t)
  const look = (check: (graph: Graph) => void): void => {
    using db = openGraph(join(folder, 'package-graph.db'), { readonly: true })
    check(db.root)
  }
  writePackages(folder, PACKAGES)

  const first = await runExample(folder, 'package-graph/main')
  t.match(first, /^package-graph\.db is new$/m)
  t.match(first, new RegExp(`^${COUNT} packages added, 0 changed, 0 as before, 0 removed$`, 'm'))
  t.equal(announced(first), COUNT, 'the follower prints all, as they arrive')
  t.match(first, /\b\d+ times a transaction met a conflict and ran again$/m)
  t.match(first, new RegExp(`the follower has seen ${COUNT} packages$`, 'm'))
  t.match(first, /^ {2}42 x base 1\.0\.0$/m, 'leaves, app and tool; not old, which has a base of its own')
  t.match(first, /^a cycle: (egg -> hen -> egg|hen -> egg -> hen)$/m)
  t.match(first, new RegExp(`^\\$ perdure inspect package-graph\\.db\n(.*\n)*Package +${COUNT} `, 'm'))
  t.match(first, /^\$ perdure pack package-graph\.db\n.* -> .*kept/m)
  t.match(first, /^Look at one package: {2}npx perdure inspect package-graph\.db \/packages\/node_modules\/base$/m)
  look(graph => {
    checkDependents(t, graph)
    const at = (name: string) => graph.packages.get(join('node_modules', name))
    t.equal(graph.packages.size, COUNT)
    t.same([...(at('app')?.dependencies.keys() ?? [])], ['@scope/tool', 'base', 'old'])
    t.equal(at('app')?.dependencies.get('base'), at('base'))
    t.equal(at('old')?.dependencies.get('base'), at('old/node_modules/base'))
    t.equal(at('hen')?.dependencies.get('egg')?.dependencies.get('hen'), at('hen'))
  })

  rmSync(join(folder, 'node_modules', 'old'), { recursive: true })
  writePackages(folder, { egg: { version: '2.0.0' }, added: { needs: ['base'] } })
  const second = await runExample(folder, 'package-graph/main')
  t.match(second, new RegExp(`^package-graph\\.db has ${COUNT} packages from \\d+ commits$`, 'm'))
  t.match(second, /^ {2}commit \d+: .*\badded 1\.0\.0\b/m, 'the follower prints what is new')
  // egg is another version and needs nothing any more; app has lost one that it needed
  t.match(second, new RegExp(`^1 packages added, 2 changed, ${COUNT - 4} as before, 2 removed$`, 'm'))
  t.match(second, /^no dependency cycle$/m)
  look(graph => {
    checkDependents(t, graph)
    t.equal(graph.packages.size, COUNT - 1)
  })

  const third = await runExample(folder, 'package-graph/main')
  t.match(third, new RegExp(`^0 packages added, 0 changed, ${COUNT - 1} as before, 0 removed\n0 commits in `, 'm'))
})

t.test('what is installed here is indexed to the last package', async t => {
  const folder = tempDir(t)
  const npm = JSON.parse(readFileSync(join(projectRoot, 'node_modules', '.package-lock.json'), 'utf8')) as {
    packages: Record<string, unknown>
  }
  const installed = Object.keys(npm.packages)
  const printed = await runExample(folder, 'package-graph/main', join(folder, 'graph.db'), projectRoot)
  const [added, packages] = numbers(printed, /^(\d+) packages added.*\n.*\n(\d+) packages with \d+ dependencies/m)
  t.equal(added, installed.length)
  t.equal(packages, installed.length)
  t.same(numbers(printed, /the follower has seen (\d+) packages/), [installed.length])
  t.match(printed, /^a cycle: (\S+) -> (.* -> )?\1$/m)

  using db = openGraph(join(folder, 'graph.db'), { readonly: true })
  t.same([...db.root.packages.keys()], installed.sort())
  checkDependents(t, db.root)
})
