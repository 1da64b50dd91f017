import t from 'tap'
import { LogReader } from '../../lib/log/log-reader.js'
import { LogWriter } from '../../lib/log/log-writer.js'
import { cutShortFrame } from '../../lib/log/recovery.js'
import { LogBuilder } from '../helpers/log-builder.js'
import { MemoryFile } from '../helpers/memory-file.js'

/** A file that has been read, and to which the beginning of a frame was then appended. */
function torn(log: LogBuilder) {
  const file = new MemoryFile(log.bytes)
  const data = file.open()
  const reader = new LogReader(data, 'app.db', log.header, () => undefined)
  reader.advance()
  const whole = log.end
  file.bytes = log.commits('lost').bytes.subarray(0, whole + 80)
  reader.advance()
  const cut = () => cutShortFrame(reader, new LogWriter(data, 'app.db'))
  return { file, whole, cut }
}

t.test('a short frame is cut off and the cut is synced', async t => {
  const { file, whole, cut } = torn(new LogBuilder().commits('one', 'two'))
  cut()
  t.equal(file.bytes.length, whole)
  t.same(file.changes, ['truncate', 'sync'])
})

t.test('a short first frame is cut off too', async t => {
  const { file, whole, cut } = torn(new LogBuilder())
  cut()
  t.equal(file.bytes.length, whole)
})

t.test('nothing is cut from a file whose last commit is not the one that was read', async t => {
  const { file, whole, cut } = torn(new LogBuilder().commits('one', 'two'))
  const other = new LogBuilder().commits('one', 'TWO').bytes
  t.equal(other.length, whole)
  file.bytes = Buffer.concat([other, file.bytes.subarray(whole)])
  t.throws(cut, { code: 'STORE_REPLACED', path: 'app.db' })
  t.same(file.changes, [])
})

t.test('nothing is cut from a file whose last commit is damaged, gone, or of another store', async t => {
  const log = () => new LogBuilder().commits('one', 'two')
  const stranger = new LogBuilder({ uuid: new Uint8Array(16).fill(9) })
  for (const [name, change] of [
    ['damaged', bytes => bytes.fill(0, bytes.length - 80 - 5, bytes.length - 80)],
    ['gone', bytes => bytes.subarray(0, 4200)],
    ['another store', () => stranger.commits('one', 'two', 'three').bytes],
  ] satisfies [string, (bytes: Buffer) => Buffer][]) {
    const { file, cut } = torn(log())
    file.bytes = change(Buffer.from(file.bytes))
    t.throws(cut, { code: 'STORE_REPLACED' }, name)
    t.same(file.changes, [], name)
  }
})

t.test('nothing is cut from another store in which nothing had been read yet', async t => {
  const { file, cut } = torn(new LogBuilder())
  file.bytes = new LogBuilder({ uuid: new Uint8Array(16).fill(9) }).commits('one').bytes
  t.throws(cut, { code: 'STORE_REPLACED' })
})
