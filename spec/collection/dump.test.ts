// A store as text and back: nothing is different then, and no text makes a store that is not sound.
import { Readable } from 'node:stream'
import { inspect } from 'node:util'
import t from 'tap'
import { dump, type DumpProgress } from '../../lib/collection/dump.js'
import { loadDump, type LoadProgress } from '../../lib/collection/load-dump.js'
import { BadDumpError } from '../../lib/error.js'
import {
  Persistent,
  PersistentCounter,
  PersistentList,
  PersistentMap,
  PersistentQueue,
  PersistentSet,
} from '../../lib/index.js'
import type { Connection } from '../../lib/object/connection.js'
import { openWith } from '../../lib/object/open.js'
import { recover } from '../../lib/store/recover.js'
import { Store } from '../../lib/store/store.js'
import { MemoryDisk } from '../damage/memory-disk.js'
import { random, seeded } from '../helpers/seeded.js'
import { COPY, dumped, isSound, load, PATH, records, textOf } from './dumps.js'

class Account extends Persistent {
  static type = 'Account'
  static version = 3
  owner = ''
  friend: Account | null = null
  any: unknown = null
}

class Bank extends Persistent {
  static type = 'Bank'
  accounts = new PersistentMap<string | number, Account>()
  notes = new PersistentMap<(bigint | Date | string)[], unknown>()
  list = new PersistentList<unknown>()
  names = new PersistentSet<string>()
  queue = new PersistentQueue<unknown>()
  count = new PersistentCounter()
  any: unknown = null
}

const openBank = (disk: MemoryDisk, path = PATH) =>
  openWith(disk, path, { root: Bank, classes: [Account] }) as Connection<Bank>

/** Of every kind of value and collection, with an object that nothing refers to any more. */
function bank(disk: MemoryDisk): void {
  const db = openBank(disk)
  db.transact(bank => {
    for (let n = 0; n < 300; n++) {
      const account = new Account()
      account.owner = `the owner of account ${n}`
      bank.accounts.set(n, account)
      bank.list.push({ n, account: n % 7 === 0 ? account : null })
      bank.names.add(`name ${n} ${'-'.repeat(20)}`)
      bank.queue.push([n])
    }
    bank.notes.set([1n, new Date(5), 'x'], 'a tuple')
    bank.count.add(7)
  })
  db.transact(bank => {
    const [first, second] = [bank.accounts.get(0), bank.accounts.get(1)] as [Account, Account]
    first.friend = second
    second.friend = first
    bank.accounts.delete(9)
    const bare = Object.assign(Object.create(null) as object, { z: 1, friend: second })
    bank.any = {
      nothing: undefined,
      numbers: [0, -0, NaN, Infinity, -Infinity, 1.5e300, 2 ** 53, -7],
      big: [0n, -12345678901234567890123n],
      dates: [new Date(0), new Date(-8.64e15), new Date(8.64e15), new Date(NaN)],
      bytes: [new Uint8Array([1, 2]), Buffer.from('hi'), new Float64Array([1.5]), new BigInt64Array([-1n])],
      texts: ['\ud800x', '\ufeffx', '\u2028', '\0', 'é😀', ''],
      keys: { $ref: 5, ['__proto__']: 1, 10: 'ten', 2: 'two' },
      forms: [{ $ref: 1 }, { $object: [] }, { '': 1 }, { '\ud800': 1 }, {}, []],
      bare,
      deep: Array.from({ length: 250 }).reduce<unknown>(inner => [inner], 'in the middle'),
    }
  })
  db.close()
}

t.test('what was dumped and loaded is the same, to the byte of each state', async t => {
  const disk = new MemoryDisk()
  bank(disk)
  const db = openBank(disk)
  await db.pack() // what cannot be reached is not dumped
  const { any } = db.root
  const lines = await dumped(disk)
  t.same(await load(disk, textOf(lines)), { records: lines.length - 2, lost: 0, damaged: [], tid: 3 })
  t.same(records(disk, COPY), records(disk, PATH))
  t.same(await dumped(disk, COPY), lines)
  isSound(t, disk)
  const copy = openBank(disk, COPY)
  t.equal(inspect(copy.root.any, { depth: 4 }), inspect(any, { depth: 4 }))
  t.equal(copy.root.accounts.get(0)?.friend?.friend, copy.root.accounts.get(0))
  t.notSame(disk.view(COPY).subarray(24, 40), disk.view(PATH).subarray(24, 40), 'it is another store')
  // The copy is an ordinary store.
  copy.transact(bank => bank.accounts.set('new', new Account()))
  await copy.pack()
  t.equal(copy.root.accounts.size, 300)
  copy.close()
  db.close()
  isSound(t, disk)
})

