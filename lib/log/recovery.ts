// What a writer does about what it finds behind the last whole frame: a torn append of a killed process, or the mark of a power
// cut. Called only with the lock held. Every cut is on disk before anything is appended behind it.
import { basename, dirname } from 'node:path'
import { DataFile } from '../file/data-file.js'
import type { Disk } from '../file/disk.js'
import type { LogReader } from './log-reader.js'
import type { LogWriter } from './log-writer.js'

const PIECE = 1 << 20

/** Cuts the short frame behind the tail, after making sure that this is still the file that was read. */
export function cutShortFrame(reader: LogReader, writer: LogWriter): void {
  reader.checkLastFrame()
  writer.cut(reader.tail.offset)
}

/**
 * Takes away what a power cut has left behind the tail: saved beside the store first, so that nobody can say that it was lost in
 * silence. Returns the name of the saved part.
 */
export function setTornEndAside(file: DataFile, path: string, reader: LogReader, writer: LogWriter): string {
  reader.checkLastFrame()
  const { offset } = reader.tail
  const prefix = `${path}.torn-${offset}-`
  const name = savedBefore(file, prefix, offset) ?? save(file, prefix, offset)
  writer.syncDirectory()
  writer.cut(offset)
  return name
}

/** Gives the name of a new file that holds what stands behind `offset`, on disk; if that cannot be, there is none. */
function save(file: DataFile, prefix: string, offset: number): string {
  const { disk } = file
  const name = prefix + Buffer.from(disk.randomBytes(4)).toString('hex')
  const saved = new DataFile(disk, disk.create(name, file.status().mode))
  let isWhole = false
  try {
    for (const { from, piece } of piecesBehind(file, offset)) saved.write(piece, from)
    disk.sync(saved.fd)
    isWhole = true
    return name
  } finally {
    saved.close()
    if (!isWhole) unlinkIfPossible(disk, name) // where the disk is full, what is left would take the space that is missing
  }
}

/** The same of a file that somebody has saved who could not cut then; undefined: there is none. */
function savedBefore(file: DataFile, prefix: string, offset: number): string | undefined {
  const begin = basename(prefix)
  for (const name of namesIn(file.disk, dirname(prefix))) {
    if (!name.startsWith(begin) || !/^[0-9a-f]{8}$/.test(name.slice(begin.length))) continue
    const path = prefix + name.slice(begin.length)
    if (isCopy(file, offset, path)) return path
  }
  return undefined
}

/** None if the directory is not ours to list. */
function namesIn(disk: Disk, directory: string): string[] {
  try {
    return disk.list(directory)
  } catch {
    return []
  }
}

/** Whether the file holds, on disk, what stands behind `offset`; if it cannot be read, nobody knows. */
function isCopy(file: DataFile, offset: number, path: string): boolean {
  let copy: DataFile | undefined
  try {
    copy = new DataFile(file.disk, file.disk.open(path, 'read'))
    if (copy.end() !== file.end() - offset) return false
    for (const { from, piece } of piecesBehind(file, offset)) {
      const same = new Uint8Array(piece.length)
      if (copy.read(same, from) < same.length || Buffer.compare(same, piece) !== 0) return false
    }
    file.disk.sync(copy.fd)
    return true
  } catch {
    return false
  } finally {
    copy?.close()
  }
}

/** What stands behind `offset`; `from` counts from there. */
function* piecesBehind(file: DataFile, offset: number): Generator<{ from: number; piece: Uint8Array }> {
  const end = file.end()
  for (let at = offset; at < end; at += PIECE) {
    const piece = new Uint8Array(Math.min(PIECE, end - at))
    yield { from: at - offset, piece: piece.subarray(0, file.read(piece, at)) }
  }
}

function unlinkIfPossible(disk: Disk, path: string): void {
  try {
    disk.unlink(path)
  } catch {
    // What stopped the copy is what is to be told.
  }
}
