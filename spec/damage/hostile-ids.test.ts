// Index files that tell other records as those of ids of transactions: found out by whoever reads one of these.
import t from 'tap'
import { LogIndex } from '../../lib/store/log-index.js'
import { atOnce } from '../../lib/store/long-work.js'
import { tableParts } from '../../lib/store/offset-table.js'
import { pack } from '../../lib/store/pack.js'
import { reachable } from '../../lib/store/reachable.js'
import { Store } from '../../lib/store/store.js'
import { hashOfId } from '../../lib/store/transaction-id.js'
import { ID_SHAPE, type Oid } from '../../lib/store/types.js'
import { measureUsage } from '../../lib/store/usage.js'
import { verify } from '../../lib/store/verify.js'
import { draft, initialDraft, put, record } from '../helpers/drafts.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'
import { PATH, withStore } from './known-store.js'
import { MemoryDisk } from './memory-disk.js'

const INDEX = `${PATH}.index`
const IDS = ['id 0', 'id 1', 'id 2']

/** Which oids are told as those of ids, for each of these in turn. */
type Told = (reached: Oid, dropped: Oid, shape: Oid, ids: readonly Oid[]) => readonly number[]

/** A store with objects and ids, and an index file of it that tells these oids as those of the ids. */
async function lying(packed: boolean, told: Told): Promise<MemoryDisk> {
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
  const oids = told(reached, dropped, shapes[0]!, [...atOnce(store.current.gatherIds())])
  for (const [n, oid] of oids.entries()) index.ids.add(hashOfId(IDS[n % IDS.length]!), oid as Oid)
  const { tail, syncedTo } = reader
  const parts = [...tableParts(header, index, { tail, syncedTo })]
  store.close()
  return MemoryDisk.with({ [PATH]: disk.bytesOf(PATH), [INDEX]: Buffer.concat(parts) })
}

const LIES: Readonly<Record<string, Told>> = {
  objects: reached => [reached, reached, reached],
  'objects that cannot be reached': (_, dropped) => [dropped, dropped, dropped],
  'the root': () => [1, 1, 1],
  shapes: (_reached, _dropped, shape) => [shape, shape, shape],
  'all of them': (reached, dropped, shape) => [reached, dropped, shape, 1, 1, 1],
  'ids of others': (_reached, _dropped, _shape, [a, b, c]) => [b!, c!, a!],
  'records that do not exist': () => [1000, 1001, 1002],
  'many that do not exist': () => Array.from({ length: 100 }, (_, n) => 1000 + n),
  'one more that does not exist': (_reached, _dropped, _shape, ids) => [...ids, 2 ** 52],
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
      t.ok(withStore(disk, { readonly: true }, store => store.current.objects) >= 0)
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

t.test(
  'an index file that tells more ids than there are records is not believed how many objects there are',
  async t => {
    const disk = await lying(false, LIES['many that do not exist']!)
    t.equal(
      withStore(disk, { readonly: true }, store => store.current.objects),
      3,
    )
  },
)

/** What the index file tells as the records of an id. */
const told = (disk: MemoryDisk): number[] =>
  withStore(disk, { readonly: true }, ({ current }) =>
    current.log.idsByHash(hashOfId(IDS[0]!)).map(oid => current.read(current.newest(oid)).shape),
  )

/** So much that an index file is due, after a sync and at close. */
const MUCH = 'x'.repeat(5 << 20)

t.test('what is known to lie, and could not be built anew, is not stored', async t => {
  let failed = 0
  // The first read finds the lie, the others would put it right.
  for (let sound = 1; sound < 8; sound++) {
    const disk = await lying(false, LIES.objects!)
    const index = disk.bytesOf(INDEX)
    let left = Infinity
    const store = Store.open(
      wrapDisk(disk, (name, _n, go) => {
        if (name === 'read' && left-- <= 0) throw Object.assign(new Error('EIO: as the test wants'), { code: 'EIO' })
        return go()
      }),
      PATH,
    )
    put(store, record(1, MUCH))
    left = sound
    try {
      store.current.committed(IDS[0]!)
    } catch (error) {
      t.match(error, { code: 'DISK' })
      failed++
    }
    left = Infinity
    store.close()
    if (disk.bytesOf(INDEX).equals(index)) continue
    t.strictSame(told(disk), [ID_SHAPE], 'what is stored tells the truth')
  }
  t.ok(failed > 1)
})

t.test('nor is it where it was found to lie while an fsync went on behind which it was to be stored', async t => {
  const disk = await lying(false, LIES.objects!)
  let synced = (): void => undefined
  const store = Store.open(
    wrapDisk(disk, (name, _n, go) => (name === 'syncAsync' ? new Promise<void>(done => (synced = done)) : go())),
    PATH,
  )
  put(store, record(1, MUCH))
  const durable = store.makeDurableAsync(store.latest())
  t.ok(store.current.committed(IDS[0]!))
  synced()
  await durable
  t.strictSame(told(disk), [ID_SHAPE])
  store.close()
})

t.test('an index file that was found to lie is written anew at close, although the log has not grown', async t => {
  const disk = await lying(false, LIES.objects!)
  withStore(disk, {}, store => put(store, record(1, MUCH)))
  t.not(told(disk)[0], ID_SHAPE, 'that of the larger log lies, too')
  withStore(disk, {}, ({ current }) => t.ok(current.committed(IDS[0]!)))
  t.strictSame(told(disk), [ID_SHAPE])
})

t.test('ids of later commits than the one that is read up to are no damage', t => {
  const disk = new MemoryDisk()
  const store = Store.open(disk, PATH, {}, initialDraft)
  for (let n = 0; n < 100; n++) put(store, record(1, `${n}`.padEnd(20_000)))
  const { tid } = store.latest()
  for (const id of IDS) store.commit(draft(record(1, id)), store.latest(), [], true, id)
  store.makeDurable(store.latest())
  store.close()
  const past = Store.open(disk, PATH, { readonly: true, until: tid })
  t.ok(past.current.log.isAhead)
  t.strictSame(
    IDS.map(id => past.current.committed(id)),
    [undefined, undefined, undefined],
  )
  t.strictSame([...reachable(past.latest(), () => undefined)].filter(({ shape }) => shape === ID_SHAPE).length, 0)
  t.ok(past.current.log.isAhead)
  past.close()
  t.end()
})
