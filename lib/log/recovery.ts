// What a writer does about a torn append that it finds at the end of the log. Called only with the lock held.
import { StoreReplacedError } from '../error.js'
import type { DataFile } from '../file/data-file.js'
import { chainStart, decodeFileHeader, HEADER_LENGTH } from './file-header.js'
import { checkFrame, readFrameHeader } from './frame.js'
import type { LogReader } from './log-reader.js'
import type { LogWriter } from './log-writer.js'

/** Cuts the short frame behind the tail, after making sure that this is still the file that was read. */
export function cutShortFrame(file: DataFile, path: string, reader: LogReader, writer: LogWriter): void {
  if (!lastFrameStands(file, path, reader)) {
    throw new StoreReplacedError(path, 'the last commit that was read is not in the file any more')
  }
  writer.cut(reader.tail.offset)
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
