// Files out of which a stretch was cut: what is left looks like an append that was never finished, and is damage.
import t from 'tap'
import { LogReader } from '../../lib/log/log-reader.js'
import { LogBuilder } from '../helpers/log-builder.js'
import { MemoryFile } from '../helpers/memory-file.js'

const LONG = 'x'.repeat(1000)

function readerOf(log: LogBuilder, bytes: Buffer, boot = 0): LogReader {
  const file = new MemoryFile(bytes)
  return new LogReader(file.open({ boot }), 'app.db', log.header, () => undefined)
}

/** The bytes of `log` without those from `from` to `to`. */
function without(log: LogBuilder, from: number, to: number): Buffer {
  return Buffer.concat([log.bytes.subarray(0, from), log.bytes.subarray(to)])
}

t.test('bytes cut out of a frame are damage, wherever they are cut out', async t => {
  const log = new LogBuilder().commits('one', LONG, 'three', 'four', 'five')
  const [, second = 0, third = 0, fourth = 0] = log.ends
  for (const [from, to, nextGoodOffset] of [
    [second + 100, second + 200, third - 100],
    [second + 72, third, second + 72],
    [second + 90, third + 20, fourth - (third + 20 - second - 90)],
    [second + 100, log.ends[4] ?? 0, second + 100],
  ] as const) {
    t.throws(
      () => readerOf(log, without(log, from, to)).advance(),
      { code: 'CORRUPT_LOG', offset: second, lastGoodTid: 1, nextGoodOffset },
      `${from} to ${to}`,
    )
  }
})

t.test('so are bytes cut out of the last frame', async t => {
  const log = new LogBuilder().commits('one', LONG)
  const [, second = 0] = log.ends
  for (const from of [second + 72, second + 500, log.end - 13]) {
    t.throws(() => readerOf(log, without(log, from, from + 1)).advance(), {
      code: 'CORRUPT_LOG',
      offset: second,
      nextGoodOffset: undefined,
    })
  }
})

t.test('no power cut does that: not in another boot, either', async t => {
  const log = new LogBuilder()
  for (let tid = 1; tid < 6; tid++) log.frame({ tid, boot: 1 }, LONG)
  const [, , third = 0, fourth = 0] = log.ends
  for (const [from, to] of [
    [third + 100, third + 200], // what follows fills the frame up
    [third + 100, log.end - 900],
    [log.end - 900, log.end - 800],
  ] as const) {
    const reader = readerOf(log, without(log, from, to), 2)
    const offset = from < fourth ? third : log.ends[4]
    t.throws(() => reader.advance(), { code: 'CORRUPT_LOG', offset }, `${from} to ${to}`)
  }
})

t.test('an append that ends where a copy of the log in it ends was never finished', async t => {
  const log = new LogBuilder().commits('one', 'two')
  const copy = Buffer.from(log.bytes)
  const start = log.end
  log.frame({ tid: 3, time: 9 }, 'y'.repeat(copy.length + 100))
  const torn = Buffer.concat([log.bytes.subarray(0, start + 72), copy])
  t.equal(readerOf(log, torn).advance(), 'short')
})

t.test(
  'so was one that ends where a frame ends which another life of the store has written further behind',
  async t => {
    const log = new LogBuilder().commits('one', 'two')
    const start = log.end
    const other = new LogBuilder().commits('one', 'two', 'y'.repeat(500), 'four')
    const frame = other.bytes.subarray(other.ends[3])
    log.frame({ tid: 3, time: 9 }, 'z'.repeat(4000))
    const torn = Buffer.concat([log.bytes.subarray(0, start + 72 + 100), frame])
    t.ok((other.ends[3] ?? 0) > start + 72 + 100, 'it says that it belongs further behind')
    t.equal(readerOf(log, torn).advance(), 'short')
  },
)

t.test('whatever part of a log is there in order, its end is short or whole', async t => {
  const log = new LogBuilder().commits('one', 'FEND', 'three')
  for (let end = log.ends[1] ?? 0; end <= log.end; end++) {
    const status = readerOf(log, log.bytes.subarray(0, end)).advance()
    if (status !== (log.ends.includes(end) ? 'end' : 'short')) t.fail(`${status} at ${end}`)
  }
})
