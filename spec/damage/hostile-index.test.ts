// Index files made to harm: their checksums are right, they name the last frame of the log, and what they say is not so. They are
// ignored, or answered with a typed error; they never change a value that is read.
import t from 'tap'
import { PerdureError } from '../../lib/error.js'
import { checksum } from '../../lib/log/checksum.js'
import { atOnce } from '../../lib/store/long-work.js'
import { encodePage } from '../../lib/store/page-codec.js'
import { put, record } from '../helpers/drafts.js'
import { makeKnownStore, PATH, readAll, sameContent, withStore } from './known-store.js'
import { MemoryDisk } from './memory-disk.js'

const PAGE = 4096
const known = await makeKnownStore(30)

interface Head {
  tail: Record<string, unknown>
  [name: string]: unknown
}

/** What an honest index file of the store would say, and its one page. */
const { head, page } = withStore(MemoryDisk.with({ [PATH]: known.bytes }), { readonly: true }, store => {
  const { generation } = store.latest()
  const { header, reader, shapes } = generation
  const offsets = new Float64Array(PAGE)
  let size = 0
  for (const [oid, offset] of generation.entries()) {
    offsets[oid] = offset
    size++
  }
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
  const honest: Head = {
    storeId: hex(header.storeId),
    uuid: hex(header.uuid),
    tail: { ...reader.tail },
    syncedTo: reader.syncedTo,
    shapes: [...shapes],
    size,
  }
  return { head: honest, page: offsets }
})

interface Parts {
  readonly pages?: readonly Uint8Array[]
  /** Number, place, length of each page; its checksum is the right one. */
  readonly directory?: readonly (readonly [number, number, number])[]
  readonly marks?: Uint8Array
  /** Numbers of its one page of ids: hash, oid, hash, oid, and so on. */
  readonly ids?: readonly number[]
  /** Number, place, length of each page of ids, as in `directory`. */
  readonly idDirectory?: readonly (readonly [number, number, number])[]
  /** The ids of a table of the form that had their names, as JSON, or as bytes that should be JSON. */
  readonly names?: unknown
  readonly said?: unknown
}

/** An index file of these parts, all checksums right; those that are not given are honest. */
function indexFile({
  pages = [encodePage(page)],
  directory,
  marks = new Uint8Array(),
  ids = [],
  idDirectory,
  names,
  said = head,
}: Parts): Buffer {
  const idPage = Buffer.alloc(ids.length * 8)
  for (const [n, number] of ids.entries()) idPage.writeDoubleLE(number, n * 8)
  const idsAfter = pages.reduce((sum, { length }) => sum + length, 0)
  const body = Buffer.concat([...pages, idPage])
  const encode = (entries: readonly (readonly [number, number, number])[]): Buffer =>
    Buffer.concat(
      entries.map(([number, at, length]) => {
        const entry = Buffer.alloc(24)
        entry.writeDoubleLE(number, 0)
        entry.writeDoubleLE(at, 8)
        entry.writeUInt32LE(length, 16)
        entry.writeUInt32LE(checksum(body.subarray(at, at + length)), 20)
        return entry
      }),
    )
  let place = 0
  const entries = directory ?? pages.map(({ length }, n) => [n, (place += length) - length, length] as const)
  const [first = 0] = ids
  const idEntries = idDirectory ?? (ids.length > 0 ? [[first, idsAfter, idPage.length] as const] : [])
  const named = (): Uint8Array => (names instanceof Uint8Array ? names : Buffer.from(JSON.stringify(names)))
  const idPart = names === undefined ? encode(idEntries) : named()
  const sections = [idPart, marks, encode(entries)] as const
  let at = body.length
  const [idsAt, marksAt, directoryAt] = sections.map(bytes => [
    (at += bytes.length) - bytes.length,
    bytes.length,
    checksum(bytes),
  ])
  const isObject = typeof said === 'object' && said !== null && !Array.isArray(said)
  const whole = isObject ? { directory: directoryAt, marks: marksAt, ids: idsAt, ...said } : said
  const json = Buffer.from(JSON.stringify(whole))
  const end = Buffer.alloc(24)
  end.writeUInt32LE(json.length, 0)
  end.writeUInt32LE(names === undefined ? 3 : 2, 8)
  end.write('\x89PRDX\r\n\n', 16, 'latin1')
  end.writeUInt32LE(names === undefined ? checksum(end.subarray(8), checksum(json)) : checksum(json), 4)
  return Buffer.concat([body, ...sections, json, end])
}

