// Each bit of the two tables of a small store, with and without ids of transactions: no damage to a table is anybody's business but that
// of who checks the file.
import t from 'tap'
import { pack } from '../../lib/store/pack.js'
import { Store } from '../../lib/store/store.js'
import { usageOf } from '../../lib/store/usage.js'
import { verify } from '../../lib/store/verify.js'
import { draft, initialDraft, record } from '../helpers/drafts.js'
import { PATH, withStore } from './known-store.js'
import { MemoryDisk } from './memory-disk.js'

const INDEX = `${PATH}.index`
/** The last bytes of a table. */
const END = 24

interface Made {
  readonly store: Buffer
  readonly index: Buffer
  /** Where the table of the packed state stands. */
  readonly table: { readonly at: number; readonly end: number }
}

/** A store that was packed, with a commit behind and an index file. */
async function make(withIds: boolean): Promise<Made> {
  const disk = new MemoryDisk()
  const store = Store.open(disk, PATH, {}, initialDraft)
  const put = (n: number): void => {
    store.commit(draft(record(1, `root ${n}`)), store.latest(), [], true, withIds ? `id ${n}` : undefined)
  }
  put(1)
  put(2)
  await pack(store)
  put(3)
  store.makeDurable(store.latest())
  const { header, log } = store.current
  log.save(0o600)
  store.close()
  return { store: disk.bytesOf(PATH), index: disk.bytesOf(INDEX), table: header.table! }
}

type Files = Readonly<Record<string, Uint8Array>>

/** What can be asked of a store, each as the first thing that it is asked; and what there is to say of a damaged table. */
const QUESTIONS: readonly ((files: Files) => unknown)[] = [
  files =>
    withStore(MemoryDisk.with(files), { readonly: true }, ({ current }) =>
      [1, 2, 3, 4].map(n => current.committed(`id ${n}`)?.tid ?? 0),
    ),
  files => withStore(MemoryDisk.with(files), { readonly: true }, ({ current }) => usageOf(current).objects),
  async files => {
    const store = Store.open(MemoryDisk.with(files), PATH)
    try {
      const { objects, dropped } = await pack(store)
      return [objects, dropped, store.current.log.idCount]
    } finally {
      store.close()
    }
  },
  files => {
    const kinds: string[] = []
    verify(MemoryDisk.with(files), PATH, ({ kind }) => kinds.push(kind))
    return kinds
  },
]

for (const withIds of [true, false]) {
  t.test(`no bit of a table changes an answer, or refuses one: ${withIds ? 'with' : 'without'} ids`, async t => {
    const { store, index, table } = await make(withIds)
    const wrong: string[] = []
    const flip = async (name: string, from: number, end: number, findings: string[]): Promise<void> => {
      const expected = [withIds ? [2, 3, 4, 0] : [0, 0, 0, 0], 1, [1, 0, withIds ? 3 : 0], findings]
      for (let at = from; at < end; at++) {
        for (let bit = 0; bit < 8; bit++) {
          const files: Record<string, Buffer> = {
            [PATH]: Buffer.from(store),
            ...(name === INDEX && { [INDEX]: Buffer.from(index) }),
          }
          const bytes = files[name]!
          bytes[at] = bytes[at]! ^ (1 << bit)
          for (const [n, ask] of QUESTIONS.entries()) {
            // All of them where it is said what the rest is.
            if (at < end - END && bit % QUESTIONS.length !== n) continue
            let found: string
            try {
              found = JSON.stringify(await ask(files))
            } catch (error) {
              found = String(error)
            }
            if (found !== JSON.stringify(expected[n])) wrong.push(`bit ${bit} of byte ${at} of ${name}: ${found}`)
          }
        }
      }
    }
    await flip(INDEX, 0, index.length, [])
    await flip(PATH, table.at, table.end, ['table'])
    t.strictSame([wrong.length, wrong.slice(0, 10)], [0, []])
  })
}

t.test('how many objects there are is said by one index, also where that has to be built anew', t => {
  const disk = new MemoryDisk()
  const store = Store.open(disk, PATH, {}, initialDraft)
  for (let n = 2; n <= 6; n++)
    store.commit(draft(record(1, `${n}`.repeat(100_000))), store.latest(), [], true, `id ${n}`)
  store.makeDurable(store.latest())
  store.current.log.save(0o600)
  store.close()
  const index = disk.view(INDEX)
  const headEnd = index.length - END
  const head = JSON.parse(index.toString('utf8', headEnd - index.readUInt32LE(headEnd), headEnd)) as { ids: number[] }
  index[head.ids[0]!]! ^= 1
  const earlier = Store.open(disk, PATH, { readonly: true, until: 5 })
  t.equal(earlier.current.log.isAhead, true, 'by an index that covers more')
  t.equal(usageOf(earlier.current).objects, 1)
  t.equal(earlier.current.log.isAhead, false, 'which was given up')
  earlier.close()
  t.end()
})
