// The real disk: node:fs, fs-ext, clocks and randomness. Holds no state of any store.
import * as fs from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import * as timers from 'node:timers'
import { promisify } from 'node:util'
import { isMainThread } from 'node:worker_threads'
import { crc32 } from 'node:zlib'
import { UnsupportedError } from '../error.js'
import type { Disk, Fd, FileStatus } from './disk.js'
import { fsExtIfLoaded, loadFsExt, type FsExt } from './fs-ext.js'
import { letGo } from './let-go.js'
import { lockHolder } from './lock-holder.js'
import { networkFileSystem } from './network-file-system.js'

// Those that are there now, whatever a program's tests put in their place: there, in the global scope or in `performance`.
const { clearTimeout, setImmediate, setTimeout } = timers
const ticks = performance.now.bind(performance)

const SEEK_END = 2
const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR } = fs.constants
const fdatasync = promisify(fs.fdatasync)
const sleepCell = new Int32Array(new SharedArrayBuffer(4))

function checkWriting(): void {
  if (process.platform === 'win32') throw new UnsupportedError('Perdure runs on Linux and macOS, not on Windows')
  if (!isMainThread) {
    throw new UnsupportedError(
      'a worker thread cannot write: the file lock (fs-ext) crashes Node when several threads use it. ' +
        'Open with { readonly: true } here, and commit in the main thread.',
    )
  }
  checkSyncing()
}

/** No file has this number. */
const NO_FILE = 2 ** 31 - 1

/** Node's permission model refuses every fsync before it gets to the system, whatever a process was permitted. */
export function checkSyncing(): void {
  if ((process as { permission?: unknown }).permission === undefined) return
  try {
    fs.fdatasyncSync(NO_FILE)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_ACCESS_DENIED') return
    throw new UnsupportedError(
      "Node's permission model (--permission) lets no process put anything on disk: it refuses fsync, whatever is allowed. " +
        'Open with { readonly: true } here, and commit in a process that runs without it.',
      { cause },
    )
  }
}

const mayLimitTraces = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')?.writable === true

/** That a lock is taken is no news, but fs-ext tells it by an error: where that comes from costs more to find out than the lock. */
function setTraces(limit: number): void {
  if (mayLimitTraces) Error.stackTraceLimit = limit
}

function fsExt(): FsExt {
  const loaded = fsExtIfLoaded()
  if (loaded) return loaded
  checkWriting()
  return loadFsExt()
}

function toStatus(stats: fs.BigIntStats): FileStatus {
  return {
    dev: stats.dev,
    ino: stats.ino,
    size: Number(stats.size),
    links: Number(stats.nlink),
    mode: Number(stats.mode) & 0o7777,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    isFile: stats.isFile(),
  }
}

function bootChecksum(): number {
  try {
    return crc32(fs.readFileSync('/proc/sys/kernel/random/boot_id')) || 1
  } catch {
    return 0
  }
}

function canonical(path: string): string {
  try {
    return fs.realpathSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    const whole = resolve(path)
    return join(fs.realpathSync(dirname(whole)), basename(whole))
  }
}

