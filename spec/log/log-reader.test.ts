import t from 'tap'
import type { Disk } from '../../lib/file/disk.js'
import { HEADER_LENGTH } from '../../lib/log/file-header.js'
import { LogReader } from '../../lib/log/log-reader.js'
import { LogBuilder } from '../helpers/log-builder.js'
import { MemoryFile } from '../helpers/memory-file.js'

/** A file with the bytes of `log`, a reader on it, and the bodies of the frames that it has applied. */
function readerOf(log: LogBuilder, { until, disk }: { until?: number; disk?: Partial<Disk> } = {}) {
  const file = new MemoryFile(log.bytes)
  const applied: string[] = []
  const reader = new LogReader(
    file.open(disk),
    'app.db',
    log.header,
    (_header, bytes, at, end) => applied.push(Buffer.from(bytes.subarray(at, end)).toString()),
    until,
  )
  return { file, applied, reader }
}

/** The bytes of `log` with one bit flipped at each of these offsets. */
function damaged(log: LogBuilder, ...offsets: number[]): Buffer {
  const bytes = Buffer.from(log.bytes)
  for (const at of offsets) bytes[at] = (bytes[at] ?? 0) ^ 1
  return bytes
}

t.test('every whole frame is handed on, in order, and the tail is behind the last', async t => {
  const log = new LogBuilder().commits('one', 'two', 'three')
  const { reader, applied } = readerOf(log)
  t.match(reader.tail, { offset: HEADER_LENGTH, tid: 0, nextOid: 16, lastFrame: 0 })
  t.equal(reader.advance(), 'end')
  t.same(applied, ['one', 'two', 'three'])
  t.match(reader.tail, { offset: log.end, tid: 3, lastFrame: log.ends[2] })
})

t.test('only what is new is read: nothing below the known end', async t => {
  const reads: number[] = []
  const log = new LogBuilder().commits('one', 'two')
  const { reader, applied, file } = readerOf(log, {
    disk: {
      read: (fd, into, at, length, position) => {
        reads.push(position)
        return file.operations.read(fd, into, at, length, position)
      },
    },
  })
  reader.advance()
  const known = log.end
  reads.length = 0
  reader.advance()
  t.same(reads, [], 'nothing has happened: nothing is read')
  file.bytes = log.commits('three').bytes
  reader.advance()
  t.same(applied, ['one', 'two', 'three'])
  t.ok(reads.length > 0 && reads.every(position => position >= known))
})

t.test('of what was read last, the frames that were applied stay at hand, if they are few', async t => {
  const log = new LogBuilder().commits('one', 'two')
  const known = log.end
  const whole = Buffer.from(log.commits('three').bytes)
  const { reader, file } = readerOf(log)
  file.bytes = whole.subarray(0, -1)
  const isAtHand = (from: number, to: number): void => {
    const { recent } = reader
    t.match(recent, { from, to })
    t.same(recent.bytes.subarray(0, to - from), whole.subarray(from, to))
  }
  t.equal(reader.advance(), 'short')
  isAtHand(HEADER_LENGTH, known)
  file.bytes = whole
  t.equal(reader.advance(), 'end')
  isAtHand(known, whole.length)
  file.bytes = log.commits('x'.repeat(1 << 15)).bytes
  t.equal(reader.advance(), 'end')
  t.equal(reader.recent.to, reader.recent.from)
})

t.test('a frame that is cut short at any byte is not there yet, and nothing of it is remembered', async t => {
  const log = new LogBuilder().commits('one', 'two')
  const [, start = 0] = log.ends
  const { reader, applied, file } = readerOf(log)
  for (let length = log.end - start - 1; length > 0; length--) {
    // Never the same bytes twice: what is seen now must not be joined with what was seen before.
    const other = new LogBuilder().commits('one', length % 2 ? 'two' : 'TWO')
    file.bytes = other.bytes.subarray(0, start + length)
    if (reader.advance() !== 'short') t.fail(`${length} bytes of a frame were not called short`)
    if (reader.tail.offset !== start) t.fail(`${length} bytes of a frame moved the tail`)
  }
  file.bytes = new LogBuilder().commits('one', 'another one').bytes
  t.equal(reader.advance(), 'end')
  t.same(applied, ['one', 'another one'])
})

