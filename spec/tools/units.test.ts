import t from 'tap'
import { count, harmless, moment, size } from '../../tools/cli/units.js'

t.test('sizes and numbers read well', async t => {
  t.equal(size(1023), '1023 B')
  t.equal(size(2 * 1024 * 1024), '2.0 MiB')
  t.equal(count(1, 'object'), '1 object')
  t.equal(count(1234, 'object'), '1,234 objects')
})

t.test('every time that a file can hold is printed', async t => {
  t.equal(moment(0), '1970-01-01T00:00:00.000Z')
  t.equal(moment(Number.MAX_SAFE_INTEGER), '9007199254740991 ms')
})

t.test('no text of a store steers the terminal', async t => {
  t.equal(harmless('a\u001b[31m\n\u202eb'), 'a\\u001b[31m\\n\\u202eb')
})
