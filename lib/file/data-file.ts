// One open file: positional reads that are whole or fail, appends that are whole or undone. Knows nothing of what the bytes mean.
import { ClosedError } from '../error.js'
import type { Disk, Fd, FileStatus } from './disk.js'
import { letGo } from './let-go.js'

export class DataFile {
  readonly disk: Disk
  #fd: Fd | undefined

  constructor(disk: Disk, fd: Fd) {
    this.disk = disk
    this.#fd = fd
  }

  /** Refused once closed: the number may be another file's by then. */
  get fd(): Fd {
    if (this.#fd === undefined) throw new ClosedError('this file has been closed')
    return this.#fd
  }

  /** Throws ClosedError. */
  checkOpen(): void {
    if (this.#fd === undefined) throw new ClosedError('this file has been closed')
  }

  /** Bytes in the file now. */
  end(): number {
    return this.disk.end(this.fd)
  }

  status(): FileStatus {
    return this.disk.status(this.fd)
  }

  /** Fills `into` from `position`; returns how many bytes there were (fewer only at the end of the file). */
  read(into: Uint8Array, position: number): number {
    let done = 0
    while (done < into.length) {
      const got = this.disk.read(this.fd, into, done, into.length - done, position + done)
      if (got === 0) break
      done += got
    }
    return done
  }

  /** What stands between two places: less only at the end of the file. */
  between(from: number, to: number): Uint8Array {
    const bytes = Buffer.allocUnsafe(to - from)
    return bytes.subarray(0, this.read(bytes, from))
  }

  /** Writes all of `bytes` at the end of a file opened for `append`, or from `position` on. */
  write(bytes: Uint8Array, position: number | null): void {
    let done = 0
    while (done < bytes.length) {
      const at = position === null ? null : position + done
      const taken = this.disk.write(this.fd, bytes, done, bytes.length - done, at)
      if (taken === 0) throw Object.assign(new Error('ENOSPC: the disk takes no more bytes'), { code: 'ENOSPC' })
      done += taken
    }
  }

  /** Never throws. */
  close(): void {
    if (this.#fd === undefined) return
    const fd = this.#fd
    this.#fd = undefined
    letGo(this.disk, fd)
  }
}
