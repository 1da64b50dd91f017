// The log reader, the torn-end logic and `recover`, given files that were damaged in several places at once: what is read was
// committed, whole and in order; what a writer makes of it is sound; and nothing is saved that never was, nor anything else than is read.
import t from 'tap'
import { PerdureError } from '../../lib/error.js'
import { HEADER_LENGTH } from '../../lib/log/file-header.js'
import { recover } from '../../lib/store/recover.js'
import { Store } from '../../lib/store/store.js'
import { verify } from '../../lib/store/verify.js'
import { makeKnownStore, PATH, readAll, sameContent, withStore, type KnownStore } from '../damage/known-store.js'
import { MemoryDisk } from '../damage/memory-disk.js'
import { put, record, textOf } from '../helpers/drafts.js'
import type { Random } from '../helpers/seeded.js'
import { fuzz } from './fuzz.js'
import { mutateBytes } from './mutate.js'

const SAVED = '/saved.db'

const stores = [await makeKnownStore(12), await makeKnownStore(60), await makeKnownStore(30, true)]

/** Mostly behind the header. */
function damaged(random: Random, { bytes }: KnownStore): Buffer {
  const keep = random.chance(0.95) ? HEADER_LENGTH : 0
  let rest: Buffer = Buffer.from(bytes.subarray(keep))
  if (random.chance(0.5)) rest = rest.subarray(0, random.int(rest.length + 1))
  if (random.chance(0.7)) rest = mutateBytes(random, rest)
  if (random.chance(0.2)) rest = Buffer.concat([rest, random.chance(0.5) ? Buffer.alloc(random.int(5000)) : rest])
  return Buffer.concat([bytes.subarray(0, keep), rest])
}

function orTyped<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch (error) {
    if (error instanceof PerdureError) return undefined
    throw error
  }
}

function checkReading(known: KnownStore, disk: MemoryDisk): void {
  orTyped(() =>
    withStore(disk, { readonly: true }, store => {
      const { tid } = store.latest()
      if (!sameContent(known.contents[tid], readAll(store, known))) throw new Error(`a wrong state of commit ${tid}`)
    }),
  )
}

/**
 * A writer either refuses or leaves a sound file in which its own commit is the last. Only a packed state, which it does not read
 * when it opens the store, may be damaged: then that is what reading it says.
 */
function checkWriting(known: KnownStore, disk: MemoryDisk): void {
  const tid = orTyped(() =>
    withStore(disk, {}, store => {
      put(store, record(1, 'after'))
      return store.latest().tid
    }),
  )
  if (tid === undefined) return
  const { damage } = verify(disk, PATH, () => undefined)
  if (damage > 0 && !known.packed) throw new Error(`${damage} findings after a commit`)
  const read = (): void =>
    withStore(disk, { readonly: true }, store => {
      const expected = new Map(known.contents[tid - 1]).set(1, 'after')
      if (store.latest().tid !== tid) throw new Error(`commit ${store.latest().tid} is the last, not ${tid}`)
      if (!sameContent(expected, readAll(store, known))) throw new Error('a wrong state after a commit')
    })
  if (damage > 0) orTyped(read)
  else read()
}

/** Where a reader sees a state, a salvage saves that one. (Of a packed state, a reader sees only what it asks for.) */
function checkSaving(known: KnownStore, disk: MemoryDisk): void {
  if (orTyped(() => recover(disk, PATH, SAVED)) === undefined) return
  const store = Store.open(disk, SAVED, { readonly: true })
  try {
    const seen = known.packed
      ? undefined
      : orTyped(() => withStore(disk, { readonly: true }, open => open.latest().tid))
    if (seen !== undefined && store.latest().tid !== seen)
      throw new Error(`commit ${store.latest().tid} was saved, and a reader sees ${seen}`)
    if (seen !== undefined && !sameContent(known.contents[seen], readAll(store, known)))
      throw new Error(`not the state of commit ${seen} was saved`)
    for (const oid of known.contents.at(-1)?.keys() ?? []) {
      const text = textOf(store, oid)
      const was = text === undefined || text === '' || known.contents.some(content => content.get(oid) === text)
      if (!was) throw new Error(`object ${oid} was saved as ${text}`)
    }
  } finally {
    store.close()
  }
  verify(disk, SAVED, ({ message }) => {
    throw new Error(`in what was saved: ${message}`)
  })
}

t.test('a damaged log shows what was committed, or says that it is damaged', t =>
  fuzz(t, import.meta.url, random => {
    const known = random.pick(stores)
    const disk = MemoryDisk.with({ [PATH]: damaged(random, known) })
    disk.boot = random.pick([0, 1, 2])
    checkReading(known, disk)
    checkSaving(known, disk)
    checkWriting(known, disk)
    if (disk.descriptors > 0 || disk.locked.length > 0) throw new Error('something was left open or locked')
  }),
)
