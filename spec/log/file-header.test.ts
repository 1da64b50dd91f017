import t from 'tap'
import { checksum } from '../../lib/log/checksum.js'
import {
  decodeFileHeader,
  encodeFileHeader,
  FORMAT_VERSION,
  HEADER_LENGTH,
  MOST_MOMENTS,
  type FileHeader,
} from '../../lib/log/file-header.js'

const header: FileHeader = {
  storeId: Uint8Array.from({ length: 16 }, (_, n) => n),
  uuid: Uint8Array.from({ length: 16 }, (_, n) => 16 + n),
  generation: 3,
  baseTid: 7,
  baseTime: 1_700_000_000_000,
  nextOid: 99,
  baseEnd: 8192,
  moments: [],
  idsSince: 0,
  readonlyFlags: 0,
}

/** The header with bytes changed afterwards, and a checksum that fits again. */
function forged(change: (view: DataView) => void): Uint8Array {
  const bytes = encodeFileHeader(header)
  const view = new DataView(bytes.buffer)
  change(view)
  view.setUint32(HEADER_LENGTH - 4, checksum(bytes.subarray(0, HEADER_LENGTH - 4)), true)
  return bytes
}
const decode = (bytes: Uint8Array) => decodeFileHeader(bytes, 'app.db')

t.test('a header is 4,096 bytes and is read as it was written', async t => {
  const bytes = encodeFileHeader(header)
  t.equal(bytes.length, 4096)
  t.same(decode(bytes), header)
})

t.test('numbers go up to 2^53 - 1, and 128 moments fit', async t => {
  const most = Number.MAX_SAFE_INTEGER
  const moments = Array.from({ length: MOST_MOMENTS }, (_, n) => ({ tid: n, time: most - n }))
  const largest = { ...header, generation: most, baseTid: most, baseTime: most, nextOid: most, baseEnd: most, moments }
  t.same(decode(encodeFileHeader(largest)), largest)
})

t.test('a greater number is impossible, and so is a 129th moment', async t => {
  for (const at of [56, 64, 72, 80, 88, 2152]) {
    t.throws(() => decode(forged(view => view.setBigUint64(at, 2n ** 53n, true))), { code: 'NOT_A_STORE' }, `at ${at}`)
  }
  t.throws(() => decode(forged(view => view.setUint32(96, MOST_MOMENTS + 1, true))), {
    code: 'NOT_A_STORE',
    message: /impossible number; `perdure recover` saves/,
  })
})

t.test('no byte of a header can change unnoticed', async t => {
  const bytes = encodeFileHeader(header)
  const unnoticed: number[] = []
  for (let at = 0; at < bytes.length; at++) {
    const damaged = Uint8Array.from(bytes)
    damaged[at] = (damaged[at] ?? 0) ^ 0x10
    try {
      decode(damaged)
      unnoticed.push(at)
    } catch {
      // refused, as it should be
    }
  }
  t.same(unnoticed, [])
})

t.test('what is not a store is named for what it is', async t => {
  t.throws(() => decode(new Uint8Array()), { code: 'NOT_A_STORE', message: /empty/ })
  t.throws(() => decode(Buffer.from('SQLite format 3\0')), { code: 'NOT_A_STORE', message: /not a Perdure store/ })
  t.throws(() => decode(encodeFileHeader(header).subarray(0, 100)), {
    code: 'NOT_A_STORE',
    message: /ends within its header/,
  })
  const damaged = encodeFileHeader(header)
  damaged[1000] = 1
  t.throws(() => decode(damaged), { code: 'NOT_A_STORE', message: /damaged; `perdure recover` saves/, path: 'app.db' })
})

t.test('a newer format, or a feature that is not known, needs a newer version', async t => {
  t.throws(() => decode(forged(view => view.setUint32(8, FORMAT_VERSION + 1, true))), { code: 'NEWER_FORMAT' })
  t.throws(() => decode(forged(view => view.setUint32(12, 4, true))), { code: 'NEWER_FORMAT', message: /4/ })
  t.equal(
    decode(forged(view => view.setUint32(16, 2, true))).readonlyFlags,
    2,
    'one that only writers must know is handed on',
  )
})
