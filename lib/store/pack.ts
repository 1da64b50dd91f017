// Pack: copies what is reachable into the next generation while others read and write, then puts it in place under the lock.
// Never changes a record's state, references, shape or tid. The source file stays valid, and readers on it undisturbed.
import { dirname } from 'node:path'
import { CommitFailedError, DiskError, PackInterruptedError, ReadonlyError, UnsupportedError } from '../error.js'
import { adviceOn, provesNothing, systemErrorIn } from '../file/disk-error.js'
import type { Tail } from '../log/tail.js'
import { assembleControl } from './assemble.js'
import { BaseWriter } from './base-writer.js'
import type { Generation } from './generation.js'
import { removeIndexFile } from './index-file.js'
import { LiveCopy, type PackProgress } from './live-copy.js'
import { atOnce, checkLongWork, inSlices, type LongWork } from './long-work.js'
import type { Store } from './store.js'
import type { Asker } from './store-options.js'
import { createTemporary, removeStrays, type Temporary } from './temporary.js'

/** Progress is told while the pack copies; it can be stopped before it takes the lock, and nothing is changed then. */
export type PackOptions = LongWork<PackProgress>

export interface PackResult {
  /** Objects in the new file, parts of large collections included. */
  readonly objects: number
  /** Those that were not reachable any more. */
  readonly dropped: number
  readonly bytesBefore: number
  readonly bytesAfter: number
  /** How long other writers were kept waiting, in milliseconds. */
  readonly lockedFor: number
}

/** Less than this to copy: take the lock. Each frame is gone through twice with it held, so this is most of what others wait for. */
const LITTLE = 16 * 1024
const MOST_ROUNDS = 8
/** Milliseconds for which ids of transactions are kept: back from the last commit, however far ahead the clock of whoever packs is. */
const KEEP_IDS = 7 * 24 * 3600 * 1000

/** The owner and mode of a file cannot be given to another one: EINVAL says so where the owner has no number in this user namespace. */
const NEVER_GIVEN: ReadonlySet<unknown> = new Set(['EPERM', 'EACCES', 'EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'])

/** What would help where the system never lets the file be replaced, by what it says. Anything else may be over the next time. */
const HOW_TO_RENAME: Readonly<Record<string, string>> = {
  EBUSY: 'A mount of the single file, as in a container, keeps it in its place: mount the directory, not the file',
  EPERM:
    'The file, or its directory, is marked append-only or immutable (lsattr shows it), or only owners may rename there',
  EACCES: 'A pack takes permission to write the directory',
}

/**
 * Makes the next generation. Throws PackInterruptedError (another pack was first: nothing is changed), StoreReplacedError (neither is
 * there: what stands at the path by now is not this store), ReadonlyError, UnsupportedError (the file has several names or cannot be
 * replaced), CorruptLogError (a record cannot be read), DurabilityUnknownError (the pack is done, and its name may not be on disk). `asker`: once it is closed, that ends the pack.
 */
export async function pack(store: Store, options: PackOptions = {}, asker: Asker = store): Promise<PackResult> {
  checkLongWork(options)
  try {
    return await packStore(store, options, asker)
  } catch (error) {
    throw asPackFailure(store.path, error)
  }
}

/** What the system refuses before the packed file has its name: its error says that nothing has changed. */
function asPackFailure(path: string, error: unknown): unknown {
  const cause = systemErrorIn(error) ?? (error instanceof CommitFailedError ? systemErrorIn(error.cause) : undefined)
  if (cause === undefined) return error
  const advice = adviceOn(cause) ?? 'Pack again when the cause is gone'
  return new DiskError(path, cause, `The store was not packed, and is as it was. ${advice}`)
}

async function packStore(store: Store, options: PackOptions, asker: Asker): Promise<PackResult> {
  if (store.readonly)
    throw new ReadonlyError(`${store.path} was opened readonly: open it without { readonly: true } to pack`)
  const { disk } = store
  const source = store.latest().generation
  removeStrays(disk, store.path)
  refuseSeveralNames(source)
  const uuid = disk.randomBytes(16)
  const temporary = createTemporary(disk, store.path, 'pack', source.identity.mode)
  const writer = new BaseWriter(disk, temporary.fd, { storeId: source.header.storeId, uuid })
  source.retain()
  try {
    keepOwner(source, temporary)
    const copy = new LiveCopy(source, writer, Math.min(disk.now(), source.reader.tail.time) - KEEP_IDS)
    let tail = source.reader.tail
    const check = (): void => {
      asker.checkOpen()
      store.lookIfDue()
      throwIfPacked(store, source)
    }
    const run = async <T>(steps: Iterator<void, T>): Promise<T> => {
      const result = await inSlices(disk, checked(check, copy, writer, steps), options)
      options.onProgress?.(copy.progress())
      return result
    }
    await run(copy.everythingAt(tail))
    await run(writer.writeTable())
    for (let round = 1; ; round++) {
      await run(verifying(copy, writer))
      await writer.sync()
      if (source.file.end() - tail.offset < LITTLE || round === MOST_ROUNDS) break
      tail = await run(copy.changedSince(tail))
    }
    const result = await store.underLockAsync(() => {
      options.signal?.throwIfAborted()
      asker.checkOpen()
      throwIfGone(store, source)
      return putInPlace(store, source, temporary, uuid, copy, writer, tail)
    }, asker)
    if (!store.closed) goOver(store)
    removeIndexFile(disk, store.path) // of the file that was packed
    return result
  } finally {
    await writer.settled()
    temporary.discard()
    source.release()
  }
}

