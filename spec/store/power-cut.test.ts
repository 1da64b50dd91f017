import { appendFileSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import type { Disk } from '../../lib/file/disk.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { recover } from '../../lib/store/recover.js'
import { Store } from '../../lib/store/store.js'
import { verify } from '../../lib/store/verify.js'
import { initialDraft, put, record, textOf } from '../helpers/drafts.js'
import { tempDir } from '../helpers/temp-dir.js'

/** The same disk in another boot of the machine; nothing is synced in the background. */
function bootOf(boot: number, warnings: string[] = []): Disk {
  return {
    ...systemDisk,
    boot,
    warn: message => void warnings.push(message),
    after: () => ({ cancel: () => undefined }),
  }
}

/** Commits texts 1 to 5 to the root in boot 1, the first `durable` of them on disk; returns where each frame begins. */
function makeStore(t: Test, durable: number): { path: string; starts: number[] } {
  const path = join(tempDir(t), 'app.db')
  const store = Store.open({ ...bootOf(1), sync: () => undefined }, path, {}, initialDraft)
  const starts: number[] = []
  for (let n = 1; n <= 5; n++) {
    starts.push(store.latest().offset)
    put(store, record(1, `text ${n}`))
    if (n === durable) store.makeDurable(store.latest())
  }
  starts.push(store.latest().offset)
  store.close()
  return { path, starts }
}

function damage(path: string, offset: number, bytes: number): void {
  const content = readFileSync(path)
  content.fill(0, offset, offset + bytes)
  writeFileSync(path, content)
}

function siblings(path: string): string[] {
  return readdirSync(dirname(path)).filter(name => name.startsWith(`${basename(path)}.torn`))
}

t.test('damage that a power cut can have done ends the log for readers, and the next writer cuts it', t => {
  const { path, starts } = makeStore(t, 3)
  const [, , , fourth = 0, fifth = 0] = starts
  damage(path, fourth + 20, 40)
  const warnings: string[] = []
  const reader = Store.open(bootOf(2), path, { readonly: true })
  t.equal(textOf(reader, 1), 'text 3')
  t.match(reader.latest(), { tid: 4, offset: fourth })
  const found: string[] = []
  t.match(
    verify(bootOf(2), path, ({ kind }) => found.push(kind)),
    { damage: 0 },
  )
  t.strictSame(found, ['tail'])
  const rest = readFileSync(path).subarray(fourth)
  const writer = Store.open(bootOf(2, warnings), path)
  t.equal(textOf(writer, 1), 'text 3')
  put(writer, record(1, 'and on'))
  t.match(warnings, [/power cut.*commit 4/])
  const [saved = ''] = siblings(path)
  t.ok(readFileSync(join(dirname(path), saved)).equals(rest), 'what was cut off is saved')
  t.ok(fifth > fourth)
  t.equal(textOf(reader, 1), 'and on', 'the reader goes on with what the writer wrote')
  t.equal(verify(systemDisk, path, finding => t.fail(finding.message)).damage, 0)
  reader.close()
  writer.close()
  t.end()
})

t.test('zeros at the end are the mark of a power cut', t => {
  const { path, starts } = makeStore(t, 5)
  appendFileSync(path, new Uint8Array(5000))
  const store = Store.open(bootOf(2), path)
  t.equal(store.latest().offset, starts[5])
  put(store, record(1, 'and on'))
  t.equal(textOf(store, 1), 'and on')
  store.close()
  t.end()
})

t.test('in the boot that wrote it, the same damage is none of a power cut', t => {
  const { path, starts } = makeStore(t, 3)
  damage(path, (starts[3] ?? 0) + 20, 40)
  t.throws(() => Store.open(bootOf(1), path), {
    code: 'CORRUPT_LOG',
    offset: starts[3],
    lastGoodTid: 4,
    nextGoodOffset: starts[4],
  })
  t.throws(() => Store.open(bootOf(0), path), { code: 'CORRUPT_LOG' }, 'nor where the boot is unknown')
  t.strictSame(siblings(path), [])
  t.end()
})

t.test('below a proof that it was on disk, it is damage', t => {
  const { path, starts } = makeStore(t, 4)
  damage(path, (starts[3] ?? 0) + 20, 40)
  t.throws(
    () => Store.open(bootOf(2), path),
    { code: 'CORRUPT_LOG', offset: starts[3] },
    'the fifth commit says that the fourth was on disk',
  )
  t.end()
})

t.test('with a frame of this boot behind it, it is damage', t => {
  const { path, starts } = makeStore(t, 2)
  const other = Store.open(bootOf(2), path)
  put(other, record(1, 'of this boot'))
  other.close()
  damage(path, (starts[3] ?? 0) + 20, 40)
  t.throws(() => Store.open(bootOf(2), path), { code: 'CORRUPT_LOG', offset: starts[3] })
  t.end()
})

t.test('with a frame of this boot before it, it is damage', t => {
  const { path } = makeStore(t, 5)
  const other = Store.open(bootOf(2), path)
  put(other, record(1, 'of this boot'))
  other.close()
  appendFileSync(path, new Uint8Array(100))
  t.throws(() => Store.open(bootOf(2), path), { code: 'CORRUPT_LOG' })
  t.end()
})

t.test('the first commit was on disk before the store had its name: damage there is damage', t => {
  const { path, starts } = makeStore(t, 0)
  damage(path, 4096 + 20, 40)
  t.throws(() => Store.open(bootOf(2), path), {
    code: 'CORRUPT_LOG',
    offset: 4096,
    lastGoodTid: 0,
    nextGoodOffset: starts[0],
  })
  t.end()
})

t.test('a short frame of an earlier boot is cut like any other', t => {
  const { path, starts } = makeStore(t, 4)
  truncateSync(path, (starts[4] ?? 0) + 80)
  const store = Store.open(bootOf(2), path)
  t.equal(textOf(store, 1), 'text 4')
  put(store, record(1, 'and on'))
  t.equal(textOf(store, 1), 'and on')
  t.strictSame(siblings(path), [], 'it never was a commit')
  store.close()
  t.end()
})

/** A store whose end a power cut has damaged, and what stands there. */
function makeTorn(t: Test): { path: string; rest: Buffer } {
  const { path, starts } = makeStore(t, 3)
  const [, , , fourth = 0] = starts
  damage(path, fourth + 20, 40)
  return { path, rest: readFileSync(path).subarray(fourth) }
}

function fail(code: string): never {
  throw Object.assign(new Error(`${code}: it cannot be done`), { code })
}

/** Commits a text to the root, which must fail `attempts` times, and then not. */
function commitAtLast(t: Test, path: string, attempts: number, failing: Partial<Disk>): void {
  const store = Store.open({ ...bootOf(2), ...failing }, path)
  for (let n = 0; n < attempts; n++) t.throws(() => put(store, record(1, 'and on')))
  store.close()
  const { length } = siblings(path)
  const writer = Store.open(bootOf(2), path)
  put(writer, record(1, 'and on'))
  t.equal(textOf(writer, 1), 'and on')
  writer.close()
  t.ok(length <= 1, `${length} copies after ${attempts} attempts`)
}

t.test('a copy of the end that could not be finished is removed: the disk may be full', t => {
  const { path, rest } = makeTorn(t)
  let n = 0
  commitAtLast(t, path, 3, {
    write: (fd, from, at, length, position) =>
      n++ % 2 === 0 ? systemDisk.write(fd, from, at, Math.min(length, 10), position) : fail('ENOSPC'),
  })
  commitAtLast(t, makeTorn(t).path, 3, { sync: () => fail('EIO') })
  const [saved = '', ...others] = siblings(path)
  t.same(others, [])
  t.ok(readFileSync(join(dirname(path), saved)).equals(rest))
  t.end()
})

t.test('where it could not be cut off, the copy of the end is used by whoever comes next', t => {
  const { path, rest } = makeTorn(t)
  commitAtLast(t, path, 3, { truncate: () => fail('EIO') })
  const [saved = '', ...others] = siblings(path)
  t.same(others, [])
  t.ok(readFileSync(join(dirname(path), saved)).equals(rest))
  t.end()
})

t.test('a copy of another end is not taken for it', t => {
  const { path, rest } = makeTorn(t)
  const offset = readFileSync(path).length - rest.length
  const other = Buffer.from(rest)
  other[50] = 1
  writeFileSync(`${path}.torn-${offset}-00000000`, other)
  writeFileSync(`${path}.torn-${offset}-00000001`, rest.subarray(1))
  writeFileSync(`${path}.torn-${offset}-backup`, rest)
  const writer = Store.open(bootOf(2), path)
  put(writer, record(1, 'and on'))
  writer.close()
  t.equal(siblings(path).length, 4)
  t.equal(siblings(path).filter(name => readFileSync(join(dirname(path), name)).equals(rest)).length, 2)
  t.end()
})

/** What a salvage finds, and the text of the root then. */
function salvaged(t: Test, path: string, boot: number) {
  const to = join(tempDir(t), 'saved.db')
  const { skipped, torn, missingCommits, lastTid } = recover(bootOf(boot), path, to)
  const store = Store.open(systemDisk, to)
  const text = textOf(store, 1)
  store.close()
  return { skipped: skipped.length, torn, missingCommits, lastTid, text }
}

t.test('a salvage leaves out what a power cut has damaged, as a reader does: half of a commit never was a state', t => {
  const { path, starts } = makeStore(t, 3)
  const [, , , fourth = 0, fifth = 0, end = 0] = starts
  damage(path, fifth - 12, 12)
  const torn = { offset: fourth, bytes: end - fourth }
  t.same(salvaged(t, path, 2), { skipped: 0, torn, missingCommits: [], lastTid: 4, text: 'text 3' })
  const missingCommits = [{ from: 5, to: 5 }]
  t.same(salvaged(t, path, 1), { skipped: 1, torn: undefined, missingCommits, lastTid: 6, text: 'text 5' })
  damage(path, fourth, 72)
  t.match(salvaged(t, path, 2), { torn, text: 'text 3' }, 'whether or not its header is sound')
  t.end()
})

t.test('so it does behind other damage, and with a damaged file header', t => {
  const { path, starts } = makeStore(t, 3)
  const [, , third = 0, , fifth = 0, end = 0] = starts
  damage(path, third - 12, 12)
  damage(path, end - 12, 12)
  const torn = { offset: fifth, bytes: end - fifth }
  const missingCommits = [{ from: 3, to: 3 }]
  t.same(salvaged(t, path, 2), { skipped: 1, torn, missingCommits, lastTid: 5, text: 'text 4' })
  damage(path, 0, 100)
  t.same(salvaged(t, path, 2), { skipped: 2, torn, missingCommits, lastTid: 5, text: 'text 4' })
  t.end()
})

t.test('what is proved to have been on disk is damaged to a salvage, too, and so is what this boot has written', t => {
  const { path, starts } = makeStore(t, 4)
  const [, , , , fifth = 0] = starts
  const other = Store.open(bootOf(2), path)
  put(other, record(1, 'of this boot'))
  other.close()
  damage(path, fifth - 12, 12)
  t.match(salvaged(t, path, 3), { skipped: 1, torn: undefined, missingCommits: [{ from: 5, to: 5 }], lastTid: 7 })
  damage(path, fifth + 20, 10)
  t.match(salvaged(t, path, 2), { skipped: 1, torn: undefined, text: 'of this boot' })
  t.end()
})