t.test('it holds what can be reached, and tells that it does', async t => {
  const disk = new MemoryDisk()
  bank(disk)
  const lines = (await dumped(disk)).map(line => JSON.parse(line) as Record<string, unknown>)
  t.match(lines[0], { perdure: 'dump', version: 1, tid: 3 })
  t.same(lines.at(-1), { end: true, records: lines.length - 2 })
  const owners = lines.flatMap(line => (line.fields as { owner?: string } | undefined)?.owner ?? [])
  t.equal(owners.length, 299)
  t.notOk(owners.includes('the owner of account 9'), 'it was deleted')
})

t.test('lines may come in pieces of any size, and the last one without its end', async t => {
  const disk = new MemoryDisk()
  bank(disk)
  const lines = await dumped(disk)
  for (const [n, size] of [1, 7, 1 << 20].entries()) {
    await load(disk, textOf(lines).trimEnd(), size, `/copy ${n}`)
    t.same(await dumped(disk, `/copy ${n}`), lines)
  }
})

t.test('ids of transactions go with it, and objects that were lost', async t => {
  const disk = new MemoryDisk()
  bank(disk)
  const db = openBank(disk)
  db.transact(bank => bank.count.add(1), { id: 'once' })
  db.close()
  // The only version of one account is damaged, to which another refers.
  const bytes = disk.bytesOf(PATH)
  bytes.write('XXX', bytes.indexOf('the owner of account 2'))
  const damaged = MemoryDisk.with({ [PATH]: bytes })
  const { lost } = recover(damaged, PATH, '/saved.db')
  t.equal(lost.length, 1)
  const lines = await dumped(damaged, '/saved.db')
  await load(damaged, textOf(lines))
  t.same(await dumped(damaged, COPY), lines)
  const copy = openBank(damaged, COPY)
  t.throws(() => copy.root.accounts.get(2)?.owner, { code: 'GONE' })
  const { value } = copy.root.count
  copy.transact(bank => bank.count.add(1), { id: 'once' })
  t.equal(copy.root.count.value, value, 'it has been done')
  copy.close()
})

t.test('of a store of which parts are lost, everything else is dumped and loaded', async t => {
  const disk = new MemoryDisk()
  bank(disk)
  const bytes = disk.bytesOf(PATH)
  // A leaf of the list, and the shape of accounts.
  bytes[bytes.indexOf(Buffer.from([0x82, 0xa1, 0x6e, 0xcd, 0x01, 0x01]))] = 0xff
  bytes.write('X', bytes.indexOf('Account'))
  const damaged = MemoryDisk.with({ [PATH]: bytes })
  recover(damaged, PATH, '/saved.db')
  const lines = await dumped(damaged, '/saved.db')
  const report = await load(damaged, textOf(lines))
  t.ok(report.lost > 290, 'accounts cannot be read without their shape')
  t.match(report.damaged, [/PersistentList 18/])
  t.same(await dumped(damaged, COPY), lines)
  const copy = openBank(damaged, COPY)
  t.equal(copy.root.count.value, 7)
  t.ok(copy.root.names.has(`name 0 ${'-'.repeat(20)}`))
  t.throws(() => copy.root.accounts.get(0)?.owner, { code: 'GONE' })
  copy.close()
})

t.test('what a salvage has made of nothing but a header is dumped and loaded', async t => {
  const disk = new MemoryDisk()
  bank(disk)
  const damaged = MemoryDisk.with({ [PATH]: disk.bytesOf(PATH).fill(0, 4096) })
  t.match(recover(damaged, PATH, '/saved.db'), { saved: 0, rootLost: true })
  const lines = await dumped(damaged, '/saved.db')
  t.match(await load(damaged, textOf(lines)), { records: 1, lost: 1, tid: 1 })
  t.same(await dumped(damaged, COPY), lines)
})

t.test('a dump that was cut off anywhere makes no store', async t => {
  const disk = new MemoryDisk()
  bank(disk)
  const text = Buffer.from(textOf(await dumped(disk)))
  const draw = random(5)
  const cuts = [0, 1, text.length - 2, text.lastIndexOf('\n', text.length - 2) + 1]
  for (let n = 0; n < 200; n++) cuts.push(draw.int(text.length - 2))
  for (const cut of cuts) await t.rejects(load(disk, text.subarray(0, cut)), { code: 'BAD_DUMP' }, `${cut} bytes`)
  t.same(disk.names, [PATH, `${PATH}.lock`], 'nothing is left of them')
})

