// Which segments of a damaged log are of it: by the layout alone, without records.
import t from 'tap'
import { findFrames } from '../../lib/log/damage.js'
import { HEADER_LENGTH } from '../../lib/log/file-header.js'
import { beginOfLog, extend } from '../../lib/log/segment.js'
import { Segments } from '../../lib/log/segments.js'
import { LogBuilder } from '../helpers/log-builder.js'
import { MemoryFile } from '../helpers/memory-file.js'

/** Of the segments behind the first damage that are accepted, the commits before and at the end; and the last doubtful commit. */
function chosen(log: LogBuilder, bytes: Buffer): { commits: number[][]; doubtful: number } {
  const file = new MemoryFile(bytes).open()
  const sound = beginOfLog(log.header)
  let segments: Segments | undefined
  for (const found of findFrames(file, HEADER_LENGTH, bytes.length, log.salt)) {
    if (typeof found === 'number') continue
    if (segments === undefined && extend(sound, found, log.header)) continue
    segments ??= new Segments(file, bytes.length, log.header, sound)
    segments.add(found)
  }
  const commits = segments?.choose().map(({ after, tid }) => [after + 1, tid]) ?? []
  return { commits, doubtful: segments?.doubtful ?? 0 }
}

const TEXTS = ['one', 'two', 'three', 'four', 'five', 'six'].map(text => text.padEnd(100))

function flipped(bytes: Buffer, at: number): Buffer {
  const damaged = Buffer.from(bytes)
  damaged[at] = (damaged[at] ?? 0) ^ 1
  return damaged
}

t.test('what stands in its place is of the log, and the broken frames between', async t => {
  const log = new LogBuilder().commits(...TEXTS)
  const [, second = 0, , fourth = 0] = log.ends
  const damaged = flipped(flipped(log.bytes, second + 80), fourth + 80)
  t.same(chosen(log, damaged), {
    commits: [
      [2, 2],
      [3, 3],
      [4, 4],
      [5, 6],
    ],
    doubtful: 0,
  })
})

t.test('what does not is so if it leads to the end of the file, or to what does', async t => {
  const log = new LogBuilder().commits(...TEXTS)
  const [, second = 0, , fourth = 0] = log.ends
  for (const [length, gone] of [
    [100, 0],
    [0, 20],
  ] as const) {
    const moved = Buffer.concat([
      log.bytes.subarray(0, second + 80),
      Buffer.alloc(length),
      log.bytes.subarray(second + 80 + gone),
    ])
    const whole = { commits: [[2, 2], [3, 6]], doubtful: 0 } // prettier-ignore
    t.same(chosen(log, moved), whole)
    const again = flipped(moved, fourth + 80 + length - gone)
    t.same(chosen(log, again).commits, [[2, 2], [3, 3], [4, 4], [5, 6]]) // prettier-ignore
  }
})

t.test('what nothing leads to is not taken, and is doubtful', async t => {
  const log = new LogBuilder().commits(...TEXTS)
  const [, , third = 0, fourth = 0, , sixth = 0] = log.ends
  const damaged = [
    log.bytes.subarray(0, third),
    Buffer.alloc(2000),
    log.bytes.subarray(fourth, sixth),
    Buffer.alloc(200),
  ]
  t.same(chosen(log, Buffer.concat(damaged)), { commits: [], doubtful: 5 })
})
