// Index files that tell other records as those of ids of transactions: found out by whoever reads one of these.
import t from 'tap'
import { LogIndex } from '../../lib/store/log-index.js'
import { tableParts } from '../../lib/store/offset-table.js'
import { pack } from '../../lib/store/pack.js'
import { reachable } from '../../lib/store/reachable.js'
import { Store } from '../../lib/store/store.js'
import { hashOfId } from '../../lib/store/transaction-id.js'
import { ID_SHAPE, type Oid } from '../../lib/store/types.js'
import { measureUsage } from '../../lib/store/usage.js'
import { verify } from '../../lib/store/verify.js'
import { draft, initialDraft, put, record } from '../helpers/drafts.js'
import { PATH, withStore } from './known-store.js'
import { MemoryDisk } from './memory-disk.js'

const INDEX = `${PATH}.index`
const IDS = ['id 0', 'id 1', 'id 2']

/** A store with objects and ids, and an index file of it that tells these oids as those of the ids. */
async function lying(
  packed: boolean,
  told: (reached: Oid, dropped: Oid, shape: Oid) => readonly number[],
): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  const store = Store.open(disk, PATH, {}, initialDraft)
  const reached = put(store, record(-1, 'reached'), record(1, 'root', [-1]))
  if (packed) await pack(store)
  for (const id of IDS) store.commit(draft(record(1, id, [reached])), store.latest(), [], true, id)
  const dropped = put(store, record(-1, 'not reached', [reached]))
  store.makeDurable(store.latest())
  const { header, reader, shapes } = store.current
  const index = new LogIndex()
  for (const [oid, offset] of store.current.entries()) index.offsets.set(oid, offset)
  index.shapes.push(...shapes)
  const oids = told(reached, dropped, shapes[0]!)
  for (const [n, oid] of oids.entries()) index.ids.add(hashOfId(IDS[n % IDS.length]!), oid as Oid)
  const { tail, syncedTo } = reader
  const parts = [...tableParts(header, index, { tail, syncedTo })]
  store.close()
  return MemoryDisk.with({ [PATH]: disk.bytesOf(PATH), [INDEX]: Buffer.concat(parts) })
}

const LIES: Readonly<Record<string, (reached: Oid, dropped: Oid, shape: Oid) => readonly number[]>> = {
  objects: reached => [reached, reached, reached],
  'objects that cannot be reached': (_, dropped) => [dropped, dropped, dropped],
  'the root': () => [1, 1, 1],
  shapes: (_reached, _dropped, shape) => [shape, shape, shape],
  'all of them': (reached, dropped, shape) => [reached, dropped, shape, 1, 1, 1],
}

for (const packed of [false, true]) {
  for (const [name, told] of Object.entries(LIES)) {
    t.test(`an index file that tells ${name} as ids${packed ? ', of a packed file' : ''}`, async t => {
      const idsIn = ({ current }: Store): boolean[] => [...IDS, 'none'].map(id => current.committed(id) !== undefined)
      const all = [true, true, true, false]
      const disk = await lying(packed, told)
      t.strictSame(withStore(disk, { readonly: true }, idsIn), all, 'are looked up')
      const walked = withStore(disk, { readonly: true }, store => {
        const ids = [...reachable(store.latest(), () => undefined)].filter(({ shape }) => shape === ID_SHAPE)
        return [ids.length, new Set(ids.map(({ oid }) => oid)).size]
      })
      t.strictSame(walked, [3, 3], 'are gone through')
      t.match(
        withStore(disk, { readonly: true }, store => measureUsage(store.latest())),
        { objects: 2, unreachable: 1 },
      )
      const store = Store.open(disk, PATH)
      const { objects, dropped } = await pack(store)
      t.equal(objects + dropped, 3)
      t.equal(store.current.log.idCount, 3, 'are packed')
      t.strictSame(idsIn(store), all)
      t.match(await pack(store), { objects: 2 }, 'what was kept for an id goes with the next pack')
      t.strictSame(idsIn(store), all)
      store.close()
      verify(disk, PATH, ({ message }) => t.fail(message))
    })
  }
}
