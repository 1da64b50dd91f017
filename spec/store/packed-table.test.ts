// The table inside a packed file: opening such a file reads little, whatever its size, and no damage to the table changes an answer.
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { encodeFileHeader, HEADER_LENGTH } from '../../lib/log/file-header.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { readHistory } from '../../lib/store/history.js'
import { atOnce } from '../../lib/store/long-work.js'
import { pack } from '../../lib/store/pack.js'
import { Store } from '../../lib/store/store.js'
import type { Oid } from '../../lib/store/types.js'
import { verify } from '../../lib/store/verify.js'
import { draft, initialDraft, put, record } from '../helpers/drafts.js'
import { seeded } from '../helpers/seeded.js'
import { tempDir } from '../helpers/temp-dir.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'

const OBJECTS = 10_000

/** Many objects, some changed, an id, packed; `behind` commits come after the pack. */
async function packedStore(t: Test, { objects = OBJECTS, behind = 0 } = {}): Promise<string> {
  const path = join(tempDir(t), 'app.db')
  const store = Store.open(systemDisk, path, {}, initialDraft)
  const refs: number[] = []
  for (let n = 0; n < objects; n += 500) {
    const records = Array.from({ length: 500 }, (_, k) => record(-1 - k, `object ${n + k} `.repeat(8)))
    const first = put(store, ...records)
    for (let k = 0; k < 500; k++) refs.push(first + k)
    put(store, record(1, `root ${n}`, refs), record(first + 7, `changed in ${n}`))
  }
  store.commit(draft(record(1, 'root with an id', refs)), store.latest(), [], true, 'the id')
  await pack(store)
  for (let n = 0; n < behind; n++) put(store, record(1, `root after ${n}`, refs), record(-1, 'new'))
  store.close()
  return path
}

/** Everything that can be asked of a store. */
function contentOf(store: Store): string {
  const { generation, offset, tid, time } = store.latest()
  const { shapes, index } = generation
  const ids = [generation.committed('the id'), generation.committed('none'), ...atOnce(generation.gatherIds())]
  const all: unknown[] = [tid, time, offset, index.size, shapes, ids]
  for (const [oid, at] of generation.entries()) {
    const { refs, state, tid: of } = generation.read(at)
    all.push([oid, at, of, refs.length, Buffer.from(state).toString('latin1')])
  }
  return JSON.stringify(all)
}

function readContent(path: string): string {
  const store = Store.open(systemDisk, path, { readonly: true })
  const content = contentOf(store)
  store.close()
  return content
}

function tableOf(path: string): { at: number; end: number } {
  const store = Store.open(systemDisk, path, { readonly: true })
  const { table } = store.current.header
  store.close()
  if (table === undefined) throw new Error('there is no table')
  return table
}

/** The same file whose header says that it has no table, and which has none. */
function withoutTable(path: string): string {
  const { at, end } = tableOf(path)
  const bytes = readFileSync(path)
  bytes.fill(0xee, at, end)
  const copy = `${path}.without`
  writeFileSync(copy, bytes)
  return copy
}

t.test('a packed store is opened without reading it, and has no index file', async t => {
  const path = await packedStore(t)
  t.notOk(existsSync(`${path}.index`))
  let bytes = 0
  const counting = wrapDisk(systemDisk, (name, _n, go, args) => {
    if (name === 'read') bytes += args[3] as number
    return go()
  })
  const store = Store.open(counting, path, { readonly: true })
  t.ok(bytes < 20_000, `opening reads ${bytes} bytes of ${statSync(path).size}`)
  const { generation, offset } = store.latest()
  t.equal(generation.read(generation.find(5000 as Oid, offset)).oid, 5000)
  t.ok(bytes < 50_000, `one object: ${bytes} bytes`)
  t.equal(contentOf(store), readContent(withoutTable(path)))
  store.close()
})

t.test('what is committed behind the pack is read from the log', async t => {
  const path = await packedStore(t, { behind: 3 })
  t.equal(readContent(path), readContent(withoutTable(path)))
  const store = Store.open(systemDisk, path, { readonly: true })
  t.same(
    Array.from(readHistory(store.latest()), ({ tid }) => tid),
    [43, 44, 45],
  )
  store.close()
  const until = Store.open(systemDisk, path, { readonly: true, until: 44 })
  t.equal(until.latest().tid, 44)
  until.close()
})

t.test('what was committed while the pack ran stands behind the table, in the packed state', async t => {
  const path = join(tempDir(t), 'app.db')
  const store = Store.open(systemDisk, path, {}, initialDraft)
  const refs: number[] = []
  for (let n = 0; n < 20; n++) {
    const first = put(store, ...Array.from({ length: 500 }, (_, k) => record(-1 - k, 'x'.repeat(100))))
    for (let k = 0; k < 500; k++) refs.push(first + k)
  }
  put(store, record(1, 'root', refs))
  let commits = 0
  await pack(store, { onProgress: () => void put(store, record(1, `root ${++commits}`, refs), record(20, 'changed')) })
  t.ok(commits > 0)
  const { header } = store.current
  t.ok((header.table?.end ?? 0) < header.baseEnd, 'base frames stand behind the table')
  const content = contentOf(store)
  store.close()
  t.equal(readContent(path), content)
  t.equal(readContent(withoutTable(path)), content)
  t.equal(verify(systemDisk, path, ({ message }) => t.fail(message)).damage, 0)
})

