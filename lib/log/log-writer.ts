// Appends whole frames, or nothing. The caller holds the lock and has read everything up to the end.
import { dirname } from 'node:path'
import { CommitFailedError } from '../error.js'
import type { DataFile } from '../file/data-file.js'
import { provesNothing } from '../file/disk-error.js'

export class LogWriter {
  readonly #file: DataFile
  readonly #path: string
  /**
   * Set for ever when a cut, or the directory, could not be synced, or an append that has failed could not be cut off: nothing may be
   * appended behind that, and what was before it may be lost.
   */
  failedSync: unknown

  constructor(file: DataFile, path: string) {
    this.#file = file
    this.#path = path
  }

  /**
   * Appends `frame` at `end`, the end of the file. On any failure the file is as before, and CommitFailedError says why; where that cannot
   * be and the whole frame stands there, it is appended, and `failedSync` says why it may not stay.
   */
  append(frame: Uint8Array, end: number): void {
    if (this.failedSync !== undefined) throw this.#cutFailed(this.failedSync)
    this.appendControl(frame, end)
  }

  /** The same for a frame that holds no commit: also behind a cut that could not be synced, as what it says is to be known at once. */
  appendControl(frame: Uint8Array, end: number): void {
    try {
      this.#file.write(frame, null)
    } catch (cause) {
      this.#undo(end)
      if (this.#stands(frame, end)) {
        this.failedSync ??= cause // everybody takes it for committed, and nobody knows what of it is on disk
        return
      }
      const why = (cause as Error).message
      throw new CommitFailedError(
        `${this.#path}: could not append ${frame.length} bytes (${why}). Nothing was committed; try again when the cause is gone.`,
        { cause },
      )
    }
  }

  /** Cuts off what stands behind `end`; on disk before this returns. Throws CommitFailedError. */
  cut(end: number): void {
    const { disk, fd } = this.#file
    try {
      disk.truncate(fd, end)
    } catch (cause) {
      throw this.#cutFailed(cause)
    }
    try {
      disk.sync(fd)
    } catch (cause) {
      if (!provesNothing(cause)) this.failedSync = cause
      throw this.#cutFailed(cause)
    }
  }

  /** Before an append that relies on it. A failed one is not called again, but where the directory could not be opened. */
  syncDirectory(): void {
    try {
      this.#file.disk.syncDirectory(dirname(this.#path))
    } catch (cause) {
      if (!provesNothing(cause)) this.failedSync = cause
      throw cause
    }
  }

  #undo(end: number): void {
    try {
      if (this.#file.end() > end) this.cut(end)
    } catch {
      // What stays behind is a torn frame: no reader takes it, and the next writer cuts it. If only the sync failed,
      // `failedSync` tells.
    }
  }

  /** All of it, although the system has refused to write it and then to cut it off. */
  #stands(frame: Uint8Array, at: number): boolean {
    try {
      const end = at + frame.length
      return this.#file.end() >= end && Buffer.compare(this.#file.between(at, end), frame) === 0
    } catch {
      return false // as far as anybody knows
    }
  }

  #cutFailed(cause: unknown): CommitFailedError {
    const why = (cause as Error).message
    const advice =
      this.failedSync === undefined ? 'try again when the cause is gone' : 'check the disk, then pack, and try again'
    return new CommitFailedError(
      `${this.#path}: could not cut off an incomplete commit (${why}). Nothing was committed; ${advice}.`,
      { cause },
    )
  }
}
