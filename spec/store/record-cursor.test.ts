import t from 'tap'
import { RecordCursor } from '../../lib/store/record-cursor.js'
import { mostRecordBytes, readRecord, writeRecord, type RecordFields } from '../../lib/store/record.js'
import { seeded } from '../helpers/seeded.js'

const SALT = 0x01020304
const OTHER = 0xf0e0d0c0
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
  return bytes.slice(0, writeRecord(bytes, 0, record, SALT))
}

t.test('it tells of the record at which it stands', async t => {
  const bytes = Buffer.concat([Buffer.from('...'), write(), write({ ...fields, oid: 17, refs: [] })])
  const cursor = new RecordCursor()
  t.ok(cursor.check(bytes, 3, SALT))
  t.match(cursor, { oid: 300, shape: 16, tid: 9, back: 400, count: 3, at: 3, end: 3 + write().length })
  t.strictSame(cursor.refs.slice(0, cursor.count), [1, 300, 70_000])
  t.ok(cursor.check(bytes, cursor.end, SALT))
  t.match(cursor, { oid: 17, count: 0, end: bytes.length })
})

t.test('a record with any byte changed, cut off, or of another file is none', async t => {
  const bytes = write()
  const cursor = new RecordCursor()
  const unnoticed: string[] = []
  for (let at = 0; at < bytes.length; at++) {
    if (cursor.check(bytes.subarray(0, at), 0, SALT)) unnoticed.push(`${at} bytes`)
    for (const bit of [0x01, 0x80]) {
      const damaged = Uint8Array.from(bytes)
      damaged[at] = (damaged[at] ?? 0) ^ bit
      if (cursor.check(damaged, 0, SALT)) unnoticed.push(`bit ${bit} of byte ${at}`)
    }
  }
  t.strictSame(unnoticed, [])
  t.notOk(cursor.check(bytes, 0, OTHER))
})

t.test('a copy is the same record of another file, and replaces none there', async t => {
  const random = seeded(t)
  const cursor = new RecordCursor()
  for (let n = 0; n < 300; n++) {
    const record = {
      ...fields,
      oid: 1 + random.int(2 ** random.int(50)),
      back: random.int(2 ** random.int(50)),
      refs: Array.from({ length: random.int(4) }, () => 1 + random.int(1000)),
      state: random.bytes(random.pick([0, 100, 130, 500])),
    }
    const bytes = Buffer.concat([write(record), Buffer.alloc(1000)])
    for (const [into, place] of [
      [Buffer.alloc(1000), 7],
      [bytes, 900],
      [bytes, 0],
    ] as const) {
      if (!cursor.check(bytes, 0, SALT)) t.fail('it was not written')
      const { end } = cursor
      const behind = cursor.copy(into, place, OTHER)
      const found = readRecord(into, place, 4096, OTHER)
      t.strictSame([found?.oid, found?.shape, found?.tid, found?.previous], [record.oid, 16, 9, 0])
      t.strictSame([...(found?.refs ?? [])], record.refs)
      t.ok(found !== undefined && Buffer.from(found.state).equals(record.state))
      t.ok(behind === place + (found?.length ?? 0) && behind - place <= end, 'it takes no more bytes')
    }
  }
})
