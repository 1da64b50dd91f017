import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { craft, craftRoot, type CraftedRecord } from '../damage/crafted-file.js'
import { tempDir } from '../helpers/temp-dir.js'
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

t.test('what is sound and cannot be decoded is a finding each, and the check goes on', async t => {
  const path = join(tempDir(t), 'app.db')
  const state = (text: string): Buffer => Buffer.from(text, 'latin1')
  const file = craft(
    [
      { oid: 1, state: state('\x91\x92\x81\xa0\x00\x81\xa0\x01'), refs: [20, 21] },
      { oid: 17, shape: 0, state: state('\x93\xa5Thing\x01\x05') },
      { oid: 18, shape: 0, state: state('\x93\xb1PersistentCounter\x01\x91\xa5value') },
      { oid: 20, state: state('\x91\x81\xa0\x91\x63') },
      { oid: 21, state: state('\x92\x01\x02') },
      { oid: 22, shape: 17, state: state('\x90') },
      { oid: 23, shape: 18, state: state('\x91\xcb\x7f\xf0\0\0\0\0\0\0') },
    ],
    [{ annotation: Buffer.of(0xc1) }],
  )
  writeFileSync(path, file)
  const { code, stdout } = await perdure('verify', path, '--json')
  t.equal(code, 1)
  t.match(jsonLines(stdout), [
    { finding: { kind: 'note', message: /^what commit 2 says of itself/ } },
    { finding: { kind: 'shape', oid: 17, message: /^shape 17 cannot be decoded: a newer version of perdure may/ } },
    { finding: { kind: 'record', oid: 20, message: /^the state of object 20 \(root\) cannot be decoded: a newer/ } },
    { finding: { kind: 'record', oid: 21 } },
    { finding: { kind: 'collection', oid: 23, message: /its value is Infinity/ } },
    { kind: 'summary', damage: 5 },
  ])
  t.match(await perdure('inspect', path, '20'), {
    stderr: /app\.db: the stored state of object 20 \(root\) has a form/,
  })
  t.match(await perdure('inspect', path, '22'), { stderr: /app\.db: the shape 17 has a form/ })
  t.match(await perdure('dump', path), { stderr: /app\.db: the shape 17 has a form/ })
})

t.test('records that break a rule on which readers rely are findings', async t => {
  const path = join(tempDir(t), 'app.db')
  const state = Buffer.from('\x91\x01', 'latin1')
  const broken = async (record: CraftedRecord, more: readonly CraftedRecord[] = []): Promise<string> => {
    writeFileSync(path, craft([{ oid: 1, state }], [{ records: [record, ...more] }]))
    return (await perdure('verify', path)).stdout
  }
  t.match(await broken({ oid: 20, state, tid: 1 }), /object 20 says commit 1, in the frame of commit 2/)
  t.match(
    await broken({ oid: 20, state, back: 100 }),
    /object 20 says that it replaces a version, and none stands before/,
  )
  t.match(await broken({ oid: 1, state }), /object 1 does not say which version it replaces/)
  t.match(
    await broken({ oid: 20, state }, [{ oid: 20, state, back: 12 }]),
    /object 20 stands twice in commit 2\n.*1 finding/,
  )
})

t.test('pack and dump say what is missing', async t => {
  const path = join(tempDir(t), 'app.db')
  writeFileSync(path, craftRoot(Buffer.from('\x91\x81\xa0\x00', 'latin1'), [77]))
  const missing = /app\.db: object 77, to which others refer, is missing; /
  t.match(await perdure('pack', path), { code: 1, stderr: missing })
  t.match(await perdure('dump', path), { code: 1, stderr: missing })
  writeFileSync(path, craft([{ oid: 1, shape: 99, state: Buffer.of(0x90) }]))
  t.match(await perdure('pack', path), { code: 1, stderr: /app\.db: the shape 99 of object 1 is missing; / })
  t.match(await perdure('dump', path), { code: 1, stderr: /app\.db: the shape 99 is missing; / })
})
