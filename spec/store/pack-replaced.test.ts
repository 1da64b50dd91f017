// Somebody moves, removes or replaces the file while it is packed: the pack fails, and all that stands there then stays as it is.
import {
  closeSync,
  copyFileSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  unlinkSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import { pack } from '../../lib/store/pack.js'
import { put, record, textOf } from '../helpers/drafts.js'
import { newStore, openStore } from '../helpers/new-store.js'
import { tempDir } from '../helpers/temp-dir.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'

/** `other`: another store beside it. `older`: a copy of an earlier state. */
interface Names {
  readonly path: string
  readonly other: string
  readonly older: string
}

const REPLACEMENTS: Readonly<Record<string, (names: Names) => void>> = {
  'another store is put in its place': ({ path, other }) => renameSync(other, path),
  'it is moved away, and another one put in its place': ({ path, other }) => {
    renameSync(path, `${path}.moved`)
    renameSync(other, path)
  },
  'it is moved away': ({ path }) => renameSync(path, `${path}.moved`),
  'it is removed': ({ path }) => unlinkSync(path),
  'a backup is put in its place': ({ path, older }) => renameSync(older, path),
  'a backup is copied over it': ({ path, older }) => copyFileSync(older, path),
}

/** At which operation on the disk, once the new file is being written. `fd`: of what; `packed`: the new file's. */
const MOMENTS: Readonly<Record<string, (name: string, fd: unknown, packed: unknown) => boolean>> = {
  'while it copies': (name, fd, packed) => name === 'write' && fd === packed,
  'when it takes the lock': (name, fd, packed) => name === 'tryLock' && fd !== packed,
  'when it is about to take its place': (name, fd, packed) => name === 'sync' && fd === packed,
}

/** Runs `act` once, at the moment. */
function diskWith(isMoment: (typeof MOMENTS)[string], act: () => void): typeof systemDisk {
  let packed: unknown
  let done = false
  return wrapDisk(systemDisk, (name, _n, go, [one]) => {
    if (name === 'create' && String(one).endsWith('.pack')) return (packed = go())
    if (!done && packed !== undefined && isMoment(name, one, packed)) {
      done = true
      act()
    }
    return go()
  })
}

/** What the names in this directory stand for. */
function contents(directory: string): Record<string, string> {
  const names = readdirSync(directory).filter(name => !name.endsWith('.lock'))
  return Object.fromEntries(names.map(name => [name, readFileSync(join(directory, name), 'latin1')]))
}

function bytesOf(fd: number): Buffer {
  const bytes = Buffer.alloc(fstatSync(fd).size)
  readSync(fd, bytes, 0, bytes.length, 0)
  return bytes
}

async function replaceDuringPack(t: Test, replace: (names: Names) => void, moment: string): Promise<void> {
  let then: Record<string, string> = {}
  const path = join(tempDir(t), 'app.db')
  const names = { path, other: `${path}.other`, older: `${path}.older` }
  let old: Buffer | undefined
  const disk = diskWith(MOMENTS[moment] as (typeof MOMENTS)[string], () => {
    replace(names)
    then = contents(dirname(path))
    for (const name of Object.keys(then)) if (name.endsWith('.pack')) delete then[name]
    old = bytesOf(fd)
  })
  const store = openStore(t, path, disk)
  openStore(t, names.other)
  copyFileSync(path, names.older)
  put(store, record(1, 'newer'))
  const fd = openSync(path, 'r')
  t.teardown(() => closeSync(fd))
  await t.rejects(pack(store), { code: 'STORE_REPLACED' }, moment)
  t.strictSame(contents(dirname(path)), then, 'every file is as it was put there, and the new one is gone')
  t.strictSame(bytesOf(fd), old, 'nor says the old file that it has been packed')
}

for (const [what, replace] of Object.entries(REPLACEMENTS)) {
  t.test(what, async t => {
    for (const moment of Object.keys(MOMENTS)) await replaceDuringPack(t, replace, moment)
  })
}

t.test('it is noticed while the pack copies, long before that is done', async t => {
  let now = 0
  const disk = { ...systemDisk, ticks: () => (now += 20) }
  const store = newStore(t, disk)
  const first = put(store, ...Array.from({ length: 20_000 }, (_, n) => record(-1 - n, 'x')))
  const refs = Array.from({ length: 20_000 }, (_, n) => first + n)
  put(store, record(1, 'root', refs))
  let told = 0
  const onProgress = () => void (++told === 1 && unlinkSync(store.path))
  await t.rejects(pack(store, { onProgress }), { code: 'STORE_REPLACED', message: /removed/ })
  t.ok(told < 10, `it had told ${told} times how far it was`)
})

t.test('a file that is moved away and back again meanwhile is packed', async t => {
  const disk = diskWith(
    (name, fd, packed) => name === 'sync' && fd === packed,
    () => {
      renameSync(path, `${path}.moved`)
      renameSync(`${path}.moved`, path)
    },
  )
  const store = newStore(t, disk)
  const { path } = store
  put(store, record(1, 'x'))
  await pack(store)
  t.equal(textOf(store, 1), 'x')
  t.equal(store.current.number, 2)
})