t.test('a large frame, and many small ones, are read in pieces', async t => {
  const large = 'x'.repeat(3 << 20)
  const small = Array.from({ length: 300 }, (_, n) => String(n).padEnd(8000))
  const { reader, applied } = readerOf(new LogBuilder().commits(...small, large, 'last'))
  t.equal(reader.advance(), 'end')
  t.ok(applied.join() === [...small, large, 'last'].join())
})

t.test('reading in steps, of whatever size, reads everything about once', async t => {
  const log = new LogBuilder().commits(...Array.from({ length: 1600 }, (_, n) => String(n).padEnd(2000)))
  for (const step of [1 << 16, 1 << 20, 3 << 19, Infinity]) {
    let bytes = 0
    const { reader, applied, file } = readerOf(log, {
      disk: {
        read: (...args) => {
          const got = file.operations.read(...args)
          bytes += got
          return got
        },
      },
    })
    while (reader.advance(step) === 'budget');
    t.equal(applied.length, 1600)
    t.ok(bytes < log.end * 1.05, `${step}: ${bytes} of ${log.end}`)
  }
})

t.test('reading stops after about the bytes it may read, and goes on from there', async t => {
  const log = new LogBuilder().commits('one', 'two', 'three')
  const { reader, applied } = readerOf(log)
  t.equal(reader.advance(1), 'budget')
  t.same(applied, ['one'])
  t.equal(reader.advance(1), 'budget')
  t.same(applied, ['one', 'two'])
  t.equal(reader.advance(), 'end')
  t.same(applied, ['one', 'two', 'three'])
})

t.test('no byte of the log can change unnoticed', async t => {
  const log = new LogBuilder().commits('one', 'two')
  const unnoticed: number[] = []
  for (let at = HEADER_LENGTH; at < log.end; at++) {
    const { reader, file } = readerOf(log)
    file.bytes = damaged(log, at)
    try {
      reader.advance()
      unnoticed.push(at)
    } catch {
      // refused, as it should be
    }
  }
  t.same(unnoticed, [])
})

t.test('damage is told with its offset and the last good commit', async t => {
  const log = new LogBuilder().commits('one', 'two', 'three')
  const [, , offset = 0] = log.ends
  for (const at of [offset, offset + 20, offset + 72, log.end - 1]) {
    const { reader, file, applied } = readerOf(log)
    file.bytes = damaged(log, at)
    t.throws(
      () => reader.advance(),
      { code: 'CORRUPT_LOG', path: 'app.db', offset, lastGoodTid: 2 },
      `damaged at ${at}`,
    )
    t.same(applied, ['one', 'two'], 'what stands before it is there')
    t.throws(() => reader.advance(), { code: 'CORRUPT_LOG', offset }, 'and it is told again')
  }
})

t.test('zeros at the end are damage, and so is anything else that begins no frame', async t => {
  for (const rest of [Buffer.alloc(4), Buffer.alloc(5000), Buffer.from('hello')]) {
    const { reader, file } = readerOf(new LogBuilder().commits('one'))
    file.bytes = Buffer.concat([file.bytes, rest])
    t.throws(() => reader.advance(), { code: 'CORRUPT_LOG', lastGoodTid: 1 })
  }
})

t.test('wrong bytes are read again before they are called damage: a writer may have cut and written anew', async t => {
  const log = new LogBuilder().commits('one', 'two')
  const [, offset = 0] = log.ends
  for (const at of [offset + 1, offset + 30, offset + 73, log.end - 2]) {
    let served = 0
    const { reader, applied, file } = readerOf(log, {
      disk: {
        read: (fd, into, from, length, position) => {
          const got = file.operations.read(fd, into, from, length, position)
          const place = at - position
          if (served++ === 0 && place >= 0 && place < got) into[from + place] = (into[from + place] ?? 0) ^ 1
          return got
        },
      },
    })
    t.equal(reader.advance(), 'end', `wrong at first: byte ${at}`)
    t.same(applied, ['one', 'two'])
  }
})

