import { appendFileSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import t from 'tap'
import { bank, commitOffsets, damage, jsonLines, perdure, printed } from './cli-tool.js'

t.test('a sound store: a summary, and exit code 0', async t => {
  const path = bank(t)
  t.match(await printed(t, 'verify', path), /: 4 commits, \d+ records, \d\.\d KiB: no damage\n$/)
  t.match(jsonLines(await printed(t, 'verify', path, '--json')), [
    { kind: 'summary', path, commits: 4, damage: 0, bytes: readFileSync(path).length },
  ])
})

t.test('after a pack the commits are those since', async t => {
  const path = bank(t)
  await printed(t, 'pack', path)
  t.match(await printed(t, 'verify', path), /: 0 commits since the pack up to 4, \d+ records, \d\.\d KiB: no damage\n$/)
  t.match(jsonLines(await printed(t, 'verify', path, '--json')), [{ kind: 'summary', commits: 0, packedUpTo: 4 }])
})

t.test('damage: a line for each finding, then the summary, and exit code 1', async t => {
  const path = bank(t)
  const offset = (await commitOffsets(t, path)).get(3)!
  damage(path, offset + 90)
  const { code, stdout, stderr } = await perdure('verify', path)
  t.same([code, stderr], [1, ''])
  const [finding, summary, ...rest] = stdout.trimEnd().split('\n')
  t.match(finding, new RegExp(`^damage at offset ${offset} \\(frame\\): `))
  t.match(summary, /: 2 commits, \d+ records, \d\.\d KiB: 1 finding of damage$/)
  t.same(rest, [])
  const run = await perdure('verify', path, '--json')
  t.equal(run.code, 1)
  t.match(jsonLines(run.stdout), [
    { kind: 'finding', finding: { kind: 'frame', offset } },
    { kind: 'summary', commits: 2, damage: 1, bytes: offset },
  ])
})

t.test('an incomplete commit at the end is a remark, not damage', async t => {
  const path = bank(t)
  const bytes = readFileSync(path)
  appendFileSync(path, 'PFRM')
  const text = await printed(t, 'verify', path)
  t.match(text, new RegExp(`^remark at offset ${bytes.length}: 4 bytes of an incomplete commit.*\n.*: no damage\n$`))
  t.match(jsonLines(await printed(t, 'verify', path, '--json')), [
    { kind: 'finding', finding: { kind: 'tail', offset: bytes.length } },
    { kind: 'summary', damage: 0, commits: 4 },
  ])
})

t.test('nothing is written, not even a lock file', async t => {
  const path = bank(t)
  rmSync(`${path}.lock`)
  const before = readFileSync(path)
  for (const command of ['verify', 'inspect', 'log']) await printed(t, command, path)
  t.same(readdirSync(dirname(path)), ['bank.db'])
  t.ok(readFileSync(path).equals(before))
})
