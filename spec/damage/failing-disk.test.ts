// Every operation that the store asks of the disk is made to fail, in every way that disks fail: once, with some behind it, and for ever.
// What must hold: the error has a type and its cause; a commit that failed is nowhere, one that did not is whole; objects are
// as before; nothing is left open or locked; and the store goes on as soon as the disk does.
import t, { type Test } from 'tap'
import { CommitFailedError, DiskError, DurabilityUnknownError, PerdureError } from '../../lib/error.js'
import type { Disk } from '../../lib/file/disk.js'
import { systemErrorIn } from '../../lib/file/disk-error.js'
import type { Connection } from '../../lib/object/connection.js'
import { openWith } from '../../lib/object/open.js'
import { Persistent } from '../../lib/object/persistent.js'
import { recover } from '../../lib/store/recover.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'
import { FAILURES, failingDisk, SHORT, type Failure } from './failures.js'
import { MemoryDisk } from './memory-disk.js'

const PATH = '/app.db'
const LOCK = '/app.db.lock'
const SAVED = '/saved.db'
const STORED = 5

class Note extends Persistent {
  static readonly type = 'Note'
  text = ''
  tags: string[] = []
}

class Root extends Persistent {
  static readonly type = 'Root'
  count = 0
  notes: Note[] = []
  filler = ''
}

type Db = Connection<Root>

function connect(disk: Disk, path = PATH): Db {
  return openWith(disk, path, { root: Root, classes: [Note], lockTimeout: 50 }) as Db
}

function addNote(root: Root): void {
  const note = new Note()
  note.text = `note ${root.count}`
  note.tags.push('new')
  root.notes.push(note)
  root.count++
}

function storedBytes(filler = ''): Buffer {
  const memory = new MemoryDisk()
  const db = connect(memory)
  for (let n = 0; n < STORED; n++) db.transact(addNote)
  if (filler !== '') db.transact(root => (root.filler = filler))
  db.close()
  return memory.bytesOf(PATH)
}

const STORED_BYTES = storedBytes()

/** The same files, as another process has them. */
function strangerTo(memory: MemoryDisk): Disk {
  return wrapDisk(memory, (_name, _n, go) => go())
}

/** How many notes somebody else finds, all of them whole. */
function countIn(memory: MemoryDisk, path = PATH): number {
  const db = connect(strangerTo(memory), path)
  const { count } = db.root
  checkNotes(db)
  db.close()
  return count
}

function checkNotes({ root }: Db): void {
  const texts = root.notes.map(({ text, tags }) => `${text} ${tags.join()}`)
  const expected = Array.from({ length: root.count }, (_, n) => `note ${n} new`)
  if (texts.join() !== expected.join()) throw new Error(`a wrong state: ${texts.join()}`)
}

/** `P` is what there is before anything fails. */
interface Situation<P> {
  readonly files?: Readonly<Record<string, Uint8Array>>
  prepare(disk: Disk, memory: MemoryDisk): P
  act(prepared: P, disk: Disk): unknown
  /** Throws if something is wrong; the disk works again by then. */
  check(prepared: P, error: unknown, memory: MemoryDisk): unknown
  close(prepared: P): void
}

async function tryOne<P>(situation: Situation<P>, k: number, failure: Failure, times: number): Promise<string> {
  const memory = MemoryDisk.with(situation.files ?? { [PATH]: STORED_BYTES })
  const failing = failingDisk(memory)
  const prepared = situation.prepare(failing.disk, memory)
  let error: unknown
  failing.arm(k, failure, times)
  try {
    await situation.act(prepared, failing.disk)
  } catch (thrown) {
    error = thrown
  }
  const { failed } = failing
  failing.disarm()
  if (error !== undefined) checkError(error, failure)
  if (memory.locked.length > 0) throw new Error(`left locked: ${memory.locked.join()}`)
  await situation.check(prepared, error, memory)
  situation.close(prepared)
  if (memory.descriptors > 0) throw new Error(`${memory.descriptors} descriptors left open`)
  return failed ?? ''
}

/** It has a type, and says in the end what the system said. */
function checkError(error: unknown, failure: Failure): void {
  if (!(error instanceof PerdureError)) throw new Error(`not a typed error: ${String(error)}`, { cause: error })
  const code = systemErrorIn(error)?.code ?? systemErrorIn(error.cause)?.code
  if (code === undefined || !failure.name.includes(code)) throw new Error(`without its cause: ${String(error)}`)
}

