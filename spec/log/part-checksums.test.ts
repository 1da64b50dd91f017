import t from 'tap'
import { checksum } from '../../lib/log/checksum.js'
import { movedBack, PartChecksums } from '../../lib/log/part-checksums.js'
import { seeded } from '../helpers/seeded.js'

t.test('the checksum of any part is the one that going through it gives', async t => {
  const random = seeded(t)
  for (const length of [0, 1, 1023, 1024, 1025, 100_000]) {
    const bytes = random.bytes(length)
    const parts = new PartChecksums(bytes)
    for (let n = 0; n < 300; n++) {
      const from = random.int(length + 1)
      const to = n === 0 ? length : from + random.int(length - from + 1)
      const seed = n % 3 === 0 ? 0 : random.int(2 ** 32)
      const expected = checksum(bytes, seed, from, to)
      const found = parts.of(seed, from, to)
      if (found !== expected) t.equal(found, expected, `of ${length} bytes, ${from} to ${to}, seed ${seed}`)
    }
  }
})

t.test('what a checksum was before bytes that are known', async t => {
  const random = seeded(t)
  for (const length of [0, 1, 68, 1000, 100_000]) {
    const bytes = random.bytes(length)
    const before = random.int(2 ** 32)
    t.equal(movedBack(checksum(bytes, before) ^ checksum(bytes), length), before, `${length} bytes`)
  }
})
