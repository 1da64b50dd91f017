import t from 'tap'
import { crc32 } from 'node:zlib'
import { checksum } from '../../lib/log/checksum.js'
import { seeded } from '../helpers/seeded.js'

t.test('the checksum is the CRC-32 of zlib and PNG', async t => {
  t.equal(checksum(Buffer.from('123456789')), 0xcbf43926)
  t.equal(checksum(new Uint8Array()), 0)
})

t.test('both implementations agree at every length, with and without a seed', async t => {
  const random = seeded(t)
  const wrong: number[] = []
  for (let length = 0; length < 500; length++) {
    const bytes = random.bytes(length)
    const seed = random.int(2 ** 32)
    if (checksum(bytes) !== crc32(bytes) || checksum(bytes, seed) !== crc32(bytes, seed)) wrong.push(length)
  }
  t.same(wrong, [])
})

t.test('of a stretch, it is that of the same bytes alone', async t => {
  const random = seeded(t)
  const bytes = random.bytes(1000)
  const wrong: number[][] = []
  for (let n = 0; n < 500; n++) {
    const from = random.int(500)
    const to = from + random.int(500)
    if (checksum(bytes, n, from, to) !== crc32(bytes.subarray(from, to), n)) wrong.push([from, to])
  }
  t.same(wrong, [])
})

t.test('seeded with the checksum of a beginning, it is the checksum of the whole', async t => {
  const whole = seeded(t).bytes(1000)
  for (const cut of [0, 1, 150, 199, 200, 201, 850, 1000]) {
    t.equal(checksum(whole.subarray(cut), checksum(whole.subarray(0, cut))), checksum(whole), `cut at ${cut}`)
  }
})
