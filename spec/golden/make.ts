// Makes the golden files of this format version, with the same clock and randomness each time: run once for each version, when its
// bytes are settled (`npm run build && node dist/spec/golden/make.js`). A file that is there is never made anew: all that was ever
// written must stay readable, so a new version gets files of its own.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FORMAT_VERSION } from '../../lib/log/file-header.js'
import { MemoryDisk } from '../damage/memory-disk.js'
import { projectRoot } from '../helpers/project-root.js'
import { changeSome, connect, fill } from './content.js'
import * as largeValues from './large-values.js'
import * as queues from './queues.js'

const PATH = '/app.db'

/** A new store, and the same after a pack with more commits behind. */
async function makeFiles(): Promise<Record<string, Buffer>> {
  const disk = new MemoryDisk()
  const files: Record<string, Buffer> = {}
  const db = connect(disk, PATH)
  fill(db)
  changeSome(db, 1)
  db.flush()
  files.unpacked = disk.bytesOf(PATH)
  await db.pack()
  changeSome(db, 2)
  db.flush()
  // v1-packed and v1-packed-twice are older than the table in a packed file; in v1-packed-with-table it has the ids as text
  files['packed-with-hashed-ids'] = disk.bytesOf(PATH)
  db.close()
  const large = largeValues.connect(disk, '/large.db')
  largeValues.fill(large)
  large.flush()
  files['values-apart'] = disk.bytesOf('/large.db') // v1-values-inside is older than values that stand apart
  large.close()
  const hall = queues.connect(disk, '/queues.db')
  queues.fill(hall)
  hall.flush()
  files.queues = disk.bytesOf('/queues.db')
  hall.close()
  return files
}

for (const [name, bytes] of Object.entries(await makeFiles())) {
  const path = join(projectRoot, 'spec', 'golden', `v${FORMAT_VERSION}-${name}.base64`)
  if (existsSync(path)) {
    console.log(`${path} is there already`)
    continue
  }
  const lines = bytes.toString('base64').match(/.{1,120}/g) ?? []
  writeFileSync(path, lines.join('\n') + '\n')
  console.log(`${path}: ${bytes.length} bytes`)
}
