import { appendFileSync, readFileSync, statSync, truncateSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import { Store } from '../../lib/store/store.js'
import { put, record, textOf } from '../helpers/drafts.js'
import { newStore, stranger } from '../helpers/new-store.js'

t.test(
  'whatever part of a frame a killed process leaves, readers stop before it and the next writer cuts it off',
  async t => {
    const store = newStore(t)
    const before = readFileSync(store.path)
    put(store, record(1, 'torn'))
    const frame = readFileSync(store.path).subarray(before.length)
    store.close()
    for (let length = 1; length < frame.length; length++) {
      truncateSync(store.path, before.length)
      appendFileSync(store.path, frame.subarray(0, length))
      const reader = Store.open({ ...systemDisk }, store.path, { readonly: true })
      const writer = Store.open({ ...systemDisk }, store.path)
      const seen = [textOf(reader, 1), textOf(writer, 1), statSync(store.path).size - before.length]
      put(writer, record(1, 'whole'))
      seen.push(textOf(reader, 1), textOf(writer, 1), statSync(store.path).size - before.length)
      reader.close()
      writer.close()
      const expected = ['root', 'root', length, 'whole', 'whole', frame.length + 1]
      if (!isDeepStrictEqual(seen, expected)) t.same(seen, expected, `${length} bytes`)
    }
    t.ok(frame.length > 84, `${frame.length - 1} lengths`)
  },
)

t.test('a torn tail is not cut by a process whose own last commit is not in the file any more', async t => {
  const store = newStore(t)
  const other = stranger(t, store)
  put(store, record(1, 'mine'))
  const { offset } = store.latest()
  truncateSync(store.path, other.current.snapshot().offset)
  put(other, record(1, 'ours'))
  appendFileSync(store.path, 'PFRM')
  t.equal(statSync(store.path).size, offset + 4)
  t.throws(() => put(store, record(1, 'x')), { code: 'STORE_REPLACED' })
  t.equal(statSync(store.path).size, offset + 4, 'nothing was cut')
  put(stranger(t, store), record(1, 'y'))
})

t.test(
  'a part of a commit that failed, and could not be cut off, is cut off before the next one under the same lock',
  t => {
    const full = Object.assign(new Error('ENOSPC: as the test wants'), { code: 'ENOSPC' })
    let writes = Infinity
    const store = newStore(t, {
      ...systemDisk,
      write(fd, from, at, length, position) {
        if (++writes === 2) throw full
        return systemDisk.write(fd, from, at, writes === 1 ? length >> 1 : length, position)
      },
      truncate(fd, size) {
        if (writes === 2) throw full
        systemDisk.truncate(fd, size)
      },
    })
    store.underLock(() => {
      const { offset } = store.latest()
      writes = 0
      t.throws(() => put(store, record(1, 'torn')), { code: 'COMMIT_FAILED' })
      t.ok(statSync(store.path).size > offset, 'a part of it is there')
      writes = Infinity
      put(store, record(1, 'whole'))
    })
    t.equal(textOf(stranger(t, store), 1), 'whole')
    t.end()
  },
)
