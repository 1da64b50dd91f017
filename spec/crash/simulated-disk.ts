// A machine's disk in memory: files and names as everybody sees them, and apart from that what is really on the medium. What
// was not synced may be lost in a power cut, in any order and torn at sectors. A sync may fail: what it lost is read as if nothing had
// happened, no later sync brings it to the medium, and each open file is told once; a file that is opened later is told, too, until one
// that was has written to it. (A system does not tell it as soon as anybody was: what follows from that is not promised, and not simulated.)
// Each process has a view of its own: a Disk with its own descriptors and locks, which a kill takes from it. Clocks, timers and randomness
// are as given by the seed.
import { basename, dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import type { Disk, Fd, FileStatus, Timer } from '../../lib/file/disk.js'
import { random, type Random } from '../helpers/seeded.js'
import { Photograph, SECTOR, sectorOf, type Remains } from './photograph.js'

/** A change of a file that no sync has covered. The file's content after it. */
interface Unsynced {
  readonly number: number
  readonly bytes: Buffer
}

class Inode {
  readonly number: number
  /** What everybody reads. Replaced by every change, never changed in place. */
  bytes: Buffer = Buffer.alloc(0)
  /** What is on the medium for certain. */
  synced: Buffer = Buffer.alloc(0)
  /** Since then, oldest first. */
  unsynced: Unsynced[] = []
  mode: number
  lockedBy: Description | undefined
  /** Sectors that a failed sync has lost, until they are written again; what the medium has in their place. */
  readonly lost = new Map<number, Buffer>()
  /** How many syncs have lost anything. */
  losses = 0
  /** Somebody has been told of the last one, and has written to the file since, as who marks it does. */
  isTold = true
  /** The process that has been told of it, and has not. */
  toldTo = 0

  constructor(number: number, mode: number) {
    this.number = number
    this.mode = mode
  }
}

/** An open file description: what a lock belongs to. */
interface Description {
  readonly inode: Inode
  readonly append: boolean
  /** The process that has it. */
  readonly owner: number
  /** Of how many losses it has been told, or came too late for. */
  told: number
}

/** A change of the directory that no sync has covered. `inode` undefined: the name was taken away. */
interface Rename {
  readonly name: string
  readonly inode: Inode | undefined
}

/** What happens before an operation is carried out. */
export type Watch = (operation: string, process: number, args: readonly unknown[]) => void

/** Thrown by every operation of a process that has been killed. */
export class Killed extends Error {
  constructor() {
    super('this simulated process has been killed')
  }
}

const checksums = new WeakMap<Buffer, number>()

function checksum(bytes: Buffer): number {
  let known = checksums.get(bytes)
  if (known === undefined) checksums.set(bytes, (known = crc32(bytes)))
  return known
}

function systemError(code: string, path = ''): Error {
  return Object.assign(new Error(`${code} ${path}`), { code })
}

export class SimulatedDisk {
  readonly boot: number
  /** Warnings that were given on this machine. */
  readonly warnings: string[] = []
  watch: Watch = () => undefined
  /** Grows with everything that makes a difference for a power cut. */
  version = 0
  /** How likely a write takes only a part of what it is given. */
  shortWrites = 0
  /** How likely a sync that has anything to do fails: of a file, of the directory. */
  failingSyncs = 0
  failingDirectorySyncs = 0
  readonly #random: Random
  readonly #files: Inode[] = []
  #changes = 0
  #processes = 0
  readonly #names = new Map<string, Inode>()
  #syncedNames = new Map<string, Inode>()
  #renames: Rename[] = []
  /** Names whose last change a failed sync has lost. */
  readonly #lostNames = new Set<string>()
  #timers: { at: number; act: () => void }[] = []
  #ticks = 1000
  /** Milliseconds since 1970 when the clock shows 0. */
  readonly #epoch: number

  constructor(seed: number, boot = 1, epoch = 1.7e12) {
    this.boot = boot
    this.#random = random(seed)
    this.#epoch = epoch
  }

  /** The machine started again after a power cut. */
  static startedAgain({ files, boot, now }: Remains): SimulatedDisk {
    const disk = new SimulatedDisk(boot, boot + 1, now + 1000)
    for (const { number, mode, content, names } of files) {
      const inode = new Inode(number, mode)
      inode.bytes = inode.synced = content
      disk.#files.push(inode)
      for (const name of names) disk.#names.set(name, inode)
    }
    disk.#syncedNames = new Map(disk.#names)
    return disk
  }

  // ---- time ----

  /** Lets time pass; timers that fall due run. */
  elapse(milliseconds: number): void {
    this.#ticks += milliseconds
    const due = this.#timers.filter(({ at }) => at <= this.#ticks)
    this.#timers = this.#timers.filter(each => !due.includes(each))
    for (const { act } of due) act()
  }

  // ---- looking at it from outside ----

  names(): string[] {
    return [...this.#names.keys()].sort()
  }

  contentOf(path: string): Buffer | undefined {
    return this.#names.get(path)?.bytes
  }

  /** Whether a lock on this file is held. */
  isLocked(path: string): boolean {
    return this.#names.get(path)?.lockedBy !== undefined
  }

  /** The same for the same names, contents and locks. */
  fingerprint(): string {
    const files = this.#files.map(
      ({ number, bytes, lockedBy }) => `${number}:${bytes.length}:${checksum(bytes)}:${lockedBy?.owner}`,
    )
    const names = [...this.#names].map(([name, { number }]) => `${name}=${number}`).sort()
    return `${files.join()} ${names.join()}`
  }

  // ---- power cuts ----

  /** The disk as it is now, for power cuts later: nothing that happens afterwards changes it. */
  photograph(): Photograph {
    const inodes = new Set([
      ...this.#names.values(),
      ...this.#syncedNames.values(),
      ...this.#renames.flatMap(r => r.inode ?? []),
    ])
    const files = [...inodes].map(({ number, mode, synced, unsynced }) => ({
      number,
      mode,
      versions: [synced, ...unsynced.map(each => each.bytes)],
    }))
    const names = [...this.#syncedNames].map(([name, { number }]) => ({ name, inode: number }))
    const renames = this.#renames.map(({ name, inode }) => ({ name, inode: inode?.number }))
    return new Photograph(files, names, renames, this.boot, this.#epoch + this.#ticks)
  }

  // ---- processes ----

  /** Another process on this machine. */
  process(): SimulatedProcess {
    const number = ++this.#processes
    const fds = new Map<Fd, Description>()
    let nextFd = 3
    let alive = true

    const operation = <A extends readonly unknown[], R>(name: string, act: (...args: A) => R): ((...args: A) => R) => {
      return (...args) => {
        if (!alive) throw new Killed()
        this.watch(name, number, args)
        if (!alive) throw new Killed() // while others acted
        this.#ticks += 0.01
        return act(...args)
      }
    }
    const at = (fd: Fd): Description => {
      const description = fds.get(fd)
      if (description === undefined) throw systemError('EBADF')
      return description
    }
    const named = (path: string): Inode => {
      const inode = this.#names.get(path)
      if (inode === undefined) throw systemError('ENOENT', path)
      return inode
    }
    const opened = (inode: Inode, append: boolean): Fd => {
      fds.set(nextFd, { inode, append, owner: number, told: inode.losses - (inode.isTold ? 0 : 1) })
      return nextFd++
    }
    const created = (path: string, mode: number): Inode => {
      const inode = new Inode(1 + Math.max(0, ...this.#files.map(each => each.number)), mode)
      this.#files.push(inode)
      this.#rename(path, inode)
      return inode
    }
    const close = (fd: Fd): void => {
      const description = at(fd)
      if (description.inode.lockedBy === description) description.inode.lockedBy = undefined
      fds.delete(fd)
    }
    const sync = (description: Description, upTo = Infinity): void => {
      const { inode } = description
      this.version++
      const covered = inode.unsynced.filter(each => each.number <= upTo)
      const last = covered.at(-1)
      if (last !== undefined) {
        if (this.#random.chance(this.failingSyncs)) this.#lose(inode, last.bytes)
        inode.synced = without(inode.lost, last.bytes)
        inode.unsynced = inode.unsynced
          .slice(covered.length)
          .map(each => ({ ...each, bytes: without(inode.lost, each.bytes) }))
      }
      if (description.told === inode.losses) return
      description.told = inode.losses
      if (!inode.isTold) inode.toldTo = number
      throw systemError('EIO')
    }

    const disk: Disk = {
      open: operation('open', (path: string, access: 'read' | 'append') => opened(named(path), access === 'append')),
      create: operation('create', (path: string, mode: number) => {
        if (this.#names.has(path)) throw systemError('EEXIST', path)
        return opened(created(path, mode), false)
      }),
      openLock: operation('openLock', (path: string, mode: number) =>
        opened(this.#names.get(path) ?? created(path, mode), false),
      ),
      checkWriting: () => undefined,
      close: operation('close', close),

      end: operation('end', (fd: Fd) => at(fd).inode.bytes.length),
      read: operation('read', (fd: Fd, into: Uint8Array, from: number, length: number, position: number) => {
        const part = at(fd).inode.bytes.subarray(position, position + length)
        into.set(part, from)
        return part.length
      }),
      write: operation('write', (fd: Fd, bytes: Uint8Array, from: number, length: number, position: number | null) => {
        const { inode, append } = at(fd)
        if (length > 1 && this.#random.chance(this.shortWrites)) length = 1 + this.#random.int(length - 1)
        const start = append || position === null ? inode.bytes.length : position
        const after = Buffer.alloc(Math.max(inode.bytes.length, start + length))
        inode.bytes.copy(after)
        after.set(bytes.subarray(from, from + length), start)
        if (inode.toldTo === number) inode.isTold = true
        this.#change(inode, after, start, start + length)
        return length
      }),
      truncate: operation('truncate', (fd: Fd, size: number) => {
        const { inode } = at(fd)
        const after = Buffer.alloc(size)
        inode.bytes.copy(after)
        this.#change(inode, after, size, Infinity)
      }),
      sync: operation('sync', (fd: Fd) => sync(at(fd))),
      syncAsync: async fd => {
        // What is written between the beginning and the end of a sync may or may not be on the medium: it is not.
        const { file, upTo } = operation('begin sync', () => ({ file: at(fd), upTo: this.#changes }))()
        await Promise.resolve()
        let failure: unknown
        try {
          operation('end sync', () => sync(file, upTo))()
        } catch (error) {
          failure = error
        }
        await Promise.resolve() // the thread has been told, and this one not yet
        if (failure !== undefined) throw failure as Error
      },

      status: operation('status', (fd: Fd) => this.#status(at(fd).inode)),
      lookUp: operation('lookUp', (path: string) => {
        const inode = this.#names.get(path)
        return inode && this.#status(inode)
      }),
      setOwnerAndMode: operation('setOwnerAndMode', (fd: Fd, { mode }: FileStatus) => void (at(fd).inode.mode = mode)),
      canonical: operation('canonical', (path: string) => path),
      list: operation('list', (directory: string) =>
        this.names().flatMap(name => (dirname(name) === directory ? [basename(name)] : [])),
      ),
      link: operation('link', (from: string, to: string) => {
        const inode = named(from)
        if (this.#names.has(to)) throw systemError('EEXIST', to)
        this.#rename(to, inode)
      }),
      rename: operation('rename', (from: string, to: string) => {
        this.#rename(to, named(from))
        this.#rename(from, undefined)
      }),
      unlink: operation('unlink', (path: string) => {
        named(path)
        this.#rename(path, undefined)
      }),
      syncDirectory: operation('syncDirectory', (_path: string) => {
        this.version++
        const fails = this.#renames.length > 0 && this.#random.chance(this.failingDirectorySyncs)
        if (fails) for (const { name } of this.#renames) this.#lostNames.add(name)
        const names = new Map(this.#names)
        for (const name of this.#lostNames) {
          const before = this.#syncedNames.get(name)
          if (before === undefined) names.delete(name)
          else names.set(name, before)
        }
        this.#syncedNames = names
        this.#renames = []
        if (fails) throw systemError('EIO')
      }),
      networkFileSystem: () => undefined,

      tryLock: operation('tryLock', (fd: Fd) => {
        const description = at(fd)
        description.inode.lockedBy ??= description
        return description.inode.lockedBy === description
      }),
      unlock: operation('unlock', (fd: Fd) => {
        const description = at(fd)
        if (description.inode.lockedBy === description) description.inode.lockedBy = undefined
      }),
      lockHolder: () => undefined,

      now: () => Math.floor(this.#epoch + this.#ticks),
      ticks: () => this.#ticks,
      sleep: operation('sleep', (milliseconds: number) => this.elapse(milliseconds)),
      wait: async milliseconds => operation('wait', () => this.elapse(milliseconds))(),
      after: (milliseconds, act): Timer => {
        const timer = { at: this.#ticks + milliseconds, act: () => void (alive && act()) }
        this.#timers.push(timer)
        return { cancel: () => void (this.#timers = this.#timers.filter(each => each !== timer)) }
      },
      warn: message => void this.warnings.push(message),
      random: () => this.#random.next(),
      randomBytes: length => this.#random.bytes(length),
      boot: this.boot,
    }
    return {
      number,
      disk,
      get killed() {
        return !alive
      },
      canLock: fd => [undefined, number].includes(fds.get(fd)?.inode.lockedBy?.owner),
      hasLocked: fd => fds.get(fd)?.inode.lockedBy?.owner === number,
      kill: () => {
        alive = false
        for (const { inode } of fds.values()) {
          if (inode.lockedBy !== undefined && [...fds.values()].includes(inode.lockedBy)) inode.lockedBy = undefined
        }
        fds.clear()
      },
    }
  }

  #change(inode: Inode, after: Buffer, from: number, to: number): void {
    this.version++
    inode.bytes = after
    for (const sector of inode.lost.keys())
      if (sector * SECTOR < to && (sector + 1) * SECTOR > from) inode.lost.delete(sector)
    inode.unsynced.push({ number: ++this.#changes, bytes: without(inode.lost, after) })
  }

  /** About half of the sectors that `bytes` would have changed. */
  #lose(inode: Inode, bytes: Buffer): void {
    inode.losses++
    inode.isTold = false
    inode.toldTo = 0
    for (let n = 0; n * SECTOR < bytes.length; n++) {
      const before = sectorOf(inode.synced, n)
      if (!before.equals(sectorOf(bytes, n)) && this.#random.chance(0.5)) inode.lost.set(n, before)
    }
  }

  #rename(name: string, inode: Inode | undefined): void {
    if (inode === undefined) this.#names.delete(name)
    else this.#names.set(name, inode)
    this.version++
    this.#lostNames.delete(name)
    this.#renames.push({ name, inode })
  }

  #status(inode: Inode): FileStatus {
    let links = 0
    for (const each of this.#names.values()) if (each === inode) links++
    const { number, bytes, mode } = inode
    return { dev: 1n, ino: BigInt(number), size: bytes.length, links, mode, uid: 0, gid: 0, isFile: true }
  }
}

/** What the medium gets of `bytes`: nothing of the sectors that are lost. */
function without(lost: ReadonlyMap<number, Buffer>, bytes: Buffer): Buffer {
  if (lost.size === 0) return bytes
  const medium = Buffer.from(bytes)
  for (const [n, before] of lost) before.copy(medium, n * SECTOR, 0, Math.max(0, medium.length - n * SECTOR))
  return medium
}

export interface SimulatedProcess {
  readonly number: number
  readonly disk: Disk
  readonly killed: boolean
  /** Whether no other process holds the lock of this file; whether this one does. */
  canLock(fd: Fd): boolean
  hasLocked(fd: Fd): boolean
  /** SIGKILL: its locks are free and its descriptors closed; its operations throw from now on. */
  kill(): void
}
