// What programs meet in a store that was made from what was sound in a damaged one.
import t from 'tap'
import { Persistent } from '../../lib/index.js'
import type { Connection } from '../../lib/object/connection.js'
import { openWith } from '../../lib/object/open.js'
import { recover } from '../../lib/store/recover.js'
import { MemoryDisk } from '../damage/memory-disk.js'

const PATH = '/app.db'
const SAVED = '/saved.db'

class Item extends Persistent {
  static type = 'Item'
  price = 1
}

class Shop extends Persistent {
  static type = 'Shop'
  open = true
  item: Item | null = null
  other: Item | null = null
}

const openShop = (disk: MemoryDisk, path: string) =>
  openWith(disk, path, { root: Shop, classes: [Item] }) as Connection<Shop>

/** A shop with two items that the second commit made; what `text` stands in has been damaged and salvaged. */
function recovered(text: string) {
  const disk = new MemoryDisk()
  const db = openShop(disk, PATH)
  const sell = (shop: Shop): void => void Object.assign(shop, { item: new Item(), other: new Item() })
  db.transact(sell, { id: 'selling' })
  db.close()
  disk.view(PATH).write('X', disk.bytesOf(PATH).indexOf(text, 4096))
  const salvagedAt = (disk.clock += 1000)
  const report = recover(disk, PATH, SAVED)
  return { disk, report, salvagedAt }
}

t.test('an object whose shape was lost is gone, and the store is sound without it', async t => {
  const { disk, report } = recovered('Item')
  t.match(report, { saved: 1, lost: [Number, Number], rootLost: false })
  const db = openShop(disk, SAVED)
  const { item } = db.root
  t.throws(() => item?.price, { code: 'GONE', message: /put another one in its place/ })
  await db.pack()
  db.transact(shop => (shop.item = new Item()))
  t.equal(db.root.item?.price, 1)
  t.throws(() => db.root.other?.price, { code: 'GONE' })
  await db.pack()
  db.close()
})

t.test('whether a transaction was committed whose id was lost is unknown', t => {
  const { disk, salvagedAt } = recovered('selling')
  const db = openShop(disk, SAVED)
  t.equal(db.resolve('selling'), 'unknown')
  t.equal(db.resolve('selling', { since: salvagedAt }), 'unknown')
  disk.clock += 1000
  t.equal(db.resolve('later', { since: disk.clock }), 'not committed')
  db.close()
  t.end()
})
