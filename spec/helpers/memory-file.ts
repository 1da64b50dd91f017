// One file in memory, with the operations of a disk that a DataFile needs. A test may change `bytes` as it likes.
import { DataFile } from '../../lib/file/data-file.js'
import type { Disk } from '../../lib/file/disk.js'
import { systemDisk } from '../../lib/file/system-disk.js'

export class MemoryFile {
  bytes: Buffer
  /** The operations that changed the file, in order. */
  readonly changes: string[] = []

  constructor(bytes: Uint8Array = new Uint8Array()) {
    this.bytes = Buffer.from(bytes)
  }

  /** Opens it on a disk where some operations are the test's own. */
  open(own: Partial<Disk> = {}): DataFile {
    return new DataFile({ ...systemDisk, ...this.operations, ...own }, 0)
  }

  readonly operations = {
    end: () => this.bytes.length,
    read: (_fd, into, at, length, position) => {
      const part = this.bytes.subarray(position, position + length)
      into.set(part, at)
      return part.length
    },
    write: (_fd, from, at, length, position) => {
      this.changes.push('write')
      const before = this.bytes.subarray(0, position ?? this.bytes.length)
      const behind = this.bytes.subarray(before.length + length)
      this.bytes = Buffer.concat([before, from.subarray(at, at + length), behind])
      return length
    },
    truncate: (_fd, size) => {
      this.changes.push('truncate')
      this.bytes = this.bytes.subarray(0, size)
    },
    sync: () => void this.changes.push('sync'),
    close: () => undefined,
  } satisfies Partial<Disk>
}
