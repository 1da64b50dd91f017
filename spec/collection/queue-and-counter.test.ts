import assert from 'node:assert'
import { writeFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { open, Persistent, PersistentCounter, PersistentQueue, plain, type Connection } from '../../lib/index.js'
import { dump } from '../../lib/collection/dump.js'
import { verifyCollections } from '../../lib/collection/verify-collections.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { Store } from '../../lib/store/store.js'
import { craft } from '../damage/crafted-file.js'
import { elsewhere } from '../object/helpers/elsewhere.js'
import { seeded } from '../helpers/seeded.js'
import { tempDir } from '../helpers/temp-dir.js'

class Works extends Persistent {
  static type = 'Works'
  jobs = new PersistentQueue<unknown>()
  visits = new PersistentCounter()
  other: unknown = undefined
}

function works(t: Test): { a: Connection<Works>; b: Connection<Works> } {
  const path = join(tempDir(t), 'works.db')
  const a = open(path, { root: Works, durability: 'os' }).connect()
  const b = elsewhere<Works>(path, { root: Works, durability: 'os' }).connect()
  return { a, b }
}

t.test('items come out in their order, each once', async t => {
  const { a, b } = works(t)
  const native: unknown[] = []
  const random = seeded(t)
  const { jobs } = a.root
  for (let round = 0; round < 300; round++) {
    for (let i = random.int(8); i > 0; i--) {
      if (random.chance(0.6)) {
        const item = random.chance(0.3) ? { n: round } : `${round}/${i}`.padEnd(random.int(300))
        jobs.push(item)
        native.push(structuredClone(item))
      } else {
        t.same(plain(jobs.peek()), native[0])
        t.same(plain(jobs.shift()), native.shift())
      }
    }
    if (random.chance(0.3)) a.commit()
    if (random.chance(0.02)) {
      jobs.clear()
      native.length = 0
    }
    t.equal(jobs.size, native.length)
  }
  a.commit()
  b.refresh()
  t.same(plain([...b.root.jobs]), native)
  t.same(plain(b.root.jobs), native)
  t.same(JSON.parse(JSON.stringify(b.root.jobs)), native)
})

t.test('pushes merge; only who takes the same item is in the way', async t => {
  const { a, b } = works(t)
  a.root.jobs.push('one')
  b.root.jobs.push('two', { n: 2 })
  b.commit()
  a.commit()
  t.same(plain([...a.root.jobs]), ['two', { n: 2 }, 'one'])
  a.refresh()
  a.root.jobs.push('four')
  b.refresh()
  t.equal(b.root.jobs.shift(), 'two')
  b.commit()
  a.commit()
  b.refresh()
  t.equal(a.root.jobs.size, 3)
  t.same(a.root.jobs.shift(), { n: 2 })
  t.same(b.root.jobs.shift(), { n: 2 })
  b.commit()
  t.throws(() => a.commit(), { code: 'WRITE_CONFLICT' })
  a.abort()
  t.equal(
    a.transact(({ jobs }) => jobs.shift()),
    'one',
  )
  t.same([...a.root.jobs], ['four'])
  a.transact(({ jobs }) => jobs.clear())
  t.equal(a.root.jobs.shift(), undefined)
  a.root.other = 'there was nothing to do'
  b.refresh()
  b.root.jobs.push('something')
  b.commit()
  t.throws(() => a.commit(), { code: 'WRITE_CONFLICT' })
  a.abort()
})

t.test('plain data that was pushed is tracked, before the commit and after it', async t => {
  const { a, b } = works(t)
  a.root.jobs.push({ n: 1 })
  const job = a.root.jobs.peek() as { n: number }
  job.n = 2
  b.root.jobs.push('first')
  b.commit()
  t.throws(() => a.commit(), { code: 'WRITE_CONFLICT' }, 'it is not the first one any more')
  a.abort()
  t.throws(() => job.n, { code: 'STALE_DATA' })
  a.root.jobs.push({ n: 1 })
  const again = [...a.root.jobs][1] as { n: number }
  again.n = 2
  a.commit()
  again.n = 3
  t.equal(a.changed, true)
  a.commit()
  b.refresh()
  t.same(plain([...b.root.jobs]), ['first', { n: 3 }])
  t.equal([...a.root.jobs][1], again)
})

t.test('adding merges; asking for the value and writing does not', async t => {
  const { a, b } = works(t)
  a.root.visits.add(2)
  b.root.visits.add(3)
  b.commit()
  a.commit()
  t.equal(a.root.visits.value, 5)
  a.root.visits.add()
  b.refresh()
  b.root.visits.add(-10)
  b.commit()
  t.throws(() => a.commit(), { conflicts: [{ type: 'PersistentCounter', keys: ['value'] }] } as unknown as Error)
  a.abort()
  t.equal(a.root.visits.value, -5)
  a.root.visits.add(7)
  a.abort()
  t.equal(a.root.visits.value, -5)
  t.equal(JSON.stringify(a.root.visits), '-5')
  t.match(inspect(a.root.visits), /^PersistentCounter \d+ \[ -5 \]$/)
  t.throws(() => a.root.visits.add(NaN), TypeError)
  t.throws(() => new PersistentCounter('1' as never), TypeError)
})

t.test('a counter refuses what it could not count exactly, also where only others together make it so', async t => {
  const most = Number.MAX_SAFE_INTEGER
  const { a, b } = works(t)
  a.root.visits.add(most - 1)
  t.throws(() => {
    a.root.visits.add(2)
  }, RangeError)
  t.equal(a.root.visits.value, most - 1, 'what was refused is not there')
  t.throws(() => new PersistentCounter(2 ** 53), {
    name: 'RangeError',
    message: /^a counter cannot begin with 9007199254740992: /,
  })
  a.commit()
  b.refresh()
  a.root.visits.add(1)
  b.root.visits.add(1)
  a.commit()
  t.throws(() => b.commit(), RangeError)
  b.abort()
  t.equal(b.root.visits.value, most)
  b.root.visits.add(-1)
  b.commit()
  a.refresh()
  t.equal(a.root.visits.value, most - 1)

  const fractions = new PersistentCounter(0.5)
  t.throws(() => {
    fractions.add(2 ** 60)
  }, RangeError)
  t.throws(() => {
    fractions.add(-Number.MAX_VALUE)
  }, RangeError)
  t.equal(fractions.value, 0.5)
})

t.test('both survive a pack, and being packed away while they are held', async t => {
  const { a, b } = works(t)
  const { jobs, visits } = a.root
  for (let i = 0; i < 300; i++) jobs.push({ i })
  visits.add(4)
  a.commit()
  a.root.jobs = new PersistentQueue()
  a.root.visits = new PersistentCounter(1)
  a.commit()
  await a.pack()
  t.equal(visits.value, 4)
  t.same(jobs.shift(), { i: 0 })
  jobs.push('last')
  visits.add(1)
  a.root.other = [jobs, visits]
  a.commit()
  b.refresh()
  const [queue, counter] = b.root.other as [PersistentQueue<unknown>, PersistentCounter]
  t.same([queue.size, plain(queue.peek()), [...queue].at(-1), counter.value], [300, { i: 1 }, 'last', 5])
})

t.test('a message names what was pushed as an item, by no number of its own', async t => {
  const { a } = works(t)
  const queue = a.root.jobs
  t.throws(() => queue.push({ n: () => 1 }), { name: 'ValueError', path: 'PersistentQueue.item.n' })
  queue.push({ n: 1 })
  a.commit()
  t.throws(() => ((queue.peek() as { n: unknown }).n = () => 1), { name: 'ValueError', path: 'PersistentQueue.0.n' })
})

t.test(
  'no number is given twice: what is held is never another item, and an iteration meets all that come',
  async t => {
    const empty = (connection: Connection<Works>, how: string): void => {
      if (how === 'clear') connection.root.jobs.clear()
      else while (connection.root.jobs.shift() !== undefined) continue
    }
    for (const how of ['shift', 'clear']) {
      for (const between of ['nothing', 'pack', 'commits', 'same commit']) {
        const { a, b } = works(t)
        a.root.jobs.push({ n: 1 }, 2, 3)
        a.commit()
        b.refresh()
        const iterator = b.root.jobs.values()
        const held = iterator.next().value as { n: number }
        t.equal(held.n, 1)
        t.same([iterator.next().value, iterator.next().value], [2, 3])
        b.refresh()
        empty(a, how)
        if (between !== 'same commit') a.commit()
        if (between === 'pack') await a.pack()
        if (between === 'commits') {
          for (let n = 0; n < 3; n++) {
            a.root.jobs.push('passing')
            a.commit()
            empty(a, how)
            a.commit()
          }
        }
        a.root.jobs.push({ n: 4 }, 5, 6, 7)
        a.commit()
        b.refresh()
        t.same(plain([...iterator]), [{ n: 4 }, 5, 6, 7], `${how}, ${between}`)
        t.throws(() => (held.n = 9), { code: 'STALE_DATA' })
        verifyCollections(systemDisk, a.path, ({ message }) => {
          t.fail(message)
        })
        a.close()
        b.close()
      }
    }
  },
)

t.test('an empty queue keeps the number of its next item, also in dumps and while it is out of the file', async t => {
  const { a, b } = works(t)
  a.root.jobs.push(1, 2, 3)
  a.commit()
  while (a.root.jobs.shift() !== undefined) continue
  a.commit()
  const lines: string[] = []
  const store = Store.open(systemDisk, a.path, { readonly: true })
  await dump(systemDisk, store.latest(), line => void lines.push(line), {})
  store.close()
  const queue = lines
    .map(line => JSON.parse(line) as { type?: string; fields?: object })
    .find(({ type, fields }) => type === 'PersistentQueue' && fields)
  t.same(queue?.fields, { next: 3 })
  b.refresh()
  const { jobs } = b.root
  t.same([jobs.size, plain(jobs), inspect(jobs)], [0, [], inspect(a.root.jobs)])
  const held = a.root.jobs
  a.root.jobs = new PersistentQueue()
  a.commit()
  await a.pack()
  a.refresh()
  a.root.other = held
  held.push('x')
  a.commit()
  b.refresh()
  t.same(plain([...(b.root.other as PersistentQueue<unknown>)]), ['x'])
  a.close()
  b.close()
})

t.test('a push puts in all that it is given, or nothing', async t => {
  const { a } = works(t)
  t.throws(() => a.root.jobs.push({ n: 1 }, () => 0), { code: 'VALUE' })
  t.equal(a.root.jobs.size, 0)
  t.equal(a.changed, false)
  a.close()
})

t.test('an iteration that has come to what its own transaction pushed goes on behind that', async t => {
  for (const [end, more] of [
    ['commit', []],
    ['abort', ['x']],
  ] as const) {
    for (const before of [[], ['a', 'b']]) {
      const { a, b } = works(t)
      a.root.jobs.push(...before)
      a.commit()
      const iterator = a.root.jobs.values()
      a.root.jobs.push('x')
      t.same(
        [...before, 'x'].map(() => iterator.next().value),
        [...before, 'x'],
      )
      a[end]()
      b.refresh()
      b.root.jobs.push('y', ...more)
      b.commit()
      a.root.jobs.push('z')
      a.commit()
      a.root.jobs.push('last')
      t.same([...iterator], ['y', ...more, 'z', 'last'], `${end}, behind ${before.length}`)
      a.abort()
      a.close()
      b.close()
    }
  }
})

t.test('nor is one given twice to a queue that was emptied while it was out of the file', async t => {
  const { a, b } = works(t)
  a.root.jobs.push({ n: 1 }, { n: 2 }, { n: 3 })
  a.commit()
  b.refresh()
  const iterator = b.root.jobs.values()
  const [held] = [iterator.next().value, iterator.next().value, iterator.next().value] as { n: number }[]
  b.refresh()
  const queue = a.root.jobs
  a.root.jobs = new PersistentQueue()
  a.commit()
  await a.pack()
  a.refresh()
  queue.clear()
  queue.push(4, 5, 6, 7)
  a.root.jobs = queue
  a.commit()
  b.refresh()
  t.same(plain([...iterator]), [4, 5, 6, 7])
  t.throws(() => held?.n, { code: 'STALE_DATA' })
  a.close()
  b.close()
})

t.test('the key of an item that no queue has given is a SchemaError', t => {
  const path = join(tempDir(t), 'app.db')
  const state = (text: string): Buffer => Buffer.from(text, 'latin1')
  const keys = state('\x93\xafPersistentQueue\x01\x92\xa4keys\xa6values')
  const items = state('\x92\x91\x81\xa0\x92\x02\xa15\x91\x01') // of the bigint 5
  const queue = { oid: 20, shape: 17, state: items }
  writeFileSync(
    path,
    craft([{ oid: 17, shape: 0, state: keys }, { oid: 1, state: state('\x91\x81\xa0\x00'), refs: [20] }, queue]),
  )
  const db = open<{ x: PersistentQueue<number> }>(path, {} as never)
  t.teardown(() => db[Symbol.dispose]())
  const unreadable = {
    code: 'SCHEMA',
    oid: 20,
    message: /app\.db: the stored state of object 20 \(PersistentQueue\) has a form/,
  }
  t.throws(() => db.transact(root => root.x.shift()), unreadable)
  t.throws(() => db.transact(root => root.x.peek()), unreadable)
  t.throws(() => db.transact(root => root.x.push(1)), unreadable)
  t.end()
})

t.test('a counter is refused where a number is wanted, and printed and compared as before', async t => {
  const { a, b } = works(t)
  a.root.visits.add(3)
  a.commit()
  const refused = {
    name: 'TypeError',
    message: /is neither number nor text: use add\(\) to change it, and value to read it$/,
  }
  const root = a.root as unknown as { visits: number }
  t.throws(() => root.visits++, refused)
  t.throws(() => (root.visits += 1), refused)
  t.throws(() => root.visits + 1, refused)
  t.throws(() => root.visits > 2, refused)
  t.throws(() => Math.max(root.visits), refused)
  t.equal(a.changed, false)

  b.refresh()
  for (const visits of [a.root.visits, b.root.visits]) {
    t.match(inspect(visits), /^PersistentCounter \d+ \[ 3 \]$/)
    t.equal(JSON.stringify({ visits }), '{"visits":3}')
    t.equal(String(visits as unknown), '[object PersistentCounter]')
    t.equal(`${visits as unknown as string}`, '[object PersistentCounter]')
    // eslint-disable-next-line eqeqeq -- as programs write it
    t.equal((visits as unknown) == null, false)
    t.doesNotThrow(() => {
      assert.deepStrictEqual(visits, new PersistentCounter(3))
    })
    t.throws(() => {
      assert.deepStrictEqual(visits, new PersistentCounter(4))
    }, assert.AssertionError)
  }
})
