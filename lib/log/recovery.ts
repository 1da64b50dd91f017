// What a writer does about what it finds behind the last whole frame: a torn append of a killed process, or the mark of a power
// cut. Called only with the lock held. Every cut is on disk before anything is appended behind it.
import { dirname } from 'node:path'
import { StoreReplacedError } from '../error.js'
import { DataFile } from '../file/data-file.js'
import { chainStart, decodeFileHeader, HEADER_LENGTH } from './file-header.js'
import { checkFrame, readFrameHeader } from './frame.js'
import type { LogReader } from './log-reader.js'
import type { LogWriter } from './log-writer.js'

const PIECE = 1 << 20

/** Cuts the short frame behind the tail, after making sure that this is still the file that was read. */
export function cutShortFrame(file: DataFile, path: string, reader: LogReader, writer: LogWriter): void {
  if (!lastFrameStands(file, path, reader)) {
    throw new StoreReplacedError(path, 'the last commit that was read is not in the file any more')
  }
  writer.cut(reader.tail.offset)
}

/**
 * Takes away what a power cut has left behind the tail: saved beside the store first, so that nobody can say that it was lost in
 * silence. Returns the name of the saved part.
 */
export function setTornEndAside(file: DataFile, path: string, reader: LogReader, writer: LogWriter): string {
  if (!lastFrameStands(file, path, reader)) {
    throw new StoreReplacedError(path, 'the last commit that was read is not in the file any more')
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

function lastFrameStands(file: DataFile, path: string, { tail, salt }: LogReader): boolean {
  const from = tail.lastFrame
  const bytes = new Uint8Array(from === 0 ? HEADER_LENGTH : tail.offset - from)
  if (file.read(bytes, from) < bytes.length) return false
  if (from === 0) {
    return chainStart(decodeFileHeader(bytes, path).uuid) === tail.checksum
  }
  const header = readFrameHeader(bytes, 0, from, salt)
  return header !== undefined && checkFrame(bytes, 0, header) === tail.checksum
}