function withPage(change: (page: Float64Array) => void): Buffer {
  const own = Float64Array.from(page)
  change(own)
  return indexFile({ pages: [encodePage(own)] })
}

function saying(more: object): Buffer {
  return indexFile({ said: { ...head, ...more } })
}

const honest = indexFile({})
const { length: pageLength } = encodePage(page)

const FILES: Readonly<Record<string, Buffer>> = {
  'an honest one': honest,
  ...Object.fromEntries(
    [1, 4096, 1e15, page[1]! + 1, known.bytes.length, known.bytes.length - 1].map(offset => [
      `objects at ${offset}`,
      withPage(each => void each.fill(offset, 1, 40)),
    ]),
  ),
  ...Object.fromEntries(
    [[], [0], [0, 0], [1, 1], [0xff, 0xff], Buffer.alloc(4096, 1), Buffer.alloc(4096, 4), Buffer.alloc(9, 0xff)].map(
      bytes => [
        `a page of the bytes ${Buffer.from(bytes).toString('hex', 0, 9)}`,
        indexFile({ pages: [Buffer.from(bytes)] }),
      ],
    ),
  ),
  'objects in each other’s place': withPage(each => void each.copyWithin(17, 18, 30)),
  'objects in the place of a shape': withPage(each => void each.fill(page[16]!, 1, 40)),
  'no objects at all': withPage(each => void each.fill(0)),
  ...Object.fromEntries(
    [
      [[0.5, 0, pageLength]],
      [[NaN, 0, pageLength]],
      [[-1, 0, pageLength]],
      [[0, -5, pageLength]],
      [[0, NaN, pageLength]],
      [[0, 2 ** 60, pageLength]],
      [[0, 0, 2 ** 32 - 1]],
      [
        [0, 0, pageLength],
        [0, 0, pageLength],
      ],
      [
        [1, 0, pageLength],
        [0, 0, pageLength],
      ],
      Array.from({ length: 100_000 }, (_, n) => [n, 0, pageLength]),
    ].map(directory => [
      `the directory ${JSON.stringify(directory).slice(0, 60)}`,
      indexFile({ directory: directory as [number, number, number][] }),
    ]),
  ),
  ...Object.fromEntries(
    [
      { shapes: 5 },
      { shapes: ['__proto__', {}, null, NaN, 1, 99] },
      { shapes: Array.from({ length: 200_000 }, (_, n) => n) },
      { ids: [0, 1] },
      { ids: 'ids' },
      { ids: [] },
      { marks: [] },
      { marks: [0, 2 ** 53 - 1, 0] },
      { marks: 'marks' },
      { directory: [0, 2 ** 53 - 1, 0] },
      { directory: [] },
      { directory: null },
      { size: 'much' },
      { syncedTo: 1e300 },
      { tail: {} },
      { tail: null },
      { tail: { ...head.tail, nextOid: 1, time: 2 ** 53 - 1 } },
      { tail: { ...head.tail, offset: 2 ** 53 - 1 } },
      { tail: { ...head.tail, lastFrame: 4096 } },
      { tail: { ...head.tail, tid: 1 } },
      { tail: { ...head.tail, offset: 'x' } },
    ].map(more => [JSON.stringify(more).slice(0, 80), saying(more)]),
  ),
  ...Object.fromEntries(
    [[['a']], 'ids', [[{}, {}, {}, {}]], [null], [['id', -1, 1, 1]], { length: 3 }].map(names => [
      `the ids ${JSON.stringify(names)}`,
      indexFile({ names }),
    ]),
  ),
  ...Object.fromEntries(
    ['', '{', '[[', '\0'].map(text => [
      `the ids ${JSON.stringify(text)}, no JSON`,
      indexFile({ names: Buffer.from(text) }),
    ]),
  ),
  'an honest one of the form that had names': indexFile({ names: [] }),
  ...Object.fromEntries(
    [[5], [5, 20, 4, 20], [5, NaN], [5, 0], [5, -1], [NaN, 20], [5, 2 ** 60], [Infinity, 20]].map(ids => [
      `the hashes and oids ${ids.join().slice(0, 60)}`,
      indexFile({ ids }),
    ]),
  ),
  ...Object.fromEntries(
    [
      [[0, 0, pageLength]],
      [[5, pageLength, 2 ** 32 - 1]],
      [[5, 2 ** 60, 16]],
      [[5, NaN, 16]],
      [[5, -16, 16]],
      [[NaN, pageLength, 16]],
      [[4, pageLength, 16]],
      [
        [5, pageLength, 16],
        [4, pageLength, 16],
      ],
    ].map(idDirectory => [
      `the directory of ids ${JSON.stringify(idDirectory)}`,
      indexFile({ ids: [5, 20], idDirectory: idDirectory as [number, number, number][] }),
    ]),
  ),
  'a head that is no object': indexFile({ said: [] }),
  'a head that is null': indexFile({ said: null }),
  'a head that is cut': Buffer.concat([honest.subarray(0, -24), Buffer.alloc(4, 0xff), honest.subarray(-20)]),
}

