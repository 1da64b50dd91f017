// An earlier copy of a store put back beside an index file that tells of commits it does not have. What the index file says was on disk is
// not said of what the copy has become: what a power cut takes of that is cut off, and nothing is refused.
import t from 'tap'
import { pack } from '../../lib/store/pack.js'
import { recover } from '../../lib/store/recover.js'
import { Store } from '../../lib/store/store.js'
import type { Oid } from '../../lib/store/types.js'
import { verify } from '../../lib/store/verify.js'
import { SimulatedDisk } from '../crash/simulated-disk.js'
import { PATH } from '../damage/known-store.js'
import { MemoryDisk } from '../damage/memory-disk.js'
import { initialDraft, put, record, textOf } from '../helpers/drafts.js'
import { seeded } from '../helpers/seeded.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'

const INDEX = `${PATH}.index`
const ROOT = 1 as Oid

/** Commits of 20 kB; none is synced. */
function grow(store: Store, text: string, commits: number): void {
  for (let n = 0; n < commits; n++) put(store, record(ROOT, text.padEnd(20_000, '.')))
}

/** An earlier copy, the store as it went on, and the index file of that. */
function makeCopies(): { early: Buffer; late: Buffer; index: Buffer; clock: number } {
  const disk = new MemoryDisk()
  const first = Store.open(disk, PATH, {}, initialDraft)
  grow(first, 'early', 20)
  first.close()
  const early = disk.bytesOf(PATH)
  const store = Store.open(disk, PATH)
  grow(store, 'late', 60)
  store.close()
  return { early, late: disk.bytesOf(PATH), index: disk.bytesOf(INDEX), clock: disk.clock }
}

const { early, late, index, clock } = makeCopies()

/** The disk after a boot. */
function started(boot: number, files: Record<string, Buffer>): MemoryDisk {
  const disk = MemoryDisk.with(files)
  disk.boot = boot
  disk.clock = clock + boot * 1000
  return disk
}

/** The store as a power cut may leave it: nothing of the bytes from there on has reached the disk. */
function afterPowerCut(disk: MemoryDisk, from: number, boot = disk.boot + 1): MemoryDisk {
  const files = Object.fromEntries([PATH, INDEX].filter(n => disk.names.includes(n)).map(n => [n, disk.bytesOf(n)]))
  files[PATH]?.fill(0, from)
  return started(boot, files)
}

/** Put back in boot 2, and gone on from; `removes`: whether who writes can remove the index file. */
function putBack(bytes: Buffer, removes: boolean): { disk: MemoryDisk; store: Store } {
  const disk = started(2, { [PATH]: bytes, [INDEX]: index })
  const failing = wrapDisk(disk, (name, _n, go, [path]) => (name === 'unlink' && path === INDEX ? failed() : go()))
  return { disk, store: Store.open(removes ? disk : failing, PATH) }
}

function failed(syscall = 'unlink'): never {
  throw Object.assign(new Error('EACCES'), { code: 'EACCES', syscall })
}

/** Copied while the store was written to, and before the index file: not all of a commit. */
const cutShort = late.subarray(0, early.length + 5000)

t.test(
  'what a power cut takes of an earlier copy that was put back, and has grown past the index file, is cut off',
  t => {
    for (const [bytes, removes] of [early, cutShort].flatMap(each => [[each, true] as const, [each, false] as const])) {
      const { disk, store } = putBack(bytes, removes)
      grow(store, 'durable', 2)
      store.makeDurable(store.latest())
      const { offset, tid } = store.latest()
      grow(store, 'unsynced', 70)
      t.ok(store.latest().offset > late.length)
      const cut = afterPowerCut(disk, offset + 1000)
      store.close()
      t.equal(cut.names.includes(INDEX), !removes)
      t.equal(verify(cut, PATH, () => undefined).damage, 0)
      t.match(recover(cut, PATH, '/saved.db'), { torn: { offset }, skipped: [], lastTid: tid })
      const again = Store.open(cut, PATH)
      t.ok(textOf(again, ROOT)?.startsWith('durable'))
      grow(again, 'and on', 1)
      t.equal(cut.warnings.length, 1)
      again.close()
    }
    t.end()
  },
)

t.test('also where it takes the first commit behind the copy, of which nothing tells another life', t => {
  const { disk, store } = putBack(early, true)
  put(store, record(ROOT, 'unsynced'.padEnd(late.length, '.')))
  t.ok(store.latest().offset > late.length)
  t.notOk(disk.names.includes(INDEX), 'it has been removed before')
  const cut = afterPowerCut(disk, early.length)
  store.close()
  t.match(recover(cut, PATH, '/saved.db'), { torn: { offset: early.length }, skipped: [] })
  const again = Store.open(cut, PATH)
  t.ok(textOf(again, ROOT)?.startsWith('early'))
  grow(again, 'and on', 1)
  again.close()
  t.end()
})

