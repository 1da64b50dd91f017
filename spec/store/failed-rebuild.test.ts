// What is known of a log must be built anew from it, and that fails, too: a disk that is away for a moment, or two places that are
// damaged. Nothing may be taken for known then, nothing of it written, and nothing packed.
import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Disk, Fd } from '../../lib/file/disk.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { PAGE } from '../../lib/store/offset-index.js'
import { pack } from '../../lib/store/pack.js'
import { Store } from '../../lib/store/store.js'
import type { Oid } from '../../lib/store/types.js'
import { draft, initialDraft, put, record, textOf } from '../helpers/drafts.js'
import { newStore, openStore } from '../helpers/new-store.js'
import { tempDir } from '../helpers/temp-dir.js'

const away = Object.assign(new Error('EIO: as the test wants'), { code: 'EIO' })
/** Pages of the index that are full, and one more object. */
const PAGES = 4
const LAST = (PAGES * PAGE) as Oid

/** A disk of which the next `fails` reads fail, from a moment on. */
function failingReads(own: Partial<Disk> = {}) {
  const state = { fails: 0 }
  const disk: Disk = {
    ...systemDisk,
    read: (...call) => {
      if (state.fails-- > 0) throw away
      return systemDisk.read(...call)
    },
    ...own,
  }
  return { disk, state }
}

const READING = { readonly: true }

const original = (oid: number): string => `object ${oid}`.padEnd(200)
const changed = (oid: number): string => `changed ${oid}`.padEnd(200)
const expected = (oid: number): string => (oid % 2 === 0 ? changed(oid) : original(oid))

/** Each object says what it is, or that it was changed; `packed`: before that. Its index file has pages that opening does not read. */
async function makeStore(packed: boolean): Promise<string> {
  const path = join(tempDir(t), 'app.db')
  const store = Store.open(systemDisk, path, {}, initialDraft)
  const refs: number[] = []
  while (refs.at(-1) !== LAST) {
    const next = refs.at(-1) ?? 16
    const records = Array.from({ length: Math.min(1000, LAST - next) }, (_, n) =>
      record(-1 - n, original(next + 1 + n)),
    )
    put(store, ...records)
    for (let n = 1; n <= records.length; n++) refs.push(next + n)
  }
  put(store, record(1, 'root', refs))
  if (packed) await pack(store)
  put(store, ...refs.filter(oid => oid % 2 === 0).map(oid => record(oid, changed(oid))))
  store.close()
  if (!existsSync(`${path}.index`)) throw new Error('there is no index file')
  return path
}

const made = { packed: await makeStore(true), notPacked: await makeStore(false) }

/** A copy of one of them. */
function madeStore(t: Test, packed: boolean): string {
  const path = join(tempDir(t), 'app.db')
  const source = packed ? made.packed : made.notPacked
  copyFileSync(source, path)
  copyFileSync(`${source}.index`, `${path}.index`)
  return path
}

function assertWhole(t: Test, path: string, message: string): void {
  const store = Store.open({ ...systemDisk }, path, READING)
  let wrong = 0
  for (let oid = 17; oid <= LAST; oid++) if (textOf(store, oid) !== expected(oid)) wrong++
  t.equal(wrong, 0, message)
  store.close()
}

for (const packed of [false, true]) {
  const kind = packed ? 'packed' : 'not packed'

  t.test(`${kind}: a page of the index and then the log cannot be read`, async t => {
    for (let fails = 2; fails <= 6; fails++) {
      const path = madeStore(t, packed)
      const { disk, state } = failingReads()
      const store = Store.open(disk, path)
      textOf(store, LAST)
      state.fails = fails
      for (let n = 0; n < 3; n++) {
        try {
          textOf(store, 2 * PAGE)
        } catch (error) {
          t.match(error, { code: 'DISK' })
        }
      }
      state.fails = 0
      for (const oid of [17, PAGE, 2 * PAGE, 3 * PAGE + 1]) t.equal(textOf(store, oid), expected(oid))
      await pack(store)
      store.close()
      assertWhole(t, path, 'nothing was lost')
    }
  })

  t.test(`${kind}: the same while a commit is made of it, or the store is only opened and closed`, async t => {
    for (const act of ['commit', 'open'] as const) {
      for (let fails = 2; fails <= 8; fails++) {
        const path = madeStore(t, packed)
        const { disk, state } = failingReads()
        let store = Store.open(disk, path)
        if (act === 'commit') {
          state.fails = fails
          try {
            const { outcome } = store.commit(
              draft(record(1, 'root', [2 * PAGE])),
              store.latest(),
              [(2 * PAGE) as Oid],
              true,
            )
            t.equal(outcome, 'committed')
          } catch (error) {
            t.match(error, { code: /COMMIT_FAILED|DISK/ })
          }
          state.fails = 0
        } else {
          // What stands behind the index file is applied to its pages.
          put(store, record(2 * PAGE, changed(2 * PAGE)), record(LAST, changed(LAST)))
          store.makeDurable(store.latest())
          state.fails = 0
        }
        store.close()
        for (let before = 0; act === 'open' && before < 12; before++) {
          let n = 0
          const later: Disk = {
            ...systemDisk,
            read: (...call) => {
              if (n++ >= before && n <= before + fails) throw away
              return systemDisk.read(...call)
            },
          }
          try {
            store = Store.open(later, path)
            store.close()
          } catch (error) {
            t.match(error, { code: 'DISK' })
          }
        }
        assertWhole(t, path, `${act}, ${fails} reads fail`)
      }
    }
  })
}