/** How many operations fail, one after the other: what is done about the first may meet the next. */
const TIMES = [1, 2, 3, 4, 5, Infinity]

async function everyFailure<P>(t: Test, situation: Situation<P>, failures = FAILURES): Promise<void> {
  const wrong: string[] = []
  let tries = 0
  for (const failure of failures) {
    for (const times of TIMES) {
      for (let k = 1, failed = 'not yet'; failed !== ''; k++) {
        try {
          failed = await tryOne(situation, k, failure, times)
          if (failed !== '') tries++
        } catch (error) {
          wrong.push(`${failure.name} ${times} times from operation ${k} on: ${String(error)}`)
          if (k > 500) break
        }
      }
    }
  }
  t.same(wrong.slice(0, 10), [])
  t.ok(tries > 0, `${tries} failures`)
}

/** Also with reads and writes that do only a part, which must not be noticed at all. */
function andShort<P>(t: Test, situation: Situation<P>): Promise<void> {
  const check: Situation<P>['check'] = (prepared, error, memory) => {
    if (error !== undefined) throw error as Error
    return situation.check(prepared, error, memory)
  }
  return everyFailure(t, situation).then(() => everyFailure(t, { ...situation, check }, SHORT))
}

function expect(what: string, found: unknown, wanted: unknown): void {
  if (found !== wanted) throw new Error(`${what}: ${String(found)} instead of ${String(wanted)}`)
}

// ---- opening ----------------------------------------------------------------------------------------------------

t.test('opening a store', t =>
  andShort<{ db?: Db }>(t, {
    prepare: () => ({}),
    act: (prepared, disk) => void (prepared.db = connect(disk)),
    check(prepared, error, memory) {
      if (error !== undefined) {
        if (!(error instanceof DiskError)) throw error as Error
        expect('descriptors', memory.descriptors, 0)
      }
      expect('unchanged', memory.bytesOf(PATH).equals(STORED_BYTES), true)
      prepared.db ??= connect(memory)
      expect('count', prepared.db.root.count, STORED)
    },
    close: ({ db }) => db?.close(),
  }),
)

t.test('creating a store', t =>
  andShort<{ db?: Db }>(t, {
    files: {},
    prepare: () => ({}),
    act: (prepared, disk) => void (prepared.db = connect(disk)),
    check(prepared, error, memory) {
      if (error !== undefined) {
        if (!(error instanceof DiskError)) throw error as Error
        expect('descriptors', memory.descriptors, 0)
      }
      prepared.db ??= connect(memory)
      prepared.db.transact(addNote)
      expect('count', countIn(memory), 1)
      expect('files', memory.names.join(), `${PATH},${LOCK}`)
    },
    close: ({ db }) => db?.close(),
  }),
)

t.test('reading objects', t =>
  andShort<Db>(t, {
    files: { [PATH]: storedBytes('more than stays at hand of what opening has read'.repeat(1000)) },
    prepare: disk => connect(disk),
    act: db => checkNotes(db),
    check(db, error) {
      if (error !== undefined && !(error instanceof DiskError)) throw error as Error
      checkNotes(db)
    },
    close: db => db.close(),
  }),
)

// ---- committing -------------------------------------------------------------------------------------------------

/** After a commit of one note, `error` being what it threw; `before` is how many notes there were. */
async function checkCommit(
  db: Db,
  error: unknown,
  memory: MemoryDisk,
  before: number,
  pending: boolean,
): Promise<void> {
  if (error instanceof CommitFailedError || error instanceof DiskError) {
    expect('count in the file', countIn(memory), before)
    expect('pending changes', db.changed, pending)
    expect('count in memory', db.root.count, pending ? before + 1 : before)
    await again(() => void (pending ? db.commit() : db.transact(addNote)), db)
  } else if (error instanceof DurabilityUnknownError) {
    expect('count in the file', countIn(memory), before + 1)
    expect('pending changes', db.changed, false)
    await db.pack()
    db.transact(addNote)
    before++
  } else if (error !== undefined) {
    throw error as Error
  }
  expect('count afterwards', countIn(memory), before + 1)
  expect('count in memory afterwards', db.root.count, before + 1)
  checkNotes(db)
}

/** Where an incomplete commit was cut off and that could not be synced, a pack must come first. */
async function again(commit: () => void, db: Db): Promise<void> {
  try {
    commit()
  } catch (error) {
    if (!(error instanceof CommitFailedError && error.cause instanceof DurabilityUnknownError)) throw error
    await db.pack()
    commit()
  }
}

