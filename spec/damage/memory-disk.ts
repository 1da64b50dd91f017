// A whole disk in memory, for tests that open a store some ten thousand times: names, links, descriptors and locks behave as
// on a real one, and what is left open or locked can be asked for. Nothing is ever lost: this is no crash simulation.
import type { Disk, Fd, FileStatus } from '../../lib/file/disk.js'
import { random, type Random } from '../helpers/seeded.js'

interface Inode {
  readonly ino: bigint
  /** What it was put there with, which is somebody else's and never written to: a test that puts a large file there often copies nothing. */
  given: Uint8Array
  /** What stands behind that, with room to grow into. */
  bytes: Buffer
  /** Of both. */
  size: number
  links: number
  mode: number
  lockedBy: Fd | undefined
}

const NOTHING = Buffer.alloc(0)

/** Its bytes may be changed, all of them. */
function makeOwn(inode: Inode): void {
  if (inode.given.length === 0) return
  inode.bytes = Buffer.concat([inode.given, inode.bytes], inode.given.length + inode.bytes.length)
  inode.given = NOTHING
}

function systemError(code: string, call: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${call} '${path}'`), { code, syscall: call, path })
}

export class MemoryDisk implements Disk {
  boot = 1
  clock = 1_700_000_000_000
  readonly warnings: string[] = []
  readonly #names = new Map<string, Inode>()
  readonly #open = new Map<Fd, Inode>()
  readonly #random: Random = random(1)
  #inodes = 0n
  #descriptors = 2

  /** A disk that holds these files. */
  static with(files: Readonly<Record<string, Uint8Array>>): MemoryDisk {
    const disk = new MemoryDisk()
    for (const [path, bytes] of Object.entries(files)) disk.put(path, bytes)
    return disk
  }

  // ---- what a test asks ----

  put(path: string, bytes: Uint8Array): void {
    this.#names.delete(path)
    const inode = this.#make(path, 0o600)
    inode.given = bytes
    inode.size = bytes.length
  }

  /** A copy of what the file holds. */
  bytesOf(path: string): Buffer {
    const { given, bytes, size } = this.#named(path, 'open')
    return Buffer.concat([given, bytes], size)
  }

  /** The bytes themselves: what a test changes is changed at once, also for who has the file open. */
  view(path: string): Buffer {
    const inode = this.#named(path, 'open')
    makeOwn(inode)
    return inode.bytes.subarray(0, inode.size)
  }

  get names(): string[] {
    return [...this.#names.keys()].sort()
  }

  /** How many descriptors are open. */
  get descriptors(): number {
    return this.#open.size
  }

  /** Names of the files that are locked. */
  get locked(): string[] {
    return [...this.#names].filter(([, inode]) => inode.lockedBy !== undefined).map(([name]) => name)
  }

  // ---- Disk ----

  open(path: string): Fd {
    return this.#descriptor(this.#named(path, 'open'))
  }

  create(path: string, mode: number): Fd {
    if (this.#names.has(path)) throw systemError('EEXIST', 'open', path)
    return this.#descriptor(this.#make(path, mode))
  }

  openLock(path: string, mode: number): Fd {
    return this.#descriptor(this.#names.get(path) ?? this.#make(path, mode))
  }

  close(fd: Fd): void {
    const inode = this.#inode(fd)
    if (inode.lockedBy === fd) inode.lockedBy = undefined
    this.#open.delete(fd)
  }

  end(fd: Fd): number {
    return this.#inode(fd).size
  }

  read(fd: Fd, into: Uint8Array, at: number, length: number, position: number): number {
    const { given, bytes, size } = this.#inode(fd)
    if (!Number.isSafeInteger(position) || position < 0) throw new RangeError(`nothing is read at ${position}`)
    const end = Math.min(position + length, size)
    const first = given.subarray(position, end)
    into.set(first, at)
    if (end <= given.length) return first.length
    const behind = bytes.subarray(Math.max(position - given.length, 0), end - given.length)
    into.set(behind, at + first.length)
    return first.length + behind.length
  }

  write(fd: Fd, from: Uint8Array, at: number, length: number, position: number | null): number {
    const inode = this.#inode(fd)
    if ((position ?? inode.size) < inode.given.length) makeOwn(inode)
    const before = inode.given.length
    const end = inode.size - before
    const start = position === null ? end : position - before
    const behind = start + length
    if (behind > inode.bytes.length) inode.bytes = Buffer.concat([inode.bytes, Buffer.alloc(behind)])
    inode.bytes.fill(0, Math.min(end, start), start)
    inode.bytes.set(from.subarray(at, at + length), start)
    inode.size = before + Math.max(end, behind)
    return length
  }

  truncate(fd: Fd, size: number): void {
    const inode = this.#inode(fd)
    inode.given = inode.given.subarray(0, size)
    inode.size = size
  }

  sync(fd: Fd): void {
    this.#inode(fd)
  }

  async syncAsync(fd: Fd): Promise<void> {
    this.#inode(fd)
  }

  status(fd: Fd): FileStatus {
    return statusOf(this.#inode(fd))
  }

  lookUp(path: string): FileStatus | undefined {
    const inode = this.#names.get(path)
    return inode && statusOf(inode)
  }

  setOwnerAndMode(fd: Fd, { mode }: FileStatus): void {
    this.#inode(fd).mode = mode
  }

  canonical(path: string): string {
    return path
  }

  list(directory: string): string[] {
    const prefix = directory.endsWith('/') ? directory : `${directory}/`
    return this.names.filter(name => name.startsWith(prefix)).map(name => name.slice(prefix.length))
  }

  link(from: string, to: string): void {
    if (this.#names.has(to)) throw systemError('EEXIST', 'link', to)
    const inode = this.#named(from, 'link')
    this.#names.set(to, inode)
    inode.links++
  }

  rename(from: string, to: string): void {
    const inode = this.#named(from, 'rename')
    const replaced = this.#names.get(to)
    if (replaced) replaced.links--
    this.#names.set(to, inode)
    this.#names.delete(from)
  }

  unlink(path: string): void {
    this.#named(path, 'unlink').links--
    this.#names.delete(path)
  }

  syncDirectory(): void {
    // every name is there for good
  }

  checkWriting(): void {
    // a test may always write
  }

  networkFileSystem(): undefined {
    return undefined
  }

  tryLock(fd: Fd): boolean {
    const inode = this.#inode(fd)
    inode.lockedBy ??= fd
    return inode.lockedBy === fd
  }

  unlock(fd: Fd): void {
    const inode = this.#inode(fd)
    if (inode.lockedBy === fd) inode.lockedBy = undefined
  }

  lockHolder(): undefined {
    return undefined
  }

  // These are called on whatever is wrapped around this disk.

  readonly now = (): number => ++this.clock
  readonly ticks = (): number => ++this.clock
  readonly sleep = (milliseconds: number): void => void (this.clock += Math.ceil(milliseconds))
  readonly wait = async (milliseconds: number): Promise<void> => {
    this.sleep(milliseconds)
    return new Promise(done => void setImmediate(done))
  }
  readonly after = (): { cancel(): void } => ({ cancel: () => undefined })
  readonly warn = (message: string): void => void this.warnings.push(message)
  readonly random = (): number => this.#random.next()
  readonly randomBytes = (length: number): Uint8Array => this.#random.bytes(length)

  #make(path: string, mode: number): Inode {
    const inode = { ino: ++this.#inodes, given: NOTHING, bytes: NOTHING, size: 0, links: 1, mode, lockedBy: undefined }
    this.#names.set(path, inode)
    return inode
  }

  #descriptor(inode: Inode): Fd {
    this.#open.set(++this.#descriptors, inode)
    return this.#descriptors
  }

  #named(path: string, call: string): Inode {
    const inode = this.#names.get(path)
    if (!inode) throw systemError('ENOENT', call, path)
    return inode
  }

  #inode(fd: Fd): Inode {
    const inode = this.#open.get(fd)
    if (!inode) throw systemError('EBADF', 'fd', String(fd))
    return inode
  }
}

function statusOf({ ino, size, links, mode }: Inode): FileStatus {
  return { dev: 1n, ino, size, links, mode, uid: 0, gid: 0, isFile: true }
}
