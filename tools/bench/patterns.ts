// What ordinary programs do with a store, rather than single operations: indexes of their own, and one growing document. Microseconds
// of one act, by the clock, nothing synced; every column in a process of its own, and once, so that only what differs by half says anything.
//   node dist/tools/bench/patterns.js [--people 100000 --most 2000 | --short]
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isInstalled } from './peer.js'
import { person, shuffled } from './person.js'
import { DOCUMENTS, DOCUMENT_STEPS, task } from './patterns/document.js'
import { REGISTRIES, type Citizen, type Registry } from './patterns/indexed.js'
import { workPlace } from './places.js'

const { values: options } = parseArgs({
  options: {
    people: { type: 'string' },
    /** Tasks in the largest document. */
    most: { type: 'string' },
    /** Few of everything: does it still work? */
    short: { type: 'boolean', default: false },
    /** Of a process that measures. */
    registry: { type: 'string' },
    document: { type: 'string' },
    size: { type: 'string', default: '0' },
    dir: { type: 'string', default: '' },
  },
})
const people = Number(options.people ?? (options.short ? 2000 : 100_000))
const most = Number(options.most ?? (options.short ? 20 : 2000))
const TOWN = 1000

/** Of so many people each town has a thousand, or it is one. */
const towns = Math.max(2, Math.round(people / TOWN))
const townOf = (n: number): string => `town ${n % towns}`
const citizen = (id: number): Citizen => {
  const { name, email, age } = person(id)
  return { id, name, email, age, town: townOf(id) }
}

type Figures = Record<string, number>

/** Microseconds of one of `count` things that `act` does. */
function timed(count: number, act: () => void): number {
  const started = performance.now()
  act()
  return ((performance.now() - started) * 1000) / count
}

function* inParts<T>(all: readonly T[], each: number): Generator<T[], undefined> {
  for (let from = 0; from < all.length; from += each) yield all.slice(from, from + each)
}

/** What an index gives must be what was put into it. */
function mustBe(what: string, found: number, wanted: number): void {
  if (found !== wanted) throw new Error(`${what}: ${found}, not ${wanted}`)
}

async function measureRegistry(name: string): Promise<Figures> {
  const openIt = REGISTRIES[name]
  if (!openIt) throw new RangeError(name)
  const order = Array.from(shuffled(people))
  const some = order.slice(0, Math.ceil(people / 5))
  const figures: Figures = {}
  let registry: Registry = openIt(options.dir)
  figures['entered, 100 a commit'] = timed(people, () => {
    for (const part of inParts(order, 100)) registry.enter(part.map(citizen))
  })
  await registry.close()
  registry = openIt(options.dir)
  figures['found by the email, cold'] = timed(some.length, () => {
    for (const id of some) mustBe('the age', registry.byEmail(person(id).email), person(id).age)
  })
  await registry.close()
  registry = openIt(options.dir)
  figures['gone through by town, each'] = timed(people, () => {
    let met = 0
    for (let n = 0; n < towns; n++) met += registry.inTown(townOf(n)).length
    mustBe('people in towns', met, people)
  })
  figures['moved to another town, each its own commit'] = timed(some.length, () => {
    for (const id of some) registry.move([id], townOf(id + 1))
  })
  figures['the same, 100 a commit'] = timed(some.length, () => {
    for (const part of inParts(some, 100)) registry.move(part, townOf(part[0] ?? 0))
  })
  figures['removed, 100 a commit'] = timed(some.length, () => {
    for (const part of inParts(some, 100)) registry.remove(part)
  })
  let left = 0
  for (let n = 0; n < towns; n++) left += registry.inTown(townOf(n)).length
  mustBe('people that are left', left, people - some.length)
  await registry.close()
  return figures
}

function measureDocument(name: string, size: number): Figures {
  const openIt = DOCUMENTS[name]
  if (!openIt) throw new RangeError(name)
  const document = openIt(options.dir)
  document.change(({ list, byName }) => {
    for (let n = 0; n < size; n++) {
      list.push(task(n))
      byName[`task ${n}`] = task(n)
    }
  })
  const times = options.short ? 10 : Math.min(5000, 400_000 / size)
  const figures: Figures = {}
  for (const [step, act] of Object.entries(DOCUMENT_STEPS)) {
    figures[step] = timed(times, () => {
      for (let n = 0; n < times; n++) document.change(content => act(content, n, size))
    })
  }
  document.close()
  return figures
}

/** What a process of its own measured. */
function measured(work: string, ...args: readonly string[]): Figures {
  const dir = join(work, 'own')
  mkdirSync(dir)
  const given = ['--people', String(people), '--dir', dir, ...(options.short ? ['--short'] : []), ...args]
  const { status, stdout } = spawnSync(process.execPath, ['--no-warnings', fileURLToPath(import.meta.url), ...given], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  rmSync(dir, { recursive: true })
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}`)
  return JSON.parse(stdout) as Figures
}

function printTable(title: string, columns: Readonly<Record<string, Figures>>): void {
  const names = Object.keys(columns)
  console.log(`\n${title.padEnd(44)}${names.map(name => name.padStart(16)).join('')}`)
  for (const line of Object.keys(columns[names[0] ?? ''] ?? {})) {
    const figures = names.map(name => (columns[name]?.[line] ?? NaN).toFixed(1).padStart(16))
    console.log(`${line.padEnd(44)}${figures.join('')}`)
  }
}

function measureAll(work: string): void {
  const stores = Object.keys(REGISTRIES).filter(name => name === 'perdure' || isInstalled(name))
  const registries = stores.map(name => [name, measured(work, '--registry', name)] as const)
  printTable(`${people} people with indexes, us`, Object.fromEntries(registries))
  for (const size of [20, 200, 2000].filter(size => size <= most)) {
    const documents = Object.keys(DOCUMENTS).map(
      name => [name, measured(work, '--document', name, '--size', String(size))] as const,
    )
    printTable(`a document of twice ${size} tasks, us`, Object.fromEntries(documents))
  }
}

if (options.registry !== undefined) console.log(JSON.stringify(await measureRegistry(options.registry)))
else if (options.document !== undefined)
  console.log(JSON.stringify(measureDocument(options.document, Number(options.size))))
else {
  const work = workPlace()
  try {
    measureAll(work)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
