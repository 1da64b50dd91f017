// The one seam to the outside world: every system call, clock and source of randomness that the store uses.
// Tests put a counting, faulty or crashing disk here; nothing below this file may be reached around it.

/** An open file. */
export type Fd = number

/** What identifies a file, and what a new generation must take over from it. */
export interface FileStatus {
  readonly dev: bigint
  readonly ino: bigint
  /** Bytes. */
  readonly size: number
  /** Names (hard links). 0: unlinked. */
  readonly links: number
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly isFile: boolean
}

/** Starts something that can be stopped. */
export interface Timer {
  cancel(): void
}

export interface Disk {
  /** `read`: O_RDONLY. `append`: O_RDWR | O_APPEND: every write lands at the end, whatever others do. Never waits: O_NONBLOCK. */
  open(path: string, access: 'read' | 'append'): Fd
  /** O_CREAT | O_EXCL | O_RDWR, not following links: fails if the name exists. */
  create(path: string, mode: number): Fd
  /**
   * The lock file: O_CREAT | O_RDWR, not following links; made empty if missing, and then with the owner and group of `like`
   * as far as that is allowed.
   */
  openLock(path: string, mode: number, like?: FileStatus): Fd
  /** Throws UnsupportedError where stores can only be read: in a worker thread, on Windows. */
  checkWriting(): void
  close(fd: Fd): void

  /** The size in bytes, by one lseek(END) where fs-ext is there. */
  end(fd: Fd): number
  /** pread: returns how many bytes arrived, fewer only at the end of the file or on a short read. */
  read(fd: Fd, into: Uint8Array, at: number, length: number, position: number): number
  /** One write at the end (`append`), or at `position`; returns how many bytes were taken. */
  write(fd: Fd, from: Uint8Array, at: number, length: number, position: number | null): number
  truncate(fd: Fd, size: number): void
  /** fdatasync. */
  sync(fd: Fd): void
  syncAsync(fd: Fd): Promise<void>

  status(fd: Fd): FileStatus
  /** Follows links; undefined when there is no such file. */
  lookUp(path: string): FileStatus | undefined
  /** `as allowed`: as far as this user may give them, and so that nobody may do more than with a file that has them. */
  setOwnerAndMode(fd: Fd, status: FileStatus, how: 'all' | 'as allowed'): void
  /** The path with all links resolved; of a file that does not exist, its directory's. */
  canonical(path: string): string
  list(directory: string): string[]
  link(from: string, to: string): void
  rename(from: string, to: string): void
  unlink(path: string): void
  /** An error whose `syscall` is `open` says that it could not be opened: unlike any other, it proves nothing of what is on disk. */
  syncDirectory(path: string): void
  /** The name of a network file system on which locks or appends cannot be trusted; undefined: none known. */
  networkFileSystem(path: string): string | undefined

  /** flock, exclusive, without waiting. Throws UnsupportedError where fs-ext is missing or must not be loaded. */
  tryLock(fd: Fd): boolean
  unlock(fd: Fd): void
  /** The process that holds the lock on this file, where the system tells. */
  lockHolder(status: FileStatus): number | undefined

  /** Milliseconds since 1970. */
  now(): number
  /** Milliseconds of a clock that never goes back. */
  ticks(): number
  /** Blocks this thread for about so many milliseconds. */
  sleep(milliseconds: number): void
  /** 0: for one turn of the event loop. */
  wait(milliseconds: number): Promise<void>
  /** Does not keep the process alive. */
  after(milliseconds: number, act: () => void): Timer
  /** Tells the people who run this program of something that is not an error. */
  warn(message: string): void
  /** A number in [0, 1). */
  random(): number
  randomBytes(length: number): Uint8Array
  /** Checksum of the machine's boot id; 0: unknown. */
  readonly boot: number
}
