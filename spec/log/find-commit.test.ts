import t from 'tap'
import { HEADER_LENGTH } from '../../lib/log/file-header.js'
import { findCommit } from '../../lib/log/find-commit.js'
import { LogReader } from '../../lib/log/log-reader.js'
import type { Tail } from '../../lib/log/tail.js'
import { LogBuilder } from '../helpers/log-builder.js'
import { MemoryFile } from '../helpers/memory-file.js'

const BEGIN = { tid: 0, offset: HEADER_LENGTH }

/** The tail behind each commit, as who reads the log forwards knows it. */
function tailsOf(log: LogBuilder): Tail[] {
  const file = new MemoryFile(log.bytes).open()
  return log.ends.slice(1).flatMap((_, n) => {
    const reader = new LogReader(file, 'app.db', log.header, () => undefined, n + 1)
    reader.advance()
    return reader.tail.tid === n + 1 ? [reader.tail] : []
  })
}

function lastTail(log: LogBuilder): Tail {
  const reader = new LogReader(new MemoryFile(log.bytes).open(), 'app.db', log.header, () => undefined)
  reader.advance()
  return reader.tail
}

/** What is found of commit `tid`, how many reads that took, and of how many bytes. */
function find(
  log: LogBuilder,
  tid: number,
  bytes = log.bytes,
): { found: Tail | undefined; reads: number; read: number } {
  const memory = new MemoryFile(bytes)
  let reads = 0
  let read = 0
  const file = memory.open({
    read: (...args) => {
      reads++
      read += args[3]
      return memory.operations.read(...args)
    },
  })
  return { found: findCommit(file, log.salt, BEGIN, lastTail(log), tid), reads, read }
}

function flipped(log: LogBuilder, ...offsets: number[]): Buffer {
  const bytes = Buffer.from(log.bytes)
  for (const at of offsets) bytes[at] = (bytes[at] ?? 0) ^ 1
  return bytes
}

/** Commits of all sizes, between them control frames that nobody heeds. */
function mixed(): LogBuilder {
  const log = new LogBuilder()
  for (let n = 0; n < 60; n++) {
    log.commits('x'.repeat([0, 10, 300, 5000, 100_000][n % 5] ?? 0))
    if (n % 7 === 0) log.frame({ kind: 'control', control: 'suspect' })
  }
  return log
}

t.test('each commit is found, as who reads all knows it, and none that is not there', async t => {
  const log = mixed()
  const tails = tailsOf(log)
  t.equal(tails.length, 60)
  for (const tail of tails) t.same(find(log, tail.tid).found, tail)
  for (const tid of [0, 61]) t.equal(find(log, tid).found, undefined)
})

t.test('of the last commits of many, a few reads find any, and as many of the first', async t => {
  const log = new LogBuilder().commits(...Array.from({ length: 1000 }, () => 'x'.repeat(100)))
  for (const tid of [1000, 999, 990, 10, 2, 1]) {
    const { found, reads, read } = find(log, tid)
    t.equal(found?.tid, tid)
    t.ok(reads <= 6, `${reads} reads for commit ${tid}`)
    t.ok(read < 6000, `${read} bytes for commit ${tid}`)
  }
  t.ok(find(log, 500).reads < 20)
})

t.test('of large commits hardly more is read than the one that is asked for', async t => {
  const log = new LogBuilder().commits(...Array.from({ length: 20 }, () => 'x'.repeat(50_000)))
  for (const tid of [5, 16]) t.ok(find(log, tid).read < 50_084 + 5000)
})

t.test(
  'what is damaged on one side of a commit near the end is in the way only where it is on the other, too',
  async t => {
    const log = new LogBuilder().commits('one', 'two', 'three', 'four', 'five', 'six')
    const fourth = tailsOf(log)[3]
    const [before, own, behind] = [1, 3, 4].map(n => log.ends[n] ?? 0)
    for (const at of [20, 68, 73]) t.same(find(log, 4, flipped(log, before! + at)).found, fourth)
    for (const at of [20, 68, 80, 83]) t.same(find(log, 4, flipped(log, behind! + at)).found, fourth)
    t.equal(find(log, 4, flipped(log, before! + 20, behind! + 20)).found, undefined)
    for (const at of [20, 73, 80]) t.equal(find(log, 4, flipped(log, own! + at)).found, undefined)
  },
)

t.test('nothing is found from a frame that the file does not end with', async t => {
  const log = new LogBuilder().commits('one', 'two', 'three', 'four')
  const other = new LogBuilder().commits('one', 'two', 'three', 'FOUR')
  t.equal(other.end, log.end)
  const file = new MemoryFile(flipped(log, HEADER_LENGTH + 20)).open()
  t.equal(findCommit(file, log.salt, BEGIN, lastTail(log), 3)?.tid, 3)
  t.equal(findCommit(file, log.salt, BEGIN, lastTail(other), 3), undefined)
})