t.test('a frame that was short while it was read, and is another one by now, is read anew', async t => {
  const log = new LogBuilder().commits('one', 'two')
  const [, start = 0] = log.ends
  const other = new LogBuilder().commits('one', 'a longer one', 'three')
  let ends = 0
  const { reader, applied, file } = readerOf(log, {
    disk: {
      end: () => {
        if (++ends === 2) file.bytes = other.bytes
        return file.bytes.length
      },
    },
  })
  file.bytes = log.bytes.subarray(0, start + 80)
  t.equal(reader.advance(), 'end')
  t.same(applied, ['one', 'a longer one', 'three'])
})

t.test('a frame that does not follow the one before it is damage', async t => {
  for (const [wrong, why] of [
    [{ previous: 1 }, /follow/],
    [{ tid: 3, time: 99 }, /contradicts/],
    [{ tid: 1, time: 99 }, /contradicts/],
    [{ tid: 2, time: 0 }, /contradicts/],
    [{ tid: 2, time: 99, nextOid: 15 }, /contradicts/],
    [{ kind: 'control', control: 'suspect', tid: 2 }, /contradicts/],
  ] as const) {
    const log = new LogBuilder().commits('one')
    const offset = log.end
    const { reader } = readerOf(log.frame(wrong))
    t.throws(
      () => reader.advance(),
      { code: 'CORRUPT_LOG', message: why, offset, lastGoodTid: 1 },
      JSON.stringify(wrong),
    )
  }
})

t.test('a frame of another place, or of another file, is damage', async t => {
  t.throws(() => readerOf(new LogBuilder().frame({ tid: 1, offset: 5000 })).reader.advance(), { code: 'CORRUPT_LOG' })
  const stranger = new LogBuilder({ uuid: new Uint8Array(16).fill(9) }).commits('one')
  const { reader, file } = readerOf(new LogBuilder())
  file.bytes = Buffer.concat([file.bytes, stranger.bytes.subarray(HEADER_LENGTH)])
  t.throws(() => reader.advance(), { code: 'CORRUPT_LOG', offset: HEADER_LENGTH, lastGoodTid: 0 })
})

const baseLength = 84 + 'packed'.length
const packed = { generation: 2, baseTid: 7, baseTime: 700, nextOid: 40, baseEnd: HEADER_LENGTH + 2 * baseLength }

t.test('a packed state stands before the commits, which go on from it', async t => {
  const log = new LogBuilder(packed).base('packed').base('PACKED').commits('next')
  const { reader, applied } = readerOf(log)
  t.equal(reader.advance(), 'end')
  t.same(applied, ['packed', 'PACKED', 'next'])
  t.match(reader.tail, { tid: 8, nextOid: 40 })
})

t.test('packed state and commits cannot be mixed', async t => {
  for (const log of [
    new LogBuilder().base('packed'),
    new LogBuilder(packed).base('packed').frame({ tid: 8 }, 'PACKED'),
    new LogBuilder(packed).base('packed').frame({ kind: 'control', control: 'suspect' }, 'PACKED'),
    new LogBuilder(packed).base('packed').base('too long'),
    new LogBuilder(packed).base('packed').base('PACKED').base('packed'),
  ]) {
    t.throws(() => readerOf(log).reader.advance(), { code: 'CORRUPT_LOG', message: /mixed/ })
  }
})

t.test('a packed state that is not all there is damage, wherever it ends', async t => {
  const log = new LogBuilder(packed).base('packed').base('PACKED')
  for (let end = HEADER_LENGTH; end < log.end; end++) {
    const { reader, file } = readerOf(log)
    file.bytes = log.bytes.subarray(0, end)
    try {
      reader.advance()
      t.fail(`an end at ${end} went unnoticed`)
    } catch (error) {
      if ((error as { code?: string }).code !== 'CORRUPT_LOG') throw error
    }
  }
})