t.test('no damage to the table changes an answer, and the check of the file finds it', async t => {
  const path = await packedStore(t, { behind: 2 })
  const good = readFileSync(path)
  const { at, end } = tableOf(path)
  const expected = readContent(path)
  const random = seeded(t)
  const places = [
    ...Array.from({ length: 60 }, (_, n) => end - 1 - n * 7),
    ...Array.from({ length: 60 }, () => at + random.int(end - at)),
  ]
  for (const [n, place] of places.entries()) {
    const bad = Buffer.from(good)
    bad[place] = (bad[place] ?? 0) ^ (1 << random.int(8))
    writeFileSync(path, bad)
    if (readContent(path) !== expected) t.fail(`a flipped bit at ${place}`)
    if (n % 10 > 0) continue
    const kinds: string[] = []
    verify(systemDisk, path, ({ kind }) => kinds.push(kind))
    t.same(kinds, ['table'], `a flipped bit at ${place}`)
  }
  for (let n = 0; n < 20; n++) {
    const bad = Buffer.from(good)
    const from = at + random.int(end - at)
    bad.fill(random.int(256), from, from + random.int(end - from))
    writeFileSync(path, bad)
    if (readContent(path) !== expected) t.fail(`a stretch from ${from} on`)
  }
})

t.test('a damaged table that is met while commits are read or made is done without', async t => {
  const path = await packedStore(t)
  const { at, end } = tableOf(path)
  const bad = readFileSync(path)
  bad.fill(0xff, at, end - 1000) // its end says where the pages are, and stays
  writeFileSync(path, bad)
  const store = Store.open(systemDisk, path)
  const other = Store.open({ ...systemDisk }, path)
  put(other, record(400, 'theirs'), record(9000, 'theirs too'))
  put(store, record(401, 'mine'), record(9001, 'mine too'))
  t.equal(contentOf(store), contentOf(other))
  await pack(store)
  t.equal(contentOf(store), contentOf({ latest: () => other.latest() } as Store))
  other.close()
  store.close()
  t.equal(verify(systemDisk, path, ({ message }) => t.fail(message)).damage, 0, 'a pack makes it anew')
})

t.test('a damaged index file falls back to the table', async t => {
  const path = await packedStore(t)
  const store = Store.open(systemDisk, path)
  for (let n = 0; n < 200; n++) put(store, record(300, `${n} `.repeat(5000)))
  store.close()
  const index = readFileSync(`${path}.index`)
  index.fill(0xff, 0, index.length - 1000)
  writeFileSync(`${path}.index`, index)
  const { at } = tableOf(path)
  let large = 0
  const counting = wrapDisk(systemDisk, (name, _n, go, args) => {
    if (name === 'read' && Number(args[3]) > 100_000 && Number(args[4]) < at) large++
    return go()
  })
  const again = Store.open(counting, path, { readonly: true })
  const { generation, offset } = again.latest()
  t.equal(generation.read(generation.find(301 as Oid, offset)).oid, 301)
  t.equal(large, 0, 'the packed state is not read')
  t.equal(contentOf(again), readContent(withoutTable(path)))
  again.close()
})

t.test('a file that ends within its table is damaged', async t => {
  const path = await packedStore(t, { objects: 1000 })
  const { at, end } = tableOf(path)
  const bytes = readFileSync(path)
  for (const size of [end - 1, at + 1, at, at - 1, HEADER_LENGTH]) {
    writeFileSync(path, bytes.subarray(0, size))
    t.throws(() => readContent(path), { code: 'CORRUPT_LOG' }, `${size} bytes of ${end}`)
  }
})

t.test('a table between impossible places makes no store', async t => {
  const path = await packedStore(t, { objects: 500 })
  const { at, end } = tableOf(path)
  const store = Store.open(systemDisk, path, { readonly: true })
  const { header } = store.current
  store.close()
  for (const table of [
    { at: end, end: at },
    { at, end: header.baseEnd + 1 },
    { at: HEADER_LENGTH, end },
    { at: 0, end },
    { at, end: 0 },
  ]) {
    const bytes = readFileSync(path)
    bytes.set(encodeFileHeader({ ...header, table }))
    const crafted = `${path}.crafted`
    writeFileSync(crafted, bytes)
    t.throws(() => readContent(crafted), { code: 'NOT_A_STORE' }, JSON.stringify(table))
  }
  for (const table of [undefined, { at: at - 1, end }, { at, end: end - 1 }]) {
    const bytes = readFileSync(path)
    bytes.set(encodeFileHeader({ ...header, table }))
    const crafted = `${path}.crafted`
    writeFileSync(crafted, bytes)
    t.throws(() => readContent(crafted), { code: 'CORRUPT_LOG' }, JSON.stringify(table))
  }
})

t.test('damage in the packed state and behind it is damage, not another file in the place of this one', async t => {
  for (const damageBehind of ['changed', 'torn'] as const) {
    const path = await packedStore(t, { objects: 500, behind: damageBehind === 'torn' ? 1 : 2 })
    const { at, end } = tableOf(path)
    const bytes = readFileSync(path)
    const last = bytes.lastIndexOf('PFRM', at - 1)
    bytes[at - 100] = (bytes[at - 100] ?? 0) ^ 1
    if (damageBehind === 'changed') bytes[end + 100] = (bytes[end + 100] ?? 0) ^ 1
    writeFileSync(path, damageBehind === 'torn' ? bytes.subarray(0, -1) : bytes)
    const open = (): number => {
      const store = Store.open(systemDisk, path)
      try {
        return put(store, record(1, 'root'))
      } finally {
        store.close()
      }
    }
    t.throws(open, { code: 'CORRUPT_LOG', offset: last, lastGoodTid: 0 }, damageBehind)
  }
})
