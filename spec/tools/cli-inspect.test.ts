import t from 'tap'
import { oidOf, open, PersistentCounter, PersistentMap } from '../../lib/index.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { Store } from '../../lib/store/store.js'
import { LOST_SHAPE, stretchOf } from '../../lib/store/types.js'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { tempDir } from '../helpers/temp-dir.js'
import { Account, bank, commitOffsets, damage, openBank, perdure, printed, printedJson, start } from './cli-tool.js'

// Each of many runs of the tool is a process, and the machine may be busy.
t.setTimeout(120_000)

t.test('without a place: what the store is, what is in it, and its root', async t => {
  const path = bank(t)
  const text = await printed(t, 'inspect', path)
  t.match(text, `store       ${path}\n`)
  t.match(text, /^id {10}[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/m)
  t.match(text, /^format {6}1\ngeneration {2}1$/m)
  t.match(text, /^commits {5}4, the last at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/m)
  t.match(text, /^size {8}\d\.\d KiB: \d\.\d KiB live, \d+ B dead$/m)
  t.match(text, /^objects {5}6, and 1 unreachable$/m)
  t.match(text, /^type +records +bytes\nAccount +2 +\d+ B\nBank +1 +\d+ B$/m, 'types, most bytes first')
  t.match(text, /^\[Bank 1\]\n {2}name {6}'First'\n {2}accounts {2}\[PersistentMap 16\]$/m)
  t.match(text, /^ {2}settings {2}\{ limits: \[ 10, 20 \], 'odd\/key': true \}$/m)
})

t.test('the same as JSON, with numbers as they are', async t => {
  const path = bank(t)
  const facts = await printedJson(t, 'inspect', path)
  t.match(facts, { path, format: 1, generation: 1, commits: 4, objects: 6, unreachable: 1, bytes: statSync(path).size })
  t.equal(facts.bytes, Number(facts.liveBytes) + Number(facts.deadBytes))
  const types = facts.types as { type: string; objects: number; bytes: number }[]
  t.same(types.map(({ type }) => type).sort(), ['Account', 'Bank', 'PersistentList', 'PersistentMap', 'PersistentSet'])
  const bytes = types.map(each => each.bytes)
  t.same(
    bytes,
    bytes.toSorted((a, b) => b - a),
  )
  t.match(facts.root, {
    oid: 1,
    type: 'Bank',
    fields: { name: 'First', accounts: { $ref: 16, type: 'PersistentMap' } },
  })
})

t.test('the records of which a large collection consists are no objects', async t => {
  const path = join(tempDir(t), 'large.db')
  const db = open(path, { root: { map: new PersistentMap<number, string>() }, durability: 'os' })
  db.transact(({ map }) => {
    for (let n = 0; n < 200; n++) map.set(n, n === 0 ? 'x'.repeat(100) : 'y')
  })
  db.close()
  const text = await printed(t, 'inspect', path)
  t.match(text, /^objects {5}2, with \d parts of collections, and 0 unreachable$/m)
  const { objects, parts, types } = await printedJson(t, 'inspect', path)
  const [values, nodes] = ['perdure.value', 'perdure.node'].map(type =>
    (types as { type: string; isPart: boolean; objects: number }[]).find(each => each.type === type),
  )
  t.match(values, { isPart: true, objects: 1 })
  t.equal(parts, 1 + Number(nodes?.objects))
  t.equal(objects, 2)
})

t.test('after a pack the generation and the packed commit are named, and nothing is dead', async t => {
  const path = bank(t)
  await printed(t, 'pack', path)
  t.match(await printed(t, 'inspect', path), /^generation {2}2 \(packed up to commit 4\)$/m)
  const facts = await printedJson(t, 'inspect', path)
  t.match(facts, { generation: 2, commits: 4, packedUpTo: 4, objects: 6, unreachable: 0 })
})

t.test('an object: fields, class, commit that wrote it, record, references', async t => {
  const text = await printed(t, 'inspect', bank(t), '/accounts/ada')
  t.match(
    text,
    /^\[Account 23\]\n {2}owner {4}'ada'\n {2}balance {2}0\n {2}tags {5}\[ 'vip', 'old' \]\n {2}friend {3}\[Account 24\]\n/,
  )
  t.match(text, /^version {2}3 of Account$/m)
  t.match(text, /^written {2}by commit 3, \d{4}-\d\d-\d\dT\S+Z$/m)
  t.match(text, /^record {3}\d+ B at offset \d+$/m)
  t.match(text, /\n\nrefers to 1 object\n {2}\[Account 24\]\n$/)
})

t.test('an object as JSON', async t => {
  const object = await printedJson(t, 'inspect', bank(t), '/accounts/ada')
  t.match(object, { oid: 23, type: 'Account', version: 3, tid: 3, references: [{ oid: 24, type: 'Account' }] })
  t.same(object.fields, { owner: 'ada', balance: 0, tags: ['vip', 'old'], friend: { $ref: 24, type: 'Account' } })
  t.ok(Number.isInteger(object.offset) && Number.isInteger(object.bytes))
  t.ok(Date.parse(String(object.time)) > 0)
})

t.test('a number is the object with that oid, and a path may begin there', async t => {
  const path = bank(t)
  t.equal(await printed(t, 'inspect', path, '23'), await printed(t, 'inspect', path, '/accounts/ada'))
  t.equal(await printed(t, 'inspect', path, '1'), await printed(t, 'inspect', path, '/'))
  t.equal(await printed(t, 'inspect', path, '23/friend/'), await printed(t, 'inspect', path, '24'))
})

t.test('a path leads through references, cycles, plain data, lists and maps', async t => {
  const path = bank(t)
  const value = async (place: string): Promise<unknown> => (await printedJson(t, 'inspect', path, place)).value
  t.equal(await value('/accounts/ada/friend/friend/friend/owner'), 'bob')
  t.equal(await value('/settings/limits/1'), 20)
  t.same(await value('/queue/2'), { plain: [1, 2] })
  t.equal(await value('/queue/2/plain/0'), 1)
  t.equal(await value('/queue/1/tags/0'), 'vip')
  t.match(await printed(t, 'inspect', path, '/accounts/ada/tags'), "[ 'vip', 'old' ]\n\npart of [Account 23]\n")
})

t.test('keys that are no plain words can be written in a path', async t => {
  const path = bank(t)
  const db = openBank(path)
  const ada = db.root.accounts.get('ada') as Account
  const when = new Date(Date.UTC(2020, 0, 1))
  for (const [key, value] of [
    ['a/b', 'slash'],
    ['a~b', 'tilde'],
    ['', 'empty'],
    [7, 'number'],
    ['8', 'text'],
    [9n, 'bigint'],
    [when, 'date'],
    [['x', 1], 'tuple'],
    [ada, 'object'],
  ] as const) {
    db.root.accounts.set(key as string, value)
  }
  db.commit()
  db.close()
  const places = {
    '/accounts/a/b': 'slash',
    '/accounts/a~1b': 'slash',
    '/accounts/a~0b': 'tilde',
    '/accounts/': 'empty',
    '/accounts/7': 'number',
    '/accounts/8': 'text',
    '/accounts/9n': 'bigint',
    '/accounts/2020-01-01T00:00:00.000Z': 'date',
    '/accounts/[x, 1]': 'tuple',
    '/accounts/Account 23': 'object',
    '/settings/odd/key': true,
  }
  await Promise.all(
    Object.entries(places).map(async ([place, expected]) => {
      t.equal((await printedJson(t, 'inspect', path, place)).value, expected, place)
    }),
  )
  const text = await printed(t, 'inspect', path, '/accounts')
  for (const key of ["'a/b'", '7', '9n', '2020-01-01T00:00:00.000Z', '[x, 1]', 'Account 23'])
    t.match(text, `\n  ${key} `)
})

t.test('of keys that are written alike one is followed, and that there are others is said on stderr', async t => {
  const path = join(tempDir(t), 'alike.db')
  const map = new PersistentMap<string | number, string>([
    ['5', 'of the string'],
    [5, 'of the number'],
    [6, 'six'],
  ])
  open(path, { root: { map } }).close()
  const alike =
    'perdure: [PersistentMap 16] has several keys that are written 5: this is a string, and there is a number\n'
  for (const more of [[], ['--json']]) {
    const { code, stdout, stderr } = await perdure('inspect', path, '/map/5', ...more)
    t.match(stdout, /of the string/)
    t.same([code, stderr], [0, alike])
  }
  t.match(await perdure('inspect', path, '/map/6'), { code: 0, stdout: /^'six'/, stderr: /^$/ })
})

t.test('collections show their size and as many entries as --limit says', async t => {
  const path = bank(t)
  const db = openBank(path)
  for (let n = 0; n < 30; n++) db.root.queue.push(n)
  db.commit()
  db.close()
  const text = await printed(t, 'inspect', path, '/queue')
  t.match(text, /^\[PersistentList 17\] size 33\n {2}0 +'first'\n/)
  t.match(text, /\n {2}19 +\d+\n {2}\.\.\. 13 more\n/)
  t.match(
    await printed(t, 'inspect', path, '/queue', '--limit', '1'),
    /^\[PersistentList 17\] size 33\n {2}0 {2}'first'\n {2}\.\.\. 32 more\n/,
  )
  const object = await printedJson(t, 'inspect', path, '/queue', '--limit', '2')
  t.match(object, {
    size: 33,
    entries: [
      [0, 'first'],
      [1, { $ref: 23, type: 'Account' }],
    ],
  })
  t.equal((object.entries as unknown[]).length, 2)
  t.match(await printed(t, 'inspect', path, '/seen'), /^\[PersistentSet 18\] size 2\n {2}0 {2}'x'\n {2}1 {2}'y'\n/)
})

t.test('a list of many records is shown as a small one is', async t => {
  const path = bank(t)
  const db = openBank(path)
  for (let n = 0; n < 1000; n++) db.root.queue.push({ n })
  db.commit()
  db.close()
  const text = await printed(t, 'inspect', path, '/queue')
  t.match(text, /^\[PersistentList 17\] size 1,003\n {2}0 +'first'\n/)
  t.match(text, /\n {2}19 +\{ n: 16 \}\n {2}\.\.\. 983 more\n/)
  t.match(await printed(t, 'inspect', path, '/queue/1002/n'), /^999\n/)
})

t.test('long values are cut for people, and whole as JSON', async t => {
  const path = bank(t)
  const db = openBank(path)
  db.root.values = { text: 'x'.repeat(1000), list: Array.from({ length: 100 }, (_, n) => n) }
  db.commit()
  db.close()
  const text = await printed(t, 'inspect', path, '/values', '--limit', '5')
  t.match(text, '... 800 more characters')
  t.match(text, '... 95 more items')
  const { value } = await printedJson(t, 'inspect', path, '/values')
  t.same(value, { text: 'x'.repeat(1000), list: Array.from({ length: 100 }, (_, n) => n) })
})

t.test('a value that is too large for a line of JSON is refused, with what to do', async t => {
  const path = bank(t)
  const db = openBank(path)
  db.root.values = new Uint8Array(1000)
  db.commit()
  db.close()
  // As Node does beyond half a gigabyte.
  const script = `const { toString } = Buffer.prototype
    Buffer.prototype.toString = function (...args) {
      if (args[0] !== 'base64' || this.length < 1000) return toString.apply(this, args)
      throw Object.assign(new Error('Cannot create a string longer than 0x1fffffe8 characters'), { code: 'ERR_STRING_TOO_LONG' })
    }`
  const nodeArgs = ['--import', `data:text/javascript,${encodeURIComponent(script)}`]
  for (const place of [[], ['/'], ['/values']]) {
    const { code, stdout, stderr } = await start(['inspect', path, ...place, '--json'], { nodeArgs }).ended
    t.same([code, stdout], [3, ''])
    t.equal(stderr, `perdure: ${path}: a value is too large for a line of text: look at it without --json\n`)
  }
  t.equal((await start(['inspect', path, '/values'], { nodeArgs }).ended).code, 0)
})

t.test('values that JSON has not stand there as objects with one $ key', async t => {
  const path = bank(t)
  const db = openBank(path)
  db.root.values = {
    list: [
      undefined,
      -0,
      NaN,
      Infinity,
      10n ** 30n,
      new Date(0),
      new Date(NaN),
      new Uint8Array([1, 2]),
      Buffer.from('hi'),
      new Float64Array([1]),
    ],
    $ref: 5,
    ['__proto__']: 1,
  }
  db.commit()
  db.close()
  const { value } = await printedJson(t, 'inspect', path, '/values')
  t.same(value, {
    $object: [
      [
        'list',
        [
          { $undefined: true },
          { $number: '-0' },
          { $number: 'NaN' },
          { $number: 'Infinity' },
          { $bigint: '1000000000000000000000000000000' },
          { $date: '1970-01-01T00:00:00.000Z' },
          { $date: null },
          { $bytes: 'AQI=', type: 'Uint8Array' },
          { $bytes: 'aGk=', type: 'Buffer' },
          { $bytes: 'AAAAAAAA8D8=', type: 'Float64Array' },
        ],
      ],
      ['$ref', 5],
      ['__proto__', 1],
    ],
  })
})

t.test('a store without classes shows its root as such', async t => {
  const path = bank(t).replace('bank.db', 'notes.db')
  const db = open(path, { root: { todos: [{ title: 'write', done: false }] } })
  db.close()
  t.match(await printed(t, 'inspect', path), /\n\[root 1\]\n {2}todos {2}\[ \{ title: 'write', done: false \} \]\n$/)
  t.equal((await printedJson(t, 'inspect', path, '/todos/0/title')).value, 'write')
})

t.test('an object that could not be saved from a damaged file is named as lost', async t => {
  const path = bank(t)
  const store = Store.open(systemDisk, path)
  const lost = { oid: 24, shape: LOST_SHAPE, refs: [], ...stretchOf(new Uint8Array()) }
  store.commit({ records: [lost], fresh: 0, annotation: new Uint8Array() }, store.latest(), [], true)
  store.close()
  t.match(await printed(t, 'inspect', path), /^lost +1 +\d+ B$/m)
  t.match(await printed(t, 'inspect', path, '/accounts'), /^ {2}'bob' {2}\[lost 24\]$/m)
  t.match(await printed(t, 'inspect', path, '/accounts/bob'), /^\[lost 24\] has no fields\n/)
  t.match(await printed(t, 'log', path), / 1 object +\d+ B {2}lost\n$/)
})

t.test('a path or number that leads nowhere: exit code 1, and what is there instead', async t => {
  const path = bank(t)
  const cases = [
    ['/nothing', "[Bank 1] has no 'nothing', but name, accounts, queue, seen, settings, values"],
    ['/accounts/zoe', "[PersistentMap 16] has no 'zoe', but ada, bob"],
    ['/accounts/ada/friend/x/y', "[Account 24] has no 'x', but owner, balance, tags, friend"],
    ['/settings/limits/9', "/settings/limits of [Bank 1] has no '9', but 0, 1"],
    ['/name/x', '/name of [Bank 1] has no x'],
    ['/settings/limits/length', "/settings/limits of [Bank 1] has no 'length', but 0, 1"],
    ['/settings/__proto__', "/settings of [Bank 1] has no '__proto__', but limits, odd/key"],
    ['99', 'the store has no object 99'],
    ['0', 'the store has no object 0'],
    ['99999999999999999999', 'the store has no object 100000000000000000000'],
    ['21', 'the store has no object 21'],
  ] as const
  const check = async (place: string, message: string, form: string[]): Promise<void> => {
    const run = await perdure('inspect', path, place, ...form)
    t.same(run, { code: 1, signal: null, stdout: '', stderr: `perdure: ${path}: there is no ${place}: ${message}\n` })
  }
  await Promise.all(cases.map(([place, message], n) => check(place, message, n % 2 === 0 ? [] : ['--json'])))
})

t.test('texts of the store do not reach the terminal as control characters', async t => {
  const path = bank(t)
  const db = openBank(path)
  db.root.accounts.set('\x1b[31m\u202e', { '\x1b]0;title\x07': '\x9b2J' })
  db.commit({ note: '\x1b[2J\nsecond line' })
  db.close()
  for (const args of [
    ['inspect', path, '/accounts'],
    ['log', path],
    ['inspect', path, '/\x1b[1m'],
  ]) {
    const { stdout, stderr } = await perdure(...args)
    // eslint-disable-next-line no-control-regex -- they are what must not be there
    t.notMatch(stdout + stderr, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/, args[0]!)
  }
})

t.test('of a damaged store the last good commit is shown, with exit code 1 and a word on stderr', async t => {
  const path = bank(t)
  damage(path, (await commitOffsets(t, path)).get(3)! + 90)
  const whole = await perdure('inspect', path)
  t.equal(whole.code, 1)
  t.match(whole.stdout, /^commits {5}2, /m)
  t.match(whole.stderr, /^perdure: .*the last good commit before it is 2.*perdure verify.*\n$/)
  const one = await perdure('inspect', path, '/accounts/ada', '--json')
  t.equal(one.code, 1)
  t.match(JSON.parse(one.stdout), { tid: 2, fields: { friend: null } })
  const absent = await perdure('inspect', path, '/accounts/zoe')
  t.match(absent, { code: 1, stdout: '', stderr: /perdure verify.*\nperdure: .* there is no \/accounts\/zoe/ })
})

t.test('nothing is shown of a packed state that is damaged', async t => {
  const path = bank(t)
  await printed(t, 'pack', path)
  damage(path, 4096 + 90)
  for (const args of [
    ['inspect', path],
    ['inspect', path, '/accounts'],
  ]) {
    const { code, stdout, stderr } = await perdure(...args)
    t.same([code, stdout], [1, ''], args.join(' '))
    t.match(stderr, /^perdure: .*perdure verify.*\n$/)
  }
})

t.test('the log of a packed store is read from behind the packed state', async t => {
  const path = bank(t)
  await printed(t, 'pack', path)
  damage(path, 4096 + 90)
  t.match(await printed(t, 'log', path), /^.*packed: this and all earlier commits are one state now\n$/)
})

t.test('a counter is shown as its number', async t => {
  const path = join(tempDir(t), 'app.db')
  const db = open(path, { root: { counter: new PersistentCounter(43) } })
  const oid = oidOf(db.root.counter)
  db.close()
  t.equal((await printed(t, 'inspect', path, '/counter')).split('\n')[0], `[PersistentCounter ${oid}] 43`)
  const { value, size, entries } = await printedJson(t, 'inspect', path, '/counter', '--limit', '0')
  t.same([value, size, entries], [43, undefined, undefined])
})
