// What a writer does about what it finds behind the last whole frame: a torn append of a killed process, or the mark of a power
// cut. Called only with the lock held. Every cut is on disk before anything is appended behind it.
import { dirname } from 'node:path'
import { StoreReplacedError } from '../error.js'
import { DataFile } from '../file/data-file.js'
import { REPLACED, type LogReader } from './log-reader.js'
import type { LogWriter } from './log-writer.js'

const PIECE = 1 << 20

/** Cuts the short frame behind the tail, after making sure that this is still the file that was read. */
export function cutShortFrame(path: string, reader: LogReader, writer: LogWriter): void {
  if (!reader.lastFrameStands()) {
    throw new StoreReplacedError(path, REPLACED)
  }
  writer.cut(reader.tail.offset)
}

/**
 * Takes away what a power cut has left behind the tail: saved beside the store first, so that nobody can say that it was lost in
 * silence. Returns the name of the saved part.
 */
export function setTornEndAside(file: DataFile, path: string, reader: LogReader, writer: LogWriter): string {
  if (!reader.lastFrameStands()) {
    throw new StoreReplacedError(path, REPLACED)
  }
  const { disk } = file
  const { offset } = reader.tail
  const name = `${path}.torn-${offset}-${Buffer.from(disk.randomBytes(4)).toString('hex')}`
  const saved = new DataFile(disk, disk.create(name, file.status().mode))
  try {
    const end = file.end()
    for (let from = offset; from < end; from += PIECE) {
      const piece = new Uint8Array(Math.min(PIECE, end - from))
      saved.write(piece.subarray(0, file.read(piece, from)), from - offset)
    }
    disk.sync(saved.fd)
  } finally {
    saved.close()
  }
  disk.syncDirectory(dirname(path))
  writer.cut(offset)
  return name
}