t.test('committing by hand', t =>
  andShort<Db>(t, {
    prepare(disk) {
      const db = connect(disk)
      addNote(db.root)
      return db
    },
    act: db => void db.commit(),
    check: (db, error, memory) => checkCommit(db, error, memory, STORED, true),
    close: db => db.close(),
  }),
)

t.test('a commit that failed can be aborted', t =>
  everyFailure<Db>(t, {
    prepare(disk) {
      const db = connect(disk)
      addNote(db.root)
      return db
    },
    act: db => void db.commit(),
    check(db, error) {
      if (!(error instanceof CommitFailedError)) return
      db.abort()
      expect('count', db.root.count, STORED)
      checkNotes(db)
    },
    close: db => db.close(),
  }),
)

interface Counted {
  readonly db: Db
  runs: number
}

function counting(counted: Counted): (root: Root) => void {
  return root => {
    counted.runs++
    addNote(root)
  }
}

const transacting = {
  prepare: (disk: Disk): Counted => ({ db: connect(disk), runs: 0 }),
  check(counted: Counted, error: unknown, memory: MemoryDisk): Promise<void> {
    if (counted.runs > 1) throw new Error(`run ${counted.runs} times`)
    return checkCommit(counted.db, error, memory, STORED, false)
  },
  close: ({ db }: Counted) => db.close(),
}

t.test('transact', t =>
  andShort<Counted>(t, { ...transacting, act: counted => counted.db.transact(counting(counted)) }),
)

t.test('transact that holds the lock while it runs', t =>
  andShort<Counted>(t, {
    ...transacting,
    act: counted => counted.db.transact(counting(counted), { attempts: 1 }),
  }),
)

t.test('transactAsync', t =>
  andShort<Counted>(t, { ...transacting, act: counted => counted.db.transactAsync(counting(counted)) }),
)

t.test('transactAsync that holds the lock while it runs', t =>
  andShort<Counted>(t, {
    ...transacting,
    act: counted => counted.db.transactAsync(counting(counted), { attempts: 1 }),
  }),
)

t.test('transact that catches up, and cuts off what a dead process has left', t =>
  andShort<Counted>(t, {
    ...transacting,
    prepare(disk, memory) {
      const counted = transacting.prepare(disk)
      const other = connect(strangerTo(memory))
      other.transact(addNote)
      other.close()
      const fd = memory.open(PATH)
      memory.write(fd, Buffer.from('PFRM'), 0, 4, null)
      memory.close(fd)
      return counted
    },
    act: counted => counted.db.transact(counting(counted)),
    check(counted, error, memory) {
      if (counted.runs > 1) throw new Error(`run ${counted.runs} times`)
      return checkCommit(counted.db, error, memory, STORED + 1, false)
    },
  }),
)

t.test('closing a connection whose commits are not on disk yet', t =>
  everyFailure<Db>(t, {
    prepare(disk) {
      const db = openWith(disk, PATH, { root: Root, classes: [Note], durability: 'os' }) as Db
      db.transact(addNote)
      return db
    },
    act: db => db.close(),
    check(_db, error, memory) {
      if (error !== undefined && !(error instanceof DurabilityUnknownError)) throw error as Error
      expect('descriptors', memory.descriptors, 0)
      expect('count', countIn(memory), STORED + 1)
    },
    close: db => db.close(),
  }),
)

// ---- whole files ------------------------------------------------------------------------------------------------

t.test('pack', t =>
  andShort<Db>(t, {
    prepare: disk => connect(disk),
    act: db => db.pack(),
    async check(db, _error, memory) {
      expect('count', countIn(memory), STORED)
      checkNotes(db)
      await db.pack()
      db.transact(addNote)
      expect('count afterwards', countIn(memory), STORED + 1)
      expect('files', memory.names.join(), `${PATH},${LOCK}`)
    },
    close: db => db.close(),
  }),
)

t.test('recover', t =>
  andShort<Disk>(t, {
    prepare: disk => disk,
    act: disk => recover(disk, PATH, SAVED),
    check(_disk, error, memory) {
      expect('the source', memory.bytesOf(PATH).equals(STORED_BYTES), true)
      expect('descriptors', memory.descriptors, 0)
      if (error !== undefined && !memory.names.includes(SAVED)) recover(memory, PATH, SAVED)
      expect('count', countIn(memory, SAVED), STORED)
    },
    close: () => undefined,
  }),
)