t.test('a page of the index and the log are damaged: that is told each time, and never stored or packed', async t => {
  const path = madeStore(t, true)
  const flip = (file: string, at: number): void => {
    const bytes = readFileSync(file)
    bytes[at] = (bytes[at] ?? 0) ^ 1
    writeFileSync(file, bytes)
  }
  const index = `${path}.index`
  const bytes = readFileSync(index)
  bytes.fill(0xa5, 5000, bytes.length - 5000)
  writeFileSync(index, bytes)
  flip(path, statSync(path).size - 1000)
  for (let n = 0; n < 3; n++) {
    await t.rejects(
      async () => {
        const store = Store.open({ ...systemDisk }, path)
        try {
          for (let page = 0; page < PAGES; page++) textOf(store, page * PAGE + 20)
          await pack(store)
        } finally {
          store.close()
        }
      },
      { code: 'CORRUPT_LOG' },
    )
  }
})

t.test('a store without a root is not packed: everything in it would be dropped', async t => {
  const path = join(tempDir(t), 'app.db')
  const { records } = initialDraft
  const store = Store.open(systemDisk, path, {}, { ...initialDraft, records: records.slice(0, 1) })
  put(store, record(-1, 'of value'))
  await t.rejects(pack(store), { code: 'CORRUPT_LOG', message: /no root/ })
  t.equal(textOf(store, 17), 'of value')
  store.close()
})

t.test('what stands behind an append reads nothing: it could not be told any more that the commit is made', async t => {
  for (const packed of [false, true]) {
    const path = madeStore(t, packed)
    const before = Store.open(systemDisk, path)
    // What opening reads of the index file holds the ids of transactions, and no page behind so many of them.
    for (let n = 0; n < 100; n++) before.commit(draft(), before.latest(), [], true, `transaction ${n} `.padEnd(200))
    put(before, record(1, 'x'.repeat(2 ** 20)))
    before.close()
    let reading = true
    const disk: Disk = {
      ...systemDisk,
      read: (...call) => {
        if (!reading) throw away
        return systemDisk.read(...call)
      },
      write: (...call) => {
        const written = systemDisk.write(...call)
        reading = false
        return written
      },
    }
    const store = Store.open(disk, path)
    const first = put(store, record(-1, 'new'))
    t.equal(first, LAST + 101)
    reading = true
    t.equal(textOf(store, first), 'new')
    store.close()
  }
})

t.test('a failed open leaves no file open', async t => {
  const path = madeStore(t, false)
  const open = new Set<number>()
  let reads = 0
  let failFrom = Infinity
  const disk: Disk = {
    ...systemDisk,
    open: (...call) => {
      const fd = systemDisk.open(...call)
      open.add(fd)
      return fd
    },
    close: fd => {
      open.delete(fd)
      systemDisk.close(fd)
    },
    read: (...call) => {
      if (++reads >= failFrom) throw away
      return systemDisk.read(...call)
    },
  }
  Store.open(disk, path).close()
  t.equal(open.size, 0)
  const most = reads
  t.ok(most > 3)
  for (failFrom = 1; failFrom <= most; failFrom++) {
    reads = 0
    try {
      Store.open(disk, path).close()
    } catch (error) {
      t.match(error, { code: 'DISK' })
    }
    t.equal(open.size, 0, `read ${failFrom} and those behind it fail`)
  }
})

t.test('a disk that fails while the log is read to say where it is damaged is told as that', async t => {
  let fails = false
  const end = (fd: Fd): number => {
    if (fails) throw away
    return systemDisk.end(fd)
  }
  const { path } = newStore(t)
  const made = Store.open(systemDisk, path)
  put(made, record(1, 'x'.repeat(100)))
  await pack(made)
  made.close()
  const store = openStore(t, path, { ...systemDisk, end })
  const { generation, offset } = store.latest()
  const at = generation.find(1 as Oid, offset)
  const bytes = readFileSync(path)
  writeFileSync(path, bytes.fill('y', bytes.indexOf('xxx')))
  fails = true
  t.throws(() => generation.read(at), { code: 'DISK', path, cause: away })
  fails = false
  t.throws(() => generation.read(at), { code: 'CORRUPT_LOG' })
})