t.test('the index file of an earlier copy that stands in it is left, and so is one whose store has only grown', t => {
  for (const bytes of [early, late]) {
    const disk = started(2, { [PATH]: bytes, [INDEX]: index })
    const before = Store.open(disk, PATH, { readonly: true })
    before.close()
    t.ok(disk.bytesOf(INDEX).equals(index), 'who only reads removes nothing')
  }
  const disk = started(2, { [PATH]: late, [INDEX]: index })
  const damaged = Buffer.from(index)
  damaged[10]! ^= 1 // a page: the log is read instead
  disk.put(INDEX, damaged)
  const store = Store.open(disk, PATH)
  put(store, record(ROOT, 'on'))
  t.ok(disk.bytesOf(INDEX).equals(damaged))
  store.close()
  t.end()
})

t.test('its removal is on disk before the first commit', t => {
  const calls: string[] = []
  const disk = started(2, { [PATH]: early, [INDEX]: index })
  const store = Store.open(
    wrapDisk(disk, (name, _n, go) => {
      if (name === 'unlink' || name === 'syncDirectory' || name === 'write') calls.push(name)
      return go()
    }),
    PATH,
  )
  put(store, record(ROOT, 'on'))
  t.same(calls, ['unlink', 'syncDirectory', 'write'])
  store.close()
  t.end()
})

t.test('where the directory could not be opened, nothing is appended before it is synced', t => {
  const files = [PATH, INDEX].map((name, n) => ({
    number: 1 + n,
    mode: 0o600,
    content: n ? index : early,
    names: [name],
  }))
  const machine = SimulatedDisk.startedAgain({ files, boot: 1, now: clock, key: '' })
  const calls: string[] = []
  let fails = true
  const store = Store.open(
    wrapDisk(machine.process().disk, (name, _n, go) => {
      if (name === 'unlink' || name === 'syncDirectory' || name === 'write') calls.push(name)
      return name === 'syncDirectory' && fails ? failed('open') : go()
    }),
    PATH,
  )
  for (let n = 0; n < 2; n++) t.throws(() => put(store, record(ROOT, 'on')), { code: 'COMMIT_FAILED' })
  fails = false
  put(store, record(ROOT, 'on'))
  t.same(calls, ['unlink', 'syncDirectory', 'syncDirectory', 'syncDirectory', 'write'])
  const left = [...machine.photograph().variants(10, seeded(t))].map(({ files }) => files.flatMap(({ names }) => names))
  t.ok(left.length > 1)
  t.notOk(left.flat().includes(INDEX), 'no power cut brings it back')
  store.close()
  t.end()
})

t.test('where it failed to be synced, nobody commits before a pack, whatever a second fsync says', async t => {
  const disk = started(2, { [PATH]: early, [INDEX]: index })
  let fails = true
  const store = Store.open(
    wrapDisk(disk, (name, _n, go) => (name === 'syncDirectory' && fails ? failed('fsync') : go())),
    PATH,
  )
  t.throws(() => put(store, record(ROOT, 'on')), { code: 'COMMIT_FAILED' })
  fails = false
  t.throws(() => put(store, record(ROOT, 'on')), { code: 'COMMIT_FAILED', message: /then pack/ })
  await pack(store)
  put(store, record(ROOT, 'on'))
  t.equal(textOf(store, ROOT), 'on')
  store.close()
})

t.test('where it cannot be removed, nothing is to be synced', t => {
  const calls: string[] = []
  const disk = started(2, { [PATH]: early, [INDEX]: index })
  const store = Store.open(
    wrapDisk(disk, (name, _n, go, [path]) => {
      if (name === 'syncDirectory' || name === 'write') calls.push(name)
      return name === 'unlink' && path === INDEX ? failed() : go()
    }),
    PATH,
  )
  put(store, record(ROOT, 'on'))
  t.same(calls, ['write'])
  store.close()
  t.end()
})

t.test('who still has the store open that was there before writes no index file beside the copy', t => {
  const disk = started(2, { [PATH]: late })
  const store = Store.open(disk, PATH)
  grow(store, 'unknown to the copy', 60)
  disk.put(PATH, early) // by another name, renamed
  t.throws(() => store.close(), { code: 'STORE_REPLACED' })
  t.notOk(disk.names.includes(INDEX))
  t.end()
})

t.test('nor does who had the file open that the copy was written over', t => {
  const disk = started(2, { [PATH]: late })
  const store = Store.open(disk, PATH)
  grow(store, 'unknown to the copy', 60)
  store.durability.sync(store.latest())
  disk.view(PATH).fill(0, late.length)
  store.close()
  t.notOk(disk.names.includes(INDEX))
  t.end()
})
