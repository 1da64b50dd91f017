// Index files made to harm: their checksums are right, they name the last frame of the log, and what they say is not so. They are
// ignored, or answered with a typed error; they never change a value that is read.
import t from 'tap'
import { PerdureError } from '../../lib/error.js'
import { checksum } from '../../lib/log/checksum.js'
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
    ids: [],
    size,
  }
  return { head: honest, page: offsets }
})

function indexFile(said: unknown, ...pages: Float64Array[]): Buffer {
  const bytes = Buffer.from(JSON.stringify(said))
  const prefix = Buffer.alloc(24)
  prefix.write('\x89PRDX\r\n\n', 'latin1')
  prefix.writeUInt32LE(1, 8)
  prefix.writeUInt32LE(bytes.length, 12)
  prefix.writeUInt32LE(checksum(bytes), 16)
  return Buffer.concat([prefix, bytes, ...pages.map(each => Buffer.from(each.buffer))])
}

function withPage(change: (page: Float64Array) => void, more: object = {}): Buffer {
  const own = Float64Array.from(page)
  change(own)
  return indexFile({ ...head, pages: [[0, checksum(Buffer.from(own.buffer))]], ...more }, own)
}

const honest = withPage(() => undefined)

const FILES: Readonly<Record<string, Buffer>> = {
  'an honest one': honest,
  ...Object.fromEntries(
    [NaN, Infinity, -1, 0.5, 1, 4096, 1e15, 2 ** 60, page[1]! + 1, known.bytes.length, known.bytes.length - 1].map(
      offset => [`objects at ${offset}`, withPage(each => void each.fill(offset, 1, 40))],
    ),
  ),
  'objects in each other’s place': withPage(each => void each.copyWithin(17, 18, 30)),
  'objects in the place of a shape': withPage(each => void each.fill(page[16]!, 1, 40)),
  'no objects at all': withPage(each => void each.fill(0)),
  ...Object.fromEntries(
    [
      { shapes: 5 },
      { shapes: ['__proto__', {}, null, NaN, 1, 99] },
      { shapes: Array.from({ length: 200_000 }, (_, n) => n) },
      { ids: [['a']] },
      { ids: 'ids' },
      { ids: [[{}, {}, {}, {}]] },
      { size: 'much' },
      { syncedTo: 1e300 },
      { pages: 'none' },
      { pages: [[0]] },
      { pages: [[0.5, 0]] },
      { pages: Array.from({ length: 100_000 }, (_, n) => [n, 0]) },
      { tail: {} },
      { tail: null },
      { tail: { ...head.tail, nextOid: 1, time: 2 ** 53 - 1 } },
      { tail: { ...head.tail, offset: 2 ** 53 - 1 } },
      { tail: { ...head.tail, lastFrame: 4096 } },
      { tail: { ...head.tail, tid: 1 } },
      { tail: { ...head.tail, offset: 'x' } },
    ].map(more => [JSON.stringify(more).slice(0, 80), withPage(() => undefined, more)]),
  ),
  'a head that is no object': indexFile([]),
  'a head that is null': indexFile(null),
  'a head that is cut': Buffer.concat([honest.subarray(0, 12), Buffer.alloc(4, 0xff), honest.subarray(16)]),
}

t.test('an index file that lies never changes what is read', async t => {
  const last = known.contents.at(-1)!
  let right = 0
  for (const [name, bytes] of Object.entries(FILES)) {
    const disk = MemoryDisk.with({ [PATH]: known.bytes, [`${PATH}.index`]: bytes })
    const started = performance.now()
    try {
      const found = withStore(disk, { readonly: true }, store => readAll(store, known))
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

t.test('no bit of an index file changes what is read', async t => {
  const last = known.contents.at(-1)!
  for (let at = 0; at < honest.length; at += at < honest.length - 8 * PAGE + 400 ? 1 : 97) {
    const bytes = Buffer.from(honest)
    bytes[at] = bytes[at]! ^ (1 << (at % 8))
    const disk = MemoryDisk.with({ [PATH]: known.bytes, [`${PATH}.index`]: bytes })
    const found = withStore(disk, { readonly: true }, store => readAll(store, known))
    if (!sameContent(last, found)) t.fail(`byte ${at}`)
    if (disk.descriptors > 0) t.fail(`byte ${at}: something was left open`)
  }
})