t.test('advice to read a commit is given only where there is one before the damage', async t => {
  const log = new LogBuilder(packed).base('packed').base('PACKED').commits('next', 'last')
  for (const [at, lastGoodTid] of [
    [log.ends[0], 0],
    [log.ends[1], 0],
    [log.ends[2], 7],
    [log.ends[3], 8],
  ] as const) {
    const { reader, file } = readerOf(log)
    file.bytes = damaged(log, (at ?? 0) + 20)
    const advice = `until: ${lastGoodTid} }`
    const message =
      lastGoodTid === 0 ? /; no commit before it is whole(?!.*until).*perdure recover/ : new RegExp(advice)
    t.throws(() => reader.advance(), { code: 'CORRUPT_LOG', offset: at, lastGoodTid, message })
  }
})

t.test('a superseded frame is not applied while it is the last', async t => {
  const log = new LogBuilder().commits('one').superseded()
  const { reader } = readerOf(log)
  t.equal(reader.advance(), 'superseded')
  t.equal(reader.tail.offset, log.ends[1])
  t.equal(reader.advance(), 'superseded', 'and it is still the last')
})

t.test('a superseded frame that is followed is void', async t => {
  const log = new LogBuilder().commits('one').superseded()
  const { reader, applied, file } = readerOf(log)
  reader.advance()
  file.bytes = log.commits('two').bytes
  t.equal(reader.advance(), 'end')
  t.match(applied, ['one', /uuid/, 'two'])
  t.equal(reader.tail.tid, 2)
})

t.test('a superseded frame that is followed by a torn one is void', async t => {
  const log = new LogBuilder().commits('one').superseded().commits('two')
  const { reader, file } = readerOf(log)
  file.bytes = log.bytes.subarray(0, log.end - 1)
  t.equal(reader.advance(), 'short')
  t.equal(reader.tail.offset, log.ends[2])
})

t.test('a writer that knows that the packer has died moves past its superseded frame', async t => {
  const log = new LogBuilder().commits('one').superseded()
  const { reader } = readerOf(log)
  reader.advance()
  reader.passSuperseded()
  t.equal(reader.tail.offset, log.end)
  t.equal(reader.advance(), 'end')
})

t.test('a damaged superseded frame is damage', async t => {
  const log = new LogBuilder().commits('one').superseded()
  const { reader, file } = readerOf(log)
  file.bytes = damaged(log, log.end - 14)
  t.throws(() => reader.advance(), { code: 'CORRUPT_LOG', offset: log.ends[1] })
})

t.test('reading until a commit ends there, whatever comes later, damage included', async t => {
  const log = new LogBuilder().commits('one', 'two', 'three')
  const { reader, applied, file } = readerOf(log, { until: 2 })
  file.bytes = damaged(log, log.end - 1)
  t.equal(reader.advance(), 'end')
  t.same(applied, ['one', 'two'])
  t.equal(reader.tail.tid, 2)
})

t.test('reading until a commit before the packed state still reads all of that', async t => {
  const { reader, applied } = readerOf(new LogBuilder(packed).base('packed').base('PACKED').commits('next'), {
    until: 3,
  })
  reader.advance()
  t.same(applied, ['packed', 'PACKED'])
})

t.test('a file that has become shorter is another file', async t => {
  const log = new LogBuilder().commits('one', 'two')
  const { reader, file } = readerOf(log)
  reader.advance()
  file.bytes = log.bytes.subarray(0, log.ends[1])
  t.throws(() => reader.advance(), { code: 'STORE_REPLACED', path: 'app.db' })
})

t.test('what a frame says about the disk is noted, if it is more than is known', async t => {
  const log = new LogBuilder().commits('one').frame({ tid: 2, syncedTo: 4180 }).frame({ tid: 3 })
  const { reader } = readerOf(log)
  t.equal(reader.syncedTo, HEADER_LENGTH)
  reader.advance()
  t.equal(reader.syncedTo, 4180)
})
