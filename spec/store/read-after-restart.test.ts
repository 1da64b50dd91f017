// What was read after the machine had been started was on disk: the next commit says so, and nothing before it is taken for the mark of a power cut.
import t from 'tap'
import { readFrameHeader } from '../../lib/log/frame.js'
import { recover } from '../../lib/store/recover.js'
import { Store } from '../../lib/store/store.js'
import { verify } from '../../lib/store/verify.js'
import { PATH } from '../damage/known-store.js'
import { MemoryDisk } from '../damage/memory-disk.js'
import { initialDraft, put, record, textOf } from '../helpers/drafts.js'

interface Made {
  readonly bytes: Buffer
  /** Where each commit begins. */
  readonly starts: readonly number[]
}

function inBoot(boot: number, bytes?: Buffer): MemoryDisk {
  const disk = bytes === undefined ? new MemoryDisk() : MemoryDisk.with({ [PATH]: bytes })
  disk.boot = boot
  return disk
}

/** Texts 1 to 3 of boot `first`, only 1 of them synced, then 4 and 5 of `second`, which syncs nothing. */
function makeStore(first = 1, second = 2): Made {
  const before = inBoot(first)
  const starts: number[] = []
  const write = (store: Store, n: number): void => {
    starts.push(store.latest().offset)
    put(store, record(1, `text ${n}`))
  }
  const store = Store.open(before, PATH, {}, initialDraft)
  write(store, 1)
  store.makeDurable(store.latest())
  write(store, 2)
  write(store, 3)
  const after = inBoot(second, before.bytesOf(PATH))
  const other = Store.open(after, PATH)
  write(other, 4)
  write(other, 5)
  return { bytes: after.bytesOf(PATH), starts }
}

function damaged(bytes: Buffer, offset: number, length: number): Buffer {
  const copy = Buffer.from(bytes)
  for (let at = offset; at < offset + length; at++) copy[at]! ^= 1
  return copy
}

function syncedToOf({ bytes, starts }: Made, n: number): number | undefined {
  return readFrameHeader(bytes, starts[n - 1] ?? 0, undefined)?.syncedTo
}

t.test('commits that a later boot has read are damage if they do not check, to everybody', t => {
  const { bytes, starts } = makeStore()
  const [, second = 0, third = 0, fourth = 0, fifth = 0] = starts
  for (const [what, from, length] of [
    ['a state', third + 80, 1],
    ['a header', third + 20, 1],
    ['all of the last frame before the restart', third, fourth - third],
    ['all that was not synced', second, fourth - second],
    ['that, and the first frame behind it', third, fifth - third],
  ] as const) {
    const disk = inBoot(3, damaged(bytes, from, length))
    const at = from < third ? second : third
    t.throws(() => Store.open(disk, PATH), { code: 'CORRUPT_LOG', offset: at }, what)
    t.ok(verify(disk, PATH, () => undefined).damage > 0, what)
    t.equal(recover(disk, PATH, '/saved.db').torn, undefined, what)
    const saved = Store.open(disk, '/saved.db')
    t.equal(textOf(saved, 1), 'text 5', what)
    saved.close()
    t.same(disk.warnings, [], what)
  }
  t.end()
})

t.test('what the later boot has written itself, a power cut may have taken', t => {
  const { bytes, starts } = makeStore()
  const [, , , fourth = 0, fifth = 0] = starts
  for (const [from, to, text] of [
    [fourth, bytes.length, 'text 3'],
    [fourth, fifth, 'text 3'],
    [fourth + 80, fourth + 81, 'text 3'],
    [fifth, bytes.length, 'text 4'],
  ] as const) {
    const disk = inBoot(3, damaged(bytes, from, to - from))
    t.match(recover(disk, PATH, '/saved.db'), { torn: { offset: text === 'text 3' ? fourth : fifth }, skipped: [] })
    const store = Store.open(disk, PATH)
    t.equal(textOf(store, 1), text)
    put(store, record(1, 'and on'))
    t.equal(disk.warnings.length, 1)
    t.equal(textOf(store, 1), 'and on')
    store.close()
  }
  t.end()
})

t.test('every frame behind a restart says so, unless a boot is unknown or the same', t => {
  const made = makeStore()
  t.same(
    [2, 3, 4, 5].map(n => syncedToOf(made, n)),
    [made.starts[1], made.starts[1], made.starts[3], made.starts[3]],
  )
  for (const [first, second] of [
    [0, 2],
    [1, 0],
    [1, 1],
  ] as const) {
    const other = makeStore(first, second)
    t.same([syncedToOf(other, 4), syncedToOf(other, 5)], [other.starts[1], other.starts[1]], `${first}, ${second}`)
  }
  t.end()
})
