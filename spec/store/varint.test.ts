import t from 'tap'
import { VarintReader, varintLength, writeVarint } from '../../lib/store/varint.js'
import { seeded } from '../helpers/seeded.js'

const write = (value: number): Uint8Array => {
  const bytes = new Uint8Array(12)
  return bytes.subarray(0, writeVarint(bytes, 0, value))
}
const read = (bytes: Uint8Array): number | 'failed' => {
  const reader = new VarintReader(bytes, 0, bytes.length)
  const value = reader.next()
  return reader.failed ? 'failed' : value
}

t.test('small numbers take one byte, seven more bits one byte more', async t => {
  t.same([...write(0)], [0])
  t.same([...write(127)], [127])
  t.same([...write(128)], [0x80, 1])
  t.same([...write(300)], [0xac, 2])
  t.equal(write(Number.MAX_SAFE_INTEGER).length, 8)
})

t.test('every number is read as it was written, in the length that was told', async t => {
  const random = seeded(t)
  const numbers = [Number.MAX_SAFE_INTEGER]
  for (let bits = 0; bits < 53; bits++) numbers.push(2 ** bits - 1, 2 ** bits, random.int(2 ** bits))
  for (const n of numbers) {
    if (read(write(n)) !== n || write(n).length !== varintLength(n)) t.fail(`${n} came back as ${read(write(n))}`)
  }
})

t.test('numbers follow one another', async t => {
  const bytes = new Uint8Array(20)
  const end = writeVarint(bytes, writeVarint(bytes, 3, 2 ** 40), 7)
  const reader = new VarintReader(bytes, 3, end)
  t.same([reader.next(), reader.next(), reader.at, reader.failed], [2 ** 40, 7, end, false])
})

t.test('a number that does not end where it must is refused', async t => {
  const bytes = write(2 ** 40)
  for (let length = 0; length < bytes.length; length++)
    t.equal(read(bytes.subarray(0, length)), 'failed', `${length} bytes`)
})

t.test('an impossible number is refused: above 2^53 - 1, or longer than 8 bytes', async t => {
  t.equal(read(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f)), Number.MAX_SAFE_INTEGER)
  t.equal(read(Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10)), 'failed')
  t.equal(read(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)), 'failed')
  t.equal(read(Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00)), 'failed')
})
