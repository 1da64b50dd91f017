// Files out of which a stretch was cut: what is left looks like an append that was never finished, and is damage.
import t from 'tap'
import type { CorruptLogError } from '../../lib/error.js'
import { readFrameHeader, sealFrame, SMALLEST_FRAME } from '../../lib/log/frame.js'
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

/** The same with a sound header in place of that at `at`, of an append that was cut off there: of a frame that would end behind the file. */
function withStaleHeader({ salt }: LogBuilder, bytes: Buffer, at: number): Buffer {
  const header = readFrameHeader(bytes, at, at, salt)
  if (header === undefined) throw new Error(`no frame at ${at}`)
  const frame = Buffer.alloc(SMALLEST_FRAME + bytes.length)
  sealFrame(frame, { ...header, bodyLength: bytes.length })
  return Buffer.concat([bytes.subarray(0, at), frame.subarray(0, 72), bytes.subarray(at + 72)])
}

t.test(
  'a header that has come back from an append that was cut off hides no commits, whole or torn ones behind it',
  async t => {
    const log = new LogBuilder().commits('one', 'two', LONG, 'four')
    const [, second = 0, third = 0, fourth = 0] = log.ends
    for (const at of [second, third, fourth]) {
      const stale = withStaleHeader(log, log.bytes, at)
      const lastGoodTid = log.ends.indexOf(at)
      for (let end = log.ends[lastGoodTid + 1] ?? 0; end <= log.end; end++) {
        try {
          t.fail(`${readerOf(log, stale.subarray(0, end)).advance()}: ${end} bytes, header at ${at}`)
        } catch (error) {
          const { offset, lastGoodTid: good } = error as CorruptLogError
          if (offset !== at || good !== lastGoodTid) t.fail(`${(error as Error).message}`)
        }
      }
    }
  },
)

t.test(
  'nor does it after a restart, where anything was proved to be on disk; otherwise what it hides is set aside',
  async t => {
    for (const syncedTo of [0, 1]) {
      const log = new LogBuilder()
      for (let tid = 1; tid < 5; tid++) log.frame({ tid, boot: 1, syncedTo: syncedTo * log.end }, LONG)
      const [, second = 0, third = 0, fourth = 0] = log.ends
      const stale = withStaleHeader(log, log.bytes, second)
      for (const end of [third + 72, fourth, fourth + 200, log.end]) {
        const reader = readerOf(log, stale.subarray(0, end), 2)
        if (syncedTo === 0) t.equal(reader.advance(), 'torn')
        else t.throws(() => reader.advance(), { code: 'CORRUPT_LOG', offset: second, lastGoodTid: 1 })
      }
    }
  },
)

t.test('a long append under way is looked through as it grows, each part once', async t => {
  const log = new LogBuilder().commits('one')
  const start = log.end
  const chunk = 1 << 20 // read whenever it is looked for frames
  log.frame({ tid: 2, time: 9 }, 'y'.repeat(4 * chunk))
  const file = new MemoryFile(log.bytes)
  let bytes = 0
  const disk = file.open({
    read: (fd, into, at, length, position) => {
      if ((position ?? 0) >= start + chunk) bytes += length
      return file.operations.read(fd, into, at, length, position)
    },
  })
  const reader = new LogReader(disk, 'app.db', log.header, () => undefined)
  for (let end = start + 100; end < log.end; end += chunk / 16) {
    file.bytes = log.bytes.subarray(0, end)
    if (reader.advance() !== 'short') t.fail(`not short at ${end}`)
  }
  t.ok(bytes > 2 * chunk && bytes < 5 * chunk, `${bytes} bytes were read`)
})

t.test('whatever part of a log is there in order, its end is short or whole', async t => {
  const log = new LogBuilder().commits('one', 'FEND', 'three')
  for (let end = log.ends[1] ?? 0; end <= log.end; end++) {
    const status = readerOf(log, log.bytes.subarray(0, end)).advance()
    if (status !== (log.ends.includes(end) ? 'end' : 'short')) t.fail(`${status} at ${end}`)
  }
})

t.test(
  'bytes cut out before an append that was never finished are damage: that says that it follows this frame',
  async t => {
    const log = new LogBuilder().commits('one', LONG, LONG)
    const [, second = 0, third = 0] = log.ends
    for (const [from, to] of [
      [second + 72, second + 73],
      [second + 100, second + 600],
    ] as const) {
      const left = without(log, from, to)
      for (const end of [third + 72 - (to - from), left.length - (to - from), left.length - 1]) {
        const reader = readerOf(log, left.subarray(0, end))
        t.throws(
          () => reader.advance(),
          { code: 'CORRUPT_LOG', offset: second, lastGoodTid: 1 },
          `${from} to ${to}, ${end}`,
        )
      }
    }
  },
)
