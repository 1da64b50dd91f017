import t from 'tap'
import {
  mostRecordBytes,
  readRecord,
  recordLength,
  scanRecords,
  writeRecord,
  type RecordFields,
} from '../../lib/store/record.js'

const SALT = 0x01020304
const OFFSET = 1000
const fields: RecordFields = {
  oid: 300,
  shape: 16,
  tid: 9,
  back: 400,
  refs: [1, 300, 70_000],
  state: Buffer.from('state'),
}

function write(record: RecordFields = fields): Uint8Array {
  const bytes = new Uint8Array(mostRecordBytes(record.refs.length, record.state.length))
  return bytes.subarray(0, writeRecord(bytes, 0, record, SALT))
}
const read = (bytes: Uint8Array, offset = OFFSET) => readRecord(bytes, 0, offset, SALT)

t.test('a record is read as it was written, and knows its place', async t => {
  const bytes = write()
  const found = read(bytes)
  t.match(found, {
    oid: 300,
    shape: 16,
    tid: 9,
    previous: 600,
    refs: [1, 300, 70_000],
    offset: OFFSET,
    length: bytes.length,
  })
  t.equal(Buffer.from(found?.state ?? []).toString(), 'state')
  t.equal(recordLength(bytes, 0), bytes.length)
})

t.test('a record that replaces none has no previous version', async t => {
  t.equal(read(write({ ...fields, back: 0 }))?.previous, 0)
})

t.test('a record may have no references and no state', async t => {
  const record = read(write({ ...fields, refs: [], state: new Uint8Array() }))
  t.same([record?.refs, record?.state.length], [[], 0])
})

t.test('numbers go up to 2^53 - 1', async t => {
  const most = Number.MAX_SAFE_INTEGER
  const largest = { oid: most, shape: most, tid: most, back: 5 * 2 ** 30, refs: [most], state: new Uint8Array() }
  const offset = 6 * 2 ** 30
  t.match(read(write(largest), offset), { oid: most, shape: most, tid: most, previous: 2 ** 30, refs: [most], offset })
})

t.test('no byte of a record can change unnoticed', async t => {
  const bytes = write()
  const unnoticed: number[] = []
  for (let at = 0; at < bytes.length; at++) {
    for (const bit of [0x01, 0x80]) {
      const damaged = Uint8Array.from(bytes)
      damaged[at] = (damaged[at] ?? 0) ^ bit
      if (read(damaged) !== undefined) unnoticed.push(at)
    }
  }
  t.same(unnoticed, [])
})

t.test('a record of another file is none', async t => {
  t.equal(readRecord(write(), 0, OFFSET, SALT + 1), undefined)
})

t.test('a record that ends too early is none', async t => {
  const bytes = write()
  for (let length = 0; length < bytes.length; length++) {
    if (read(bytes.subarray(0, length)) !== undefined) t.fail(`${length} bytes were taken for a record`)
  }
})

t.test('a version cannot replace one that would stand in front of the file', async t => {
  t.equal(read(write({ ...fields, back: OFFSET + 1 })), undefined)
})

t.test('an upper bound of its bytes is known before it is written', async t => {
  const most = Number.MAX_SAFE_INTEGER
  const state = new Uint8Array(10_000)
  const bytes = write({ oid: most, shape: most, tid: most, back: most, refs: [most, most], state })
  t.ok(bytes.length <= mostRecordBytes(2, state.length))
})

t.test('records are scanned one behind the other, without being checked', async t => {
  const bytes = Buffer.concat([write(), write({ ...fields, oid: 16, shape: 0 }), Buffer.from('annotation')])
  const found: number[][] = []
  const behind = scanRecords(bytes, 0, bytes.length, 2, (oid, shape, at) => found.push([oid, shape, at]))
  t.same(found, [
    [300, 16, 0],
    [16, 0, write().length],
  ])
  t.equal(bytes.subarray(behind).toString(), 'annotation')
})

t.test('records that do not fit in their frame are refused', async t => {
  const bytes = write()
  const scan = (end: number, count: number) => scanRecords(bytes, 0, end, count, () => undefined)
  t.equal(scan(bytes.length, 2), -1, 'one too many')
  t.equal(scan(bytes.length - 1, 1), -1, 'one byte too few')
  t.equal(scan(bytes.length, 0), 0)
  t.equal(
    scanRecords(write({ ...fields, oid: 0 }), 0, bytes.length, 1, () => undefined),
    -1,
    'no object has number 0',
  )
})