const cases: [what: string, edit: (lines: Line[]) => unknown, message: RegExp][] = [
  ['another version', ([head]) => (head!.version = 2), /version 2/],
  ['a version that is an object', ([head]) => (head!.version = { toString: 1 } as never), /version an object/],
  ['a number that is an array', lines => (account(lines).oid = deep(1000) as never), /oid must be .* not an array/],
  ['a count that is an object', lines => (lines.at(-1)!.records = { valueOf: 1 } as never), /an object records/],
  ['a shape that is an object', lines => (account(lines).shape = { toString: 1 } as never), /no shape an object/],
  [
    'a type that is an object',
    lines => (account(lines).fields!.any = { $bytes: '', type: { toString: 1 } }),
    /an object/,
  ],
  ['a shape that has no version', lines => (lines[1]!.version = 1.5), /version must be/],
  ['a key that no file can have', lines => (lines[1]!.keys = ['\ud800']), /no shape/],
  ['a first line that does not end', lines => (lines[0]!.type = 'x'.repeat(5000)), /line 1: it is longer/],
  ['no commit', ([head]) => delete head!.tid, /tid must be/],
  ['a line that is no object', lines => lines.splice(3, 0, [] as never), /line 4: this is no JSON object/],
  ['a line of no kind', lines => lines.splice(3, 0, { oid: 10_000, tid: 1 }), /oid must be/],
  ['a line that says nothing', lines => lines.splice(3, 0, { oid: free(lines), tid: 1 }), /neither/],
  ['the same object twice', lines => lines.splice(-1, 0, lines.at(-2) as Line), /there twice/],
  ['a later commit', lines => (account(lines).tid = 4), /tid must be/],
  ['an object without its shape', lines => (account(lines).shape = 400), /no shape 400/],
  ['an object of another type', lines => (account(lines).type = 'Bank'), /is of type 'Account'/],
  ['an object without a field', lines => delete account(lines).fields!.owner, /field owner is missing/],
  ['an object with a field too many', lines => (account(lines).fields!.$ = 1), /no field \$/],
  ['a reference to nothing', lines => (account(lines).fields!.any = { $ref: 400 }), /1 of the objects/],
  ['a reference to a shape', lines => (account(lines).fields!.any = { $ref: account(lines).shape }), /is no object/],
  ['a form that there is not', lines => (account(lines).fields!.any = [{ $map: [] }]), /field any: \$map/],
  ['a form with more in it', lines => (account(lines).fields!.any = { $bigint: '1', x: 1 }), /\$bigint/],
  ['a date that there is not', lines => (account(lines).fields!.any = { $date: '2026-02-30T00:00:00.000Z' }), /moment/],
  ['bytes that are none', lines => (account(lines).fields!.any = { $bytes: '?', type: 'Buffer' }), /base64/],
  ['bytes of no type', lines => (account(lines).fields!.any = { $bytes: '', type: 'Array' }), /no type of bytes/],
  ['half an element', lines => (account(lines).fields!.any = { $bytes: 'AA==', type: 'Int16Array' }), /kind of value/],
  [
    'a key twice',
    lines =>
      (account(lines).fields!.any = {
        $object: [
          ['a', 1],
          ['a', 2],
        ],
      }),
    /\$object/,
  ],
  ['data that is too deep', lines => (account(lines).fields!.any = deep(400)), /levels deep/],
  ['a shape that is none', lines => (lines[1]!.keys = ['a', 'a']), /no shape/],
  [
    'an id without a name',
    lines => lines.splice(3, 0, { oid: free(lines), tid: 1, transaction: '', time: 0 }),
    /no id/,
  ],
  [
    'no root',
    lines =>
      lines.splice(
        lines.findIndex(({ oid }) => oid === 1),
        1,
      ) && lines.at(-1)!.records!--,
    /root|missing/,
  ],
  ['fewer records than it says', lines => lines.at(-1)!.records!++, /records were written/],
  ['something behind the end', lines => lines.push({}), /behind the end/],
  ['a collection out of order', lines => leaf(lines).fields!.keys!.reverse(), /collection/],
  [
    'a counter that is no number',
    lines => (ofType(lines, 'PersistentCounter').fields!.value = 'x'),
    /PersistentCounter/,
  ],
  [
    'a map in the form of an empty queue',
    lines => {
      const shape = free(lines)
      lines[0]!.nextOid! += 2
      lines.splice(1, 0, { oid: shape, tid: 1, type: 'PersistentMap', version: 1, keys: ['next'] })
      lines.splice(-1, 0, { oid: free(lines), tid: 1, type: 'PersistentMap', shape, fields: { next: 2 } })
      lines.at(-1)!.records! += 2
    },
    /PersistentMap (\d+): it cannot be read \(the state of object \1 cannot be decoded\)/,
  ],
  ['a queue with other keys', lines => (queued(lines).fields!.keys![0] = -1), /PersistentQueue \d+: .* -1 is no key/],
]

