import t from 'tap'
import type { Disk } from '../../lib/file/disk.js'
import { LogWriter } from '../../lib/log/log-writer.js'
import { MemoryFile } from '../helpers/memory-file.js'

const before = Buffer.from('what was there|')
const frame = Buffer.from('a frame')

/** A writer whose disk has some operations of the test's own, made from the file's. */
function writerOn(own: (file: MemoryFile) => Partial<Disk> = () => ({})) {
  const file = new MemoryFile(before)
  return { file, writer: new LogWriter(file.open(own(file)), 'app.db') }
}

const fault = (code: string): Error => Object.assign(new Error(`${code}: as the test wants`), { code })

/** Takes `most` bytes at a time and fails after `room` bytes. */
const filling =
  (room: number, most = 3) =>
  (file: MemoryFile) => ({
    write: ((fd, from, at, length, position) => {
      if (room === 0) throw fault('ENOSPC')
      const taken = Math.min(length, most, room)
      room -= taken
      return file.operations.write(fd, from, at, taken, position)
    }) satisfies Disk['write'],
  })

t.test('a frame is appended by one write', async t => {
  const { file, writer } = writerOn()
  writer.append(frame, before.length)
  t.equal(file.bytes.toString(), 'what was there|a frame')
  t.same(file.changes, ['write'])
})

t.test('a short write is continued', async t => {
  const { file, writer } = writerOn(filling(Infinity))
  writer.append(frame, before.length)
  t.equal(file.bytes.toString(), 'what was there|a frame')
  t.same(file.changes, ['write', 'write', 'write'])
})

t.test('a disk that is full or fails midway: the file is as before, and the error says why', async t => {
  for (let room = 0; room < frame.length; room++) {
    const { file, writer } = writerOn(filling(room))
    const expected = { code: 'COMMIT_FAILED', message: /ENOSPC.*Nothing was committed/, cause: { code: 'ENOSPC' } }
    t.throws(() => writer.append(frame, before.length), expected, `${room} bytes of room`)
    t.equal(file.bytes.toString(), 'what was there|')
  }
})

t.test('what was cut off is off the disk before anything can be appended behind it', async t => {
  const { file, writer } = writerOn(filling(4))
  t.throws(() => writer.append(frame, before.length))
  t.same(file.changes.slice(-2), ['truncate', 'sync'])
  writer.cut(5)
  t.same(file.changes.slice(-2), ['truncate', 'sync'])
})

t.test(
  'a frame that the disk has taken, said that it has not, and keeps, is appended, and nothing behind it',
  async t => {
    const { file, writer } = writerOn(file => ({
      write: ((...call) => {
        file.operations.write(...call)
        throw fault('EIO')
      }) satisfies Disk['write'],
      truncate: () => {
        throw fault('EIO')
      },
    }))
    writer.append(frame, before.length)
    t.equal(file.bytes.toString(), 'what was there|a frame')
    t.match(writer.failedSync, { code: 'EIO' })
    t.throws(() => writer.append(frame, file.bytes.length), { code: 'COMMIT_FAILED' })
  },
)

t.test('a write that took nothing needs no cut', async t => {
  const { file, writer } = writerOn(filling(0))
  t.throws(() => writer.append(frame, before.length))
  t.same(file.changes, [])
})

t.test('when there is room again, the next append succeeds', async t => {
  let full = true
  const { file, writer } = writerOn(file => ({
    write: (...args) => {
      if (full) throw fault('EIO')
      return file.operations.write(...args)
    },
  }))
  t.throws(() => writer.append(frame, before.length), { code: 'COMMIT_FAILED' })
  full = false
  writer.append(frame, before.length)
  t.equal(file.bytes.toString(), 'what was there|a frame')
})

t.test(
  'a cut that is refused too leaves a torn frame for the next writer, and the commit has failed all the same',
  async t => {
    const { file, writer } = writerOn(file => ({
      ...filling(4)(file),
      truncate: () => {
        throw fault('EIO')
      },
    }))
    t.throws(() => writer.append(frame, before.length), { code: 'COMMIT_FAILED', cause: { code: 'ENOSPC' } })
    t.equal(file.bytes.toString(), 'what was there|a fr')
  },
)

t.test('after a cut that the disk did not confirm, nothing is ever appended again', async t => {
  let fails = true
  const { file, writer } = writerOn(() => ({
    sync: () => {
      if (fails) throw fault('EIO')
    },
  }))
  t.throws(() => writer.cut(5), { code: 'COMMIT_FAILED', cause: { code: 'EIO' } })
  t.match(writer.failedSync, { code: 'EIO' })
  fails = false
  t.throws(
    () => writer.append(frame, 5),
    { code: 'COMMIT_FAILED', cause: { code: 'EIO' } },
    'a sync is not tried a second time',
  )
  t.notOk(file.changes.includes('write'))
})

t.test('a disk that takes no bytes and gives no error does not hang the process', async t => {
  const { writer } = writerOn(() => ({ write: () => 0 }))
  t.throws(() => writer.append(frame, before.length), { code: 'COMMIT_FAILED' })
})
