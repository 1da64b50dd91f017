// Closing a file that is only left tells nothing that anybody could use: whatever it throws, nothing fails by it and nothing stays open.
import t from 'tap'
import type { Disk } from '../../lib/file/disk.js'
import { PersistentMap, type Connection, type Persistent } from '../../lib/index.js'
import { openWith } from '../../lib/object/open.js'
import { recover } from '../../lib/store/recover.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'
import { refused } from './failures.js'
import { MemoryDisk } from './memory-disk.js'

const PATH = '/app.db'
const SAVED = '/saved.db'
const root = { map: new PersistentMap<string, { values: number[] }>([['held', { values: [] }]]) }

type Db = Connection<Persistent & typeof root>

const connect = (disk: Disk, readonly = false): Db =>
  openWith(disk, PATH, { root, readonly, durability: 'os' }) as unknown as Db

/** Opens, goes over to the files of two packs (one by others), commits before and behind each, and closes. */
async function live(disk: Disk, stranger: Disk): Promise<void> {
  const db = connect(disk)
  const { values } = db.root.map.get('held')!
  const other = connect(stranger)
  const reader = connect(disk, true)
  t.equal(reader.root.map.size, 1)
  for (const packer of [other, db]) {
    other.transact(r => r.map.set('another', { values: [] }))
    db.transact(() => values.push(values.length))
    await packer.pack()
    db.transact(() => values.push(values.length))
    reader.refresh()
    t.same(reader.root.map.get('held')?.values, values)
  }
  for (const each of [other, db, reader]) each.close()
  recover(disk, PATH, SAVED)
}

/** Whether close number `k` was reached; it fails, and all behind it if `forever`. */
async function tryOne(k: number, forever: boolean): Promise<boolean> {
  const memory = new MemoryDisk()
  let closed = 0
  const disk = wrapDisk(memory, (name, _n, go) => {
    const result = go()
    if (name === 'close' && (++closed === k || (forever && closed > k))) refused('EIO')()
    return result
  })
  await live(
    disk,
    wrapDisk(memory, (_name, _n, go) => go()),
  )
  t.equal(memory.descriptors, 0, `nothing is left open, close ${k}`)
  const db = connect(memory)
  t.same([...db.root.map.get('held')!.values], [0, 1, 2, 3])
  db.close()
  return closed >= k
}

t.test('each close in the life of a store fails, once and for ever', async t => {
  for (const forever of [false, true]) {
    let k = 1
    while (await tryOne(k, forever)) k++
    t.ok(k > 10, `${k - 1} closes`)
  }
})