interface Line {
  oid?: number
  tid?: number
  nextOid?: number
  type?: string
  shape?: number
  version?: number
  keys?: string[]
  records?: number
  transaction?: string
  time?: number
  fields?: Record<string, unknown> & { keys?: unknown[] }
}

/** A number of no record. */
function free(lines: Line[]): number {
  const taken = new Set(lines.map(({ oid }) => oid))
  for (let oid = 16; ; oid++) if (!taken.has(oid)) return oid
}

const account = (lines: Line[]): Line => lines.find(({ type, fields }) => type === 'Account' && fields) as Line
const ofType = (lines: Line[], of: string): Line => lines.find(({ type, fields }) => type === of && fields) as Line
/** The first leaf of the queue. */
const queued = (lines: Line[]): Line =>
  lines.find(({ fields }) => Array.isArray(fields?.values) && Array.isArray(fields.values[0])) as Line
const leaf = (lines: Line[]): Line => lines.find(({ fields }) => Number(fields?.keys?.length) > 1) as Line
const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)])

for (const [what, edit, message] of cases) {
  t.test(`no store is made of a dump with ${what}`, async t => {
    const disk = new MemoryDisk()
    bank(disk)
    const lines = (await dumped(disk)).map(line => JSON.parse(line) as Line)
    edit(lines)
    const text = textOf(lines.map(line => JSON.stringify(line)))
    await t.rejects(load(disk, text), { code: 'BAD_DUMP', message, path: 'the dump' })
    t.same(disk.names, [PATH, `${PATH}.lock`])
  })
}

t.test('whatever is done to the text, it makes a sound store or none', async t => {
  const draw = seeded(t)
  let made = 0
  let refused = 0
  const disk = new MemoryDisk()
  bank(disk)
  const text = Buffer.from(textOf(await dumped(disk)))
  for (let n = 0; n < 300; n++) {
    const changed = Buffer.from(text)
    const at = draw.int(text.length)
    // Mostly what stands for something in JSON.
    changed[at] = '0129"{}[],:$-nt\n'.charCodeAt(draw.int(16))
    try {
      await load(disk, changed, 1 << 20)
      made++
      isSound(t, disk)
      const db = openBank(disk, COPY)
      for (const each of db.root.accounts.values()) void each.any
      db.close()
    } catch (error) {
      refused++
      if (!(error instanceof BadDumpError)) throw error
    }
    for (const name of disk.names) if (name.startsWith(COPY)) disk.unlink(name)
  }
  t.ok(made > 20 && refused > 20, `${made} made, ${refused} refused`)
})

t.test('both tell how far they are, and can be stopped', async t => {
  const disk = new MemoryDisk()
  bank(disk)
  const store = Store.open(disk, PATH, { readonly: true })
  const reason = new Error('enough')
  const stopped = AbortSignal.abort(reason)
  const noLine = (): void => undefined
  await t.rejects(dump(disk, store.latest(), noLine, { signal: stopped }), reason)
  const text = textOf(await dumped(disk))
  const told: DumpProgress[] = []
  const slow = { ticks: ticking(), wait: () => Promise.resolve() } as unknown as MemoryDisk
  await dump(slow, store.latest(), noLine, { onProgress: progress => told.push(progress) })
  t.ok(told.length > 10)
  t.ok(told.every(({ done, all }) => done <= all))
  store.close()
  const loading: LoadProgress[] = []
  const controller = new AbortController()
  const onProgress = (progress: LoadProgress): void => {
    loading.push(progress)
    if (loading.length === 5) controller.abort(reason)
  }
  const pieces = Readable.from(
    Buffer.from(text)
      .toString()
      .match(/.{1,500}/gs) ?? [],
    { objectMode: true },
  )
  const bytes = (async function* () {
    for await (const piece of pieces) yield Buffer.from(piece as string)
  })()
  await t.rejects(loadDump(disk, 'the dump', bytes, COPY, { signal: controller.signal, onProgress }), reason)
  t.equal(loading.length, 5)
  t.same(disk.names, [PATH, `${PATH}.lock`])
})

/** A clock by which every step takes long. */
function ticking(): () => number {
  let now = 0
  return () => (now += 100)
}
