import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { changeEach } from '../people.js'
import { shuffled } from '../person.js'
import type { Workload } from '../workload.js'

const BYTES = { unit: 'bytes', better: 'less' } as const
const UPDATES = 1000

/** Bytes of all files. */
export function bytesIn(dir: string): number {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
}

export const bytes: Workload = {
  id: 'B12',
  title: 'bytes on disk for each object: as built, after a pack, and more by a change of one field',
  figures: { built: BYTES, packed: BYTES, 'one change': BYTES },
  contenders: ['perdure', 'perdure-plain', 'lmdb', 'lmdb+structures', 'sqlite', 'level', 'floor'],
  grows: true,
  begins: 'people',
  spoils: true,
  async measure(context) {
    const built = bytesIn(context.dir) / context.size
    const store = await context.open()
    const ids = shuffled(context.size).subarray(0, UPDATES)
    await store.age(0)
    const before = bytesIn(context.dir)
    await changeEach(store, ids, 1)
    const change = (bytesIn(context.dir) - before) / ids.length
    await store.close()
    const again = await context.open()
    await again.pack?.()
    await again.close()
    // lmdb packs into a copy; whichever of the two is smaller counts.
    const packed = packedBytes(context.dir) / context.size
    return { built, packed, 'one change': change }
  },
}

function packedBytes(dir: string): number {
  const copy = readdirSync(dir).find(name => name === 'packed')
  return bytesIn(copy === undefined ? dir : join(dir, copy))
}