/** The pack is done: where the packed file cannot be looked up or opened just now, the next call does that. */
function goOver(store: Store): void {
  try {
    store.latest()
  } catch (error) {
    if (!(error instanceof DiskError)) throw error
  }
}

/** With the lock held: the rest, the header, the superseded frame, the rename. */
function putInPlace(
  store: Store,
  source: Generation,
  temporary: Temporary,
  uuid: Uint8Array,
  copy: LiveCopy,
  writer: BaseWriter,
  from: Tail,
): PackResult {
  const { disk } = store
  const started = disk.ticks()
  refuseSeveralNames(source)
  atOnce(copy.changedSince(from))
  atOnce(verifying(copy, writer))
  const { tail } = source.reader
  const { readonlyFlags } = source.header
  const generation = source.number + 1
  const bytesAfter = writer.end
  writer.finish({
    generation,
    baseTid: tail.tid,
    baseTime: tail.time,
    nextOid: tail.nextOid,
    moments: [],
    idsSince: copy.idsSince,
    readonlyFlags,
  })
  const { salt, proved: syncedTo } = source.reader
  throwIfGone(store, source) // all that takes long is done: hardly anything can happen now before the rename
  const superseded = assembleControl('superseded', uuid, { tail, now: disk.now(), salt, boot: disk.boot, syncedTo })
  source.writer.appendControl(superseded, tail.offset)
  try {
    disk.rename(temporary.path, store.path)
  } catch (cause) {
    const { code = '', message } = cause as NodeJS.ErrnoException
    if (!Object.hasOwn(HOW_TO_RENAME, code)) throw cause
    throw new UnsupportedError(
      `${store.path} cannot be replaced by its packed form (${message}): the store is as it was. ${HOW_TO_RENAME[code]}.`,
      { cause },
    )
  }
  try {
    syncName(store, source, writer)
  } finally {
    temporary.keep()
  }
  return {
    objects: copy.objects,
    dropped: copy.known - copy.objects,
    bytesBefore: tail.offset,
    bytesAfter,
    lockedFor: disk.ticks() - started,
  }
}

/** Where the disk has failed to sync the name, nobody may commit to the packed file. */
function syncName(store: Store, source: Generation, writer: BaseWriter): void {
  try {
    store.disk.syncDirectory(dirname(store.path))
  } catch (cause) {
    goOver(store)
    if (store.current === source && !provesNothing(cause)) tellOpeners(store, writer)
    throw store.durability.nameFailed(store.current, cause)
  }
  store.durability.nameSynced()
}

/** The packed file cannot be opened just now: whoever does so later is to be told. */
function tellOpeners({ disk }: Store, writer: BaseWriter): void {
  try {
    writer.markSuspect(disk.now())
  } catch {
    // The disk takes nothing: whoever has packed is told at least.
  }
}

/** The same steps, as long as `check` throws nothing; what they write goes to the disk meanwhile. */
function* checked<T>(
  check: () => void,
  copy: LiveCopy,
  writer: BaseWriter,
  steps: Iterator<void, T>,
): Generator<PackProgress, T> {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    writer.syncBehind()
    yield copy.progress()
    check()
  }
}

/** With the lock held: whatever else stands at the path by now, the rename would destroy. */
function throwIfGone(store: Store, source: Generation): void {
  store.look()
  source.reader.advance() // a file that was cut shorter is noticed here
  throwIfPacked(store, source)
}

function throwIfPacked(store: Store, source: Generation): void {
  if (store.current !== source) throw interrupted(store.path)
}

function interrupted(path: string): PackInterruptedError {
  return new PackInterruptedError(`${path}: another pack was finished first; nothing was changed by this one`)
}

function refuseSeveralNames({ file, path }: Generation): void {
  const { links } = file.status()
  if (links <= 1) return
  throw new UnsupportedError(
    `${path} has ${links} names (hard links). A pack replaces the file under one of them only, and the others would keep ` +
      'the old store: remove the other names first.',
  )
}

function keepOwner({ file, path }: Generation, { fd }: Temporary): void {
  try {
    file.disk.setOwnerAndMode(fd, file.status(), 'all')
  } catch (cause) {
    if (!NEVER_GIVEN.has((cause as NodeJS.ErrnoException).code)) throw cause
    throw new UnsupportedError(
      `${path}: its packed form could not be given the same owner and mode; pack as its owner`,
      { cause },
    )
  }
}

function* verifying(copy: LiveCopy, writer: BaseWriter): Generator<void> {
  if (yield* writer.verify(record => copy.isSound(record))) return
  throw new UnsupportedError(
    'the packed file did not read back as it was written: check the disk; the store is as it was',
  )
}