function openLock(path: string, mode: number, like?: FileStatus): Fd {
  for (;;) {
    try {
      return fs.openSync(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    let fd: Fd
    try {
      fd = fs.openSync(path, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, mode)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      continue
    }
    try {
      // Everybody who may write the data must be able to lock it, whatever the umask says and whoever is first.
      if (like !== undefined) giveTo(fd, like)
      fs.fchmodSync(fd, mode)
      return fd
    } catch (error) {
      takeBack(path, fd)
      throw error
    }
  }
}

/** Of another mode, a lock file would keep others out for ever: the next one makes it anew. Never throws. */
function takeBack(path: string, fd: Fd): void {
  try {
    fs.unlinkSync(path)
  } catch {
    // What the system refused at first is what is to be told.
  }
  letGo(systemDisk, fd)
}

/** Owner and group, as far as this user may give them away. */
function giveTo(fd: Fd, { uid, gid }: FileStatus): void {
  for (const [user, group] of [
    [uid, gid],
    [-1, gid],
  ] as const) {
    try {
      return fs.fchownSync(fd, user, group)
    } catch {
      // Only the owner of a file may give it to a group of his own, and only root to others.
    }
  }
}

function setOwnerAndMode(fd: Fd, status: FileStatus, how: 'all' | 'as allowed'): void {
  if (how === 'as allowed') giveTo(fd, status)
  const { uid, gid } = fs.fstatSync(fd)
  const isGiven = uid === status.uid && gid === status.gid
  if (how === 'all' && !isGiven) fs.fchownSync(fd, status.uid, status.gid)
  fs.fchmodSync(fd, how === 'all' || gid === status.gid ? status.mode : modeOfOtherGroup(status.mode))
}

/** For a file of another group, whose users are not in the right one, and those in it are none of its own. */
function modeOfOtherGroup(mode: number): number {
  const all = mode & (mode >> 3) & 0o7
  return (mode & 0o700) | (all << 3) | all
}

/** Takes permission to read the directory: who may only write it can put a file there, and not its name on disk. */
function syncDirectory(path: string): void {
  const fd = fs.openSync(path, O_RDONLY)
  try {
    fs.fsyncSync(fd)
  } finally {
    letGo(systemDisk, fd)
  }
}

/** Tried again when a signal came in between, as Node does for everything else. */
function read(fd: Fd, into: Uint8Array, at: number, length: number, position: number): number {
  for (;;) {
    try {
      return fs.readSync(fd, into, at, length, position)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EINTR') throw error
    }
  }
}

/** The operating system's disk. */
export const systemDisk: Disk = {
  // Files never block; a pipe or device that stands in the place of one would.
  open: (path, access) => fs.openSync(path, O_NONBLOCK | (access === 'read' ? O_RDONLY : O_RDWR | O_APPEND)),
  create: (path, mode) => fs.openSync(path, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, mode),
  openLock,
  checkWriting,
  close: fd => fs.closeSync(fd),

  end: fd => fsExtIfLoaded()?.seekSync(fd, 0, SEEK_END) ?? fs.fstatSync(fd).size,
  read,
  write: (fd, from, at, length, position) => fs.writeSync(fd, from, at, length, position),
  truncate: (fd, size) => fs.ftruncateSync(fd, size),
  sync: fd => fs.fdatasyncSync(fd),
  syncAsync: fd => fdatasync(fd),

  status: fd => toStatus(fs.fstatSync(fd, { bigint: true })),
  lookUp(path) {
    const stats = fs.statSync(path, { bigint: true, throwIfNoEntry: false })
    return stats === undefined ? undefined : toStatus(stats)
  },
  setOwnerAndMode,
  canonical,
  list: directory => fs.readdirSync(directory),
  link: (from, to) => fs.linkSync(from, to),
  rename: (from, to) => fs.renameSync(from, to),
  unlink: path => fs.unlinkSync(path),
  syncDirectory,
  networkFileSystem,

  tryLock(fd) {
    const ext = fsExt()
    const traces = Error.stackTraceLimit
    try {
      setTraces(0)
      ext.flockSync(fd, 'exnb')
      return true
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EAGAIN' || code === 'EWOULDBLOCK' || code === 'EINTR') return false
      throw error
    } finally {
      setTraces(traces)
    }
  },
  unlock: fd => fsExt().flockSync(fd, 'un'),
  lockHolder,

  now: () => Date.now(),
  ticks,
  sleep: milliseconds => void Atomics.wait(sleepCell, 0, 0, milliseconds),
  wait: milliseconds =>
    new Promise(done => void (milliseconds > 0 ? setTimeout(done, milliseconds) : setImmediate(done))),
  after(milliseconds, act) {
    const timer = setTimeout(act, milliseconds).unref()
    return { cancel: () => clearTimeout(timer) }
  },
  warn: message => process.emitWarning(message, { type: 'PerdureWarning' }),
  random: () => Math.random(),
  // Loaded when it is needed: it takes longer than all else that is imported here, and most programs open a store that there is.
  randomBytes: length => process.getBuiltinModule('node:crypto').randomBytes(length),
  boot: bootChecksum(),
}
