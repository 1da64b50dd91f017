// Everything that can be done to a file of unknown origin, as users and tools do it. Gives what did not go as it should: anything
// but a right answer or a typed error.
import { Readable } from 'node:stream'
import { inspect } from 'node:util'
import { loadDump } from '../../lib/collection/load-dump.js'
import { PerdureError, ValueError } from '../../lib/error.js'
import type { Disk } from '../../lib/file/disk.js'
import type { Connection } from '../../lib/object/connection.js'
import { touch } from '../../lib/object/single-objects.js'
import { dump } from '../../lib/collection/dump.js'
import { decodeAnnotation } from '../../lib/object/annotation.js'
import { Inspector } from '../../lib/object/inspector.js'
import { openWith } from '../../lib/object/open.js'
import { plain } from '../../lib/object/plain.js'
import { readHistory } from '../../lib/store/history.js'
import { recover } from '../../lib/store/recover.js'
import { Store } from '../../lib/store/store.js'
import type { Oid } from '../../lib/store/types.js'
import { measureUsage } from '../../lib/store/usage.js'
import { verify } from '../../lib/store/verify.js'
import { MemoryDisk } from './memory-disk.js'
import '../../lib/index.js'

const PATH = '/app.db'
const SAVED = '/saved.db'
const LOADED = '/loaded.db'
/** So many objects are looked at one by one. */
const MOST_OBJECTS = 300

export interface Exercise {
  /** Errors without a type. */
  readonly untyped: string[]
  /** What was looked at without any error. */
  readonly read: number
  /** Milliseconds of processor time that the slowest step took, and which it was. */
  readonly slowest: number
  readonly slowestStep: string
}

/** Milliseconds that this process has computed: other processes of a busy machine do not count. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

export async function exercise(bytes: Uint8Array): Promise<Exercise> {
  const untyped: string[] = []
  let read = 0
  let slowest = 0
  let slowestStep = ''
  const step = async (what: string, act: () => unknown): Promise<void> => {
    const started = cpuTime()
    try {
      await act()
      read++
    } catch (error) {
      if (!(error instanceof PerdureError || error instanceof ValueError)) untyped.push(`${what}: ${describe(error)}`)
    }
    const took = cpuTime() - started
    if (took > slowest) [slowest, slowestStep] = [took, what]
  }
  const disk = MemoryDisk.with({ [PATH]: bytes })
  const oids = await listOids(disk)
  await step('read records', () => withStore(disk, store => readRecords(store)))
  await step('history', () => withStore(disk, store => readAnnotations(store)))
  await step('usage', () => withStore(disk, store => measureUsage(store.latest())))
  await step('inspect', () =>
    withStore(disk, async store => {
      const inspector = new Inspector(store.latest())
      for (const oid of oids)
        await step(`inspect ${oid}`, () => {
          const object = inspector.object(oid)
          return inspect([object, object?.look(Infinity)])
        })
    }),
  )
  await step('open', () => openWith(disk, PATH, { readonly: true }).close())
  await withConnection(disk, async db => {
    await step('root', () => inspect(db.root))
    for (const oid of oids) await step(`object ${oid}`, () => look(db, oid))
  })
  await step('verify', () => verify(disk, PATH, () => undefined))
  await step('recover', () => recover(disk, PATH, SAVED))
  if (disk.names.includes(SAVED)) await step('open what was recovered', () => openWith(disk, SAVED, {}).close())
  await step('dump and load', async () => {
    const lines: Buffer[] = []
    const write = (line: string): void => void lines.push(Buffer.from(`${line}\n`))
    await withStore(disk, store => dump(disk, store.latest(), write, {}))
    await loadDump(disk, 'the dump', Readable.from(lines), LOADED)
    openWith(disk, LOADED, {}).close()
  })
  await step('pack', () => withConnection(disk, db => db.pack()))
  await step('commit', () =>
    withConnection(disk, db => {
      touch(db.root as object)
      db.commit()
    }),
  )
  await step('open again', () => openWith(disk, PATH, { readonly: true }).close())
  if (disk.descriptors > 0) untyped.push(`${disk.descriptors} descriptors are open`)
  if (disk.locked.length > 0) untyped.push(`${disk.locked.join()} is locked`)
  return { untyped, read, slowest, slowestStep }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 4).join(' ') : String(error)
}

async function withStore<T>(disk: Disk, use: (store: Store) => T | Promise<T>): Promise<T> {
  const store = Store.open(disk, PATH, { readonly: true })
  try {
    return await use(store)
  } finally {
    store.close()
  }
}

async function withConnection(disk: Disk, use: (db: Connection) => unknown): Promise<void> {
  let db: Connection
  try {
    db = openWith(disk, PATH, {})
  } catch (error) {
    if (error instanceof PerdureError) return
    throw error
  }
  try {
    await use(db)
  } finally {
    if (db.changed) db.abort()
    db.close()
  }
}

async function listOids(disk: Disk): Promise<Oid[]> {
  try {
    return await withStore(disk, store =>
      [...store.latest().generation.index.entries()].slice(0, MOST_OBJECTS).map(([oid]) => oid),
    )
  } catch {
    return []
  }
}

function readRecords(store: Store): void {
  const { generation, offset } = store.latest()
  for (const [oid] of generation.index.entries()) {
    generation.read(generation.find(oid, offset))
    generation.find(oid, (offset - 1) as typeof offset)
    generation.find(oid, 4096 as typeof offset)
  }
}

function readAnnotations(store: Store): void {
  for (const reverse of [false, true])
    for (const { annotation } of readHistory(store.latest(), { reverse })) decodeAnnotation(annotation)
}

function look(db: Connection, oid: Oid): void {
  const object = db.get(oid)
  if (object === undefined) return
  inspect(object, { depth: 10 })
  for (const key of Object.keys(object)) void (object as Record<string, unknown>)[key]
  plain(object, { depth: 3 })
}

// ---- prototypes -------------------------------------------------------------------------------------------------

const WATCHED: readonly object[] = [
  Object.prototype,
  Array.prototype,
  Function.prototype,
  String.prototype,
  Number.prototype,
  Date.prototype,
  Map.prototype,
  Set.prototype,
  Uint8Array.prototype,
  Object.getPrototypeOf(Uint8Array.prototype) as object,
  Buffer.prototype,
  Promise.prototype,
  RegExp.prototype,
  Error.prototype,
  PerdureError.prototype,
  Object,
  Array,
]

/** All that prototypes have; compare one with a later one. */
export function prototypes(): string {
  return WATCHED.map(object =>
    Reflect.ownKeys(object)
      .map(key => {
        const property: PropertyDescriptor = Object.getOwnPropertyDescriptor(object, key) ?? {}
        const kinds = [typeof property.value, typeof property.get, typeof property.set]
        return `${String(key)}:${kinds.join(':')}`
      })
      .join(),
  ).join('\n')
}
