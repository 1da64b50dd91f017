import t from 'tap'
import { MemoryFile } from '../helpers/memory-file.js'

t.test('a read is filled, by as many system calls as it takes', async t => {
  const memory = new MemoryFile(Buffer.from('0123456789'))
  const file = memory.open({
    read: (fd, into, at, length, position) => memory.operations.read(fd, into, at, Math.min(3, length), position),
  })
  const into = Buffer.alloc(8)
  t.equal(file.read(into, 1), 8)
  t.equal(into.toString(), '12345678')
})

t.test('a read at the end of the file tells how much there was', async t => {
  const file = new MemoryFile(Buffer.from('0123456789')).open()
  t.equal(file.read(new Uint8Array(8), 7), 3)
  t.equal(file.read(new Uint8Array(8), 10), 0)
})

t.test('what stands between two places is as much as there is of it', async t => {
  const file = new MemoryFile(Buffer.from('0123456789')).open()
  t.equal(Buffer.from(file.between(2, 5)).toString(), '234')
  t.equal(Buffer.from(file.between(8, 12)).toString(), '89')
  t.equal(file.between(12, 14).length, 0)
})

t.test('a write is continued until all is taken, at the end or in its place', async t => {
  const memory = new MemoryFile(Buffer.from('0123456789'))
  const file = memory.open({
    write: (fd, from, at, length, position) => memory.operations.write(fd, from, at, Math.min(2, length), position),
  })
  file.write(Buffer.from('abcde'), null)
  file.write(Buffer.from('xyz'), 1)
  t.equal(memory.bytes.toString(), '0xyz456789abcde')
})

t.test('a closed file is not used again: its descriptor may be another file’s', async t => {
  const closed: number[] = []
  const file = new MemoryFile().open({ close: fd => void closed.push(fd) })
  file.close()
  file.close()
  t.same(closed, [0], 'it is closed once')
  for (const use of [() => file.fd, () => file.end(), () => file.status(), () => file.read(new Uint8Array(1), 0)]) {
    t.throws(use, { code: 'CLOSED' })
  }
  t.throws(() => file.write(new Uint8Array(1), null), { code: 'CLOSED' })
})
