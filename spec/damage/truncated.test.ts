import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { PerdureError } from '../../lib/error.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { HEADER_LENGTH } from '../../lib/log/file-header.js'
import { Store } from '../../lib/store/store.js'
import { put, record, textOf } from '../helpers/drafts.js'
import { tempDir } from '../helpers/temp-dir.js'
import { makeKnownStore, PATH, readAll, sameContent, withStore, type KnownStore } from './known-store.js'
import { MemoryDisk } from './memory-disk.js'

/** How many whole commits the first `length` bytes hold. */
function wholeCommits({ ends }: KnownStore, length: number): number {
  return ends.findLastIndex(end => end <= length)
}

t.test('a log of 200 commits, truncated at every byte, shows the whole commits before, and is writable', async t => {
  const known = await makeKnownStore(200)
  const wrong: string[] = []
  for (let length = known.ends[1]!; length <= known.bytes.length; length++) {
    const tid = wholeCommits(known, length)
    const disk = MemoryDisk.with({ [PATH]: known.bytes.subarray(0, length) })
    withStore(disk, {}, store => {
      if (store.latest().tid !== tid) wrong.push(`${length} bytes: commit ${store.latest().tid} is seen, not ${tid}`)
      if (!sameContent(known.contents[tid], readAll(store, known)))
        wrong.push(`${length} bytes: the content is another`)
      if (disk.view(PATH).length !== length) wrong.push(`${length} bytes: reading has changed the file`)
      put(store, record(1, 'after'))
      const { offset } = store.latest()
      if (disk.view(PATH).length !== offset) wrong.push(`${length} bytes: the torn commit was not cut off`)
    })
    if (length % 7 === 0) {
      withStore(disk, { readonly: true }, store => {
        if (store.latest().tid !== tid + 1 || textOf(store, 1) !== 'after') wrong.push(`${length} bytes: not written`)
      })
    }
    if (disk.descriptors > 0 || disk.locked.length > 0) wrong.push(`${length} bytes: something was left open or locked`)
  }
  t.same(wrong.slice(0, 10), [])
  t.comment(`${known.bytes.length - known.ends[1]! + 1} lengths`)
})

t.test('a file shorter than its header, or than the commit that made it, is refused', async t => {
  const known = await makeKnownStore(3)
  for (let length = 0; length < known.ends[1]!; length += length < HEADER_LENGTH - 10 ? 37 : 1) {
    for (const readonly of [true, false]) {
      const disk = MemoryDisk.with({ [PATH]: known.bytes.subarray(0, length) })
      const code = length < HEADER_LENGTH ? 'NOT_A_STORE' : 'CORRUPT_LOG'
      t.throws(() => withStore(disk, { readonly }, store => store.latest()), { code }, `${length} bytes`)
      if (disk.bytesOf(PATH).length !== length) t.fail(`${length} bytes: the file was changed`)
      if (disk.descriptors > 0 || disk.locked.length > 0) t.fail(`${length} bytes: something was left open or locked`)
    }
  }
})

t.test('a packed file, truncated at every byte, is whole or refused', async t => {
  const known = await makeKnownStore(30, true)
  for (let length = HEADER_LENGTH; length < known.bytes.length; length++) {
    const disk = MemoryDisk.with({ [PATH]: known.bytes.subarray(0, length) })
    let found: unknown
    try {
      withStore(disk, {}, store => put(store, record(1, 'after')))
    } catch (error) {
      found = error
    }
    if (!(found instanceof PerdureError) || found.code !== 'CORRUPT_LOG') t.fail(`${length} bytes: ${String(found)}`)
    if (disk.bytesOf(PATH).length !== length) t.fail(`${length} bytes: the file was changed`)
  }
  withStore(MemoryDisk.with({ [PATH]: known.bytes }), {}, store => {
    t.ok(sameContent(known.contents[30], readAll(store, known)))
  })
})

t.test('on a real disk, too', async t => {
  const known = await makeKnownStore(200)
  const path = join(tempDir(t), 'app.db')
  for (let length = known.bytes.length; length > known.ends[1]!; length -= 211) {
    writeFileSync(path, known.bytes)
    truncateSync(path, length)
    const tid = wholeCommits(known, length)
    const store = Store.open(systemDisk, path)
    if (store.latest().tid !== tid || !sameContent(known.contents[tid], readAll(store, known)))
      t.fail(`${length} bytes`)
    put(store, record(1, 'after'))
    store.close()
    const again = Store.open(systemDisk, path, { readonly: true })
    if (again.latest().tid !== tid + 1 || textOf(again, 1) !== 'after') t.fail(`${length} bytes: not writable`)
    again.close()
  }
})
