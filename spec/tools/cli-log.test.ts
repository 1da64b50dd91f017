import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { craft } from '../damage/crafted-file.js'
import { tempDir } from '../helpers/temp-dir.js'
import { bank, commitOffsets, damage, jsonLines, openBank, perdure, printed } from './cli-tool.js'

const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`

t.test('commits stand newest last: number, time, objects, bytes, types, note', async t => {
  const lines = (await printed(t, 'log', bank(t))).split('\n')
  t.equal(lines.length, 5)
  t.match(lines[0], new RegExp(`^1  ${TIME}  4 objects +\\d+ B  Bank, PersistentMap, PersistentList, PersistentSet$`))
  t.match(lines[1], new RegExp(`^2  ${TIME}  6 objects +\\d+ B  .*Account x3  setUp$`))
  t.match(lines[2], new RegExp(`^3  ${TIME}  2 objects +\\d+ B  Account x2  befriend$`))
  t.match(lines[3], new RegExp(`^4  ${TIME}   1 object +\\d+ B  PersistentMap  close an account$`))
})

t.test('--json gives one object a line', async t => {
  const path = bank(t)
  const lines = jsonLines(await printed(t, 'log', path, '--json'))
  t.match(lines, [
    { kind: 'commit', tid: 1, offset: 4096, objects: 4 },
    { kind: 'commit', tid: 2, note: 'setUp', types: { Account: 3 } },
    { kind: 'commit', tid: 3, note: 'befriend', types: { Account: 2 }, objects: 2 },
    { kind: 'commit', tid: 4, note: 'close an account', meta: { by: 'ada' } },
  ])
  const bytes = lines.map(line => Number(line.bytes)).reduce((sum, each) => sum + each)
  t.equal(4096 + bytes, readFileSync(path).length, 'the commits are all of the file')
  for (const { time } of lines) t.match(time, new RegExp(`^${TIME}$`))
})

t.test('-n takes the last ones, --reverse turns them around', async t => {
  const path = bank(t)
  const tids = async (...args: string[]): Promise<unknown[]> => {
    const text = await printed(t, 'log', path, '--json', ...args)
    return text === '' ? [] : jsonLines(text).map(({ tid }) => tid)
  }
  t.same(await tids('-n', '2'), [3, 4])
  t.same(await tids('--last', '2', '--reverse'), [4, 3])
  t.same(await tids('-r'), [4, 3, 2, 1])
  t.same(await tids('-n', '0'), [])
  t.same(await tids('-n', '100'), [1, 2, 3, 4])
})

t.test('where a pack has put commits together, the log says up to which', async t => {
  const path = bank(t)
  await printed(t, 'pack', path)
  t.match(
    await printed(t, 'log', path),
    new RegExp(`^4  ${TIME}  packed: this and all earlier commits are one state now\n$`),
  )
  const db = openBank(path)
  db.transact(bank => (bank.name = 'Second'), { note: 'rename' })
  db.close()
  t.match(jsonLines(await printed(t, 'log', path, '--json')), [
    { kind: 'packed', tid: 4, generation: 2 },
    { kind: 'commit', tid: 5, note: 'rename', types: { Bank: 1 } },
  ])
  t.match(jsonLines(await printed(t, 'log', path, '--json', '-r')), [{ tid: 5 }, { kind: 'packed', tid: 4 }])
  t.equal(
    jsonLines(await printed(t, 'log', path, '--json', '-n', '1')).length,
    1,
    'asked for one commit, it is one line',
  )
})

t.test('transactions that were committed together are one line, which says how many they are', async t => {
  const path = bank(t)
  const db = openBank(path)
  await Promise.all([1, 2, 3].map(n => db.transactAsync(bank => (bank.name = `Bank ${n}`), { note: 'rename' })))
  db.close()
  t.match((await printed(t, 'log', path, '-n', '1')).trim(), / {2}Bank {2}rename {2}\(3 transactions\)$/)
  const lines = jsonLines(await printed(t, 'log', path, '--json', '-n', '2'))
  t.match(lines, [{ count: 1 }, { note: 'rename', count: 3 }])
})

t.test('an incomplete commit at the end is not there yet', async t => {
  const path = bank(t)
  const before = await printed(t, 'log', path)
  appendFileSync(path, 'PFRM')
  t.equal(await printed(t, 'log', path), before)
})

t.test(
  'of a damaged store the commits before the damage are listed, with exit code 1 and a word on stderr',
  async t => {
    const path = bank(t)
    const offset = (await commitOffsets(t, path)).get(3)! + 90
    damage(path, offset)
    for (const form of [[], ['--json'], ['--reverse'], ['-n', '2']]) {
      const { code, stdout, stderr } = await perdure('log', path, ...form)
      t.equal(code, 1)
      t.equal(stdout.split('\n').length - 1, 2)
      t.match(stderr, /^perdure: .*the last good commit before it is 2.*perdure verify.*\n$/)
    }
  },
)

t.test('damage before the last commits is in the way of these in neither direction', async t => {
  const path = bank(t)
  const offset = (await commitOffsets(t, path)).get(3)! + 20
  const db = openBank(path)
  for (let n = 0; n < 3; n++) db.transact(bank => (bank.name = `${n}`.repeat(1 << 19)))
  db.close() // which makes an index file: with it, the damage is met by nobody else
  damage(path, offset)
  const tids = async (...args: string[]): Promise<unknown[]> =>
    jsonLines(await printed(t, 'log', path, '--json', '-n', '4', ...args)).map(({ tid }) => tid)
  t.same(await tids(), [4, 5, 6, 7])
  t.same(await tids('--reverse'), [7, 6, 5, 4])
})

t.test('a commit whose note and meta cannot be read is marked, and those behind it are shown', async t => {
  const path = join(tempDir(t), 'app.db')
  const state = Buffer.from('\x91\xa1x', 'latin1')
  writeFileSync(path, craft([{ oid: 1, state }], [{ annotation: Buffer.of(0xc1) }, {}]))
  const lines = (await printed(t, 'log', path)).trimEnd().split('\n')
  t.equal(lines.length, 3)
  t.match(lines[1], / {2}\(its note and meta cannot be read\)$/)
  t.match(jsonLines(await printed(t, 'log', path, '--json')), [{ tid: 1 }, { tid: 2, unreadable: true }, { tid: 3 }])
})