t.test('an index file that lies never changes what is read', async t => {
  const last = known.contents.at(-1)!
  let right = 0
  for (const [name, bytes] of Object.entries(FILES)) {
    const disk = MemoryDisk.with({ [PATH]: known.bytes, [`${PATH}.index`]: bytes })
    const started = performance.now()
    try {
      const found = withStore(disk, { readonly: true }, store => readAll(store, known))
      const asked = withStore(disk, { readonly: true }, ({ current }) => current.committed('no id'))
      const ids = withStore(disk, { readonly: true }, ({ current }) => [...atOnce(current.gatherIds())])
      t.strictSame([asked, ids], [undefined, []], `${name}: there is no id`)
      if (sameContent(last, found)) right++
      // That an object is not there is all that an index can say without being found out.
      else if (name !== 'no objects at all') t.fail(`${name}: a wrong state`)
      withStore(disk, {}, store => put(store, record(-1, 'new')))
    } catch (error) {
      if (!(error instanceof PerdureError)) t.fail(`${name}: ${String(error)}`)
    }
    if (performance.now() - started > 1000) t.fail(`${name}: took ${Math.round(performance.now() - started)} ms`)
    if (disk.descriptors > 0 || disk.locked.length > 0) t.fail(`${name}: something was left open or locked`)
  }
  t.ok(right > 10, `${right} of ${Object.keys(FILES).length} were ignored`)
})

t.test('marks that lie never change what an earlier commit is read as', async t => {
  const until = 20
  const [first = 0, second = 0] = known.ends
  for (const offset of [second, first + 0.5, 1, 0, -1, NaN, Infinity, 2 ** 60, known.bytes.length]) {
    for (const tid of [2, until, until - 0.5, -1, NaN]) {
      const marks = Buffer.alloc(24)
      for (const [n, number] of [tid, 1, offset].entries()) marks.writeDoubleLE(number, n * 8)
      const disk = MemoryDisk.with({ [PATH]: known.bytes, [`${PATH}.index`]: indexFile({ marks }) })
      const found = withStore(disk, { readonly: true, until }, store => readAll(store, known))
      t.ok(sameContent(known.contents[until], found), `commit ${tid} at ${offset}`)
      if (disk.descriptors > 0) t.fail('something was left open')
    }
  }
})

t.test('no bit of an index file changes what is read', async t => {
  const last = known.contents.at(-1)!
  for (let at = 0; at < honest.length; at++) {
    const bytes = Buffer.from(honest)
    bytes[at] = bytes[at]! ^ (1 << (at % 8))
    const disk = MemoryDisk.with({ [PATH]: known.bytes, [`${PATH}.index`]: bytes })
    const found = withStore(disk, { readonly: true }, store => readAll(store, known))
    if (!sameContent(last, found)) t.fail(`byte ${at}`)
    if (disk.descriptors > 0) t.fail(`byte ${at}: something was left open`)
  }
})
