// The table of a packed state, which stands in the file itself, between base frames or behind the last: so that who opens it need not
// read these. The log holds the truth, and is read where the table cannot be used.
import type { DataFile } from '../file/data-file.js'
import type { FileHeader } from '../log/file-header.js'
import { confirmTail } from '../log/tail.js'
import { readTable, type OffsetTable } from './offset-table.js'

/** undefined: there is none, or none that can be used. Its tail is where the log goes on behind it. Never throws. */
export function packedTable(file: DataFile, header: FileHeader): OffsetTable | undefined {
  const { table } = header
  if (table === undefined) return undefined
  try {
    const found = readTable(file, table.at, table.end, header)
    if (found?.tail.offset !== table.at) return undefined
    const tail = confirmTail(file, header, { ...found.tail, offset: table.end })
    return tail && { ...found, tail }
  } catch {
    return undefined // as good as none
  }
}
