import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { systemDisk } from '../../lib/file/system-disk.js'
import { verify, type Finding } from '../../lib/store/verify.js'
import { craft, craftFrames, SHAPE, varints, type CraftedRecord } from '../damage/crafted-file.js'
import { tempDir } from '../helpers/temp-dir.js'

function findings(t: Test, file: Buffer): string[] {
  const path = join(tempDir(t), 'app.db')
  writeFileSync(path, file)
  const found: Finding[] = []
  verify(systemDisk, path, finding => found.push(finding))
  return found.map(({ kind, oid, message }) => (kind === 'record' ? message : `${kind} of ${oid}: ${message}`))
}

const root = { oid: 1, refs: [20] }

t.test('what the newest versions refer to and is not there is reported', async t => {
  t.strictSame(
    findings(
      t,
      craft(
        [
          { oid: 1, refs: [20, 21, 22] },
          { oid: 20, refs: [1, 300] },
          { oid: 23, refs: [301], shape: 302 },
        ],
        [{ records: [{ ...root, back: 100 }] }],
      ),
    ),
    [
      'reference of 20: object 20 refers to object 300, which is not there',
      'shape of 23: object 23 names shape 302, which is none',
      'reference of 23: object 23 refers to object 301, which is not there',
    ],
  )
})

t.test('so is what objects refer to that stand behind a damaged record in a frame', async t => {
  const damaged: CraftedRecord = varints(60, SHAPE, 1, 0, 9999)
  const shape = { oid: SHAPE, shape: 0, state: Buffer.from('\x93\xa0\x01\x91\xa1x', 'latin1') }
  t.strictSame(
    findings(t, craftFrames([{ records: [shape, { oid: 1 }, damaged, { oid: 70, refs: [999, 1], shape: 555 }] }])),
    [
      'record 3 of a sound frame is damaged',
      'shape of 70: object 70 names shape 555, which is none',
      'reference of 70: object 70 refers to object 999, which is not there',
    ],
  )
})

t.test('a store without a root object is reported', async t => {
  t.strictSame(findings(t, craft([{ oid: 20 }])), ['root of 1: there is no root object'])
})

/** Four commits of a root, and one that is cut short; the frames begin where `frames` says. */
function commits(): { file: Buffer; frames: number[] } {
  const file = craft(
    [root],
    Array.from({ length: 5 }, () => ({ records: [{ oid: 1, state: Buffer.alloc(50) }] })),
  )
  const frames: number[] = []
  for (let at = file.indexOf('PFRM'); at >= 0; at = file.indexOf('PFRM', at + 1)) frames.push(at)
  return { file, frames }
}

t.test('all damaged stretches are reported, and the end that is no commit, but not that there is no root', async t => {
  const { file, frames } = commits()
  const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0, last = 0] = frames
  for (const at of [first + 80, third + 10, third + 80, last - 12]) file[at] = (file[at] ?? 0) ^ 1
  const path = join(tempDir(t), 'app.db')
  writeFileSync(path, file.subarray(0, -1))
  const found: Finding[] = []
  const { damage } = verify(systemDisk, path, finding => found.push(finding))
  const message = (text: string): RegExp => new RegExp(text)
  t.match(found, [
    { kind: 'frame', offset: first, message: message(`sound data follows from ${second} on$`) },
    {
      kind: 'frame',
      offset: third,
      message: message(`${fourth - third} bytes .*; sound data follows from ${fourth} on$`),
    },
    { kind: 'frame', offset: fifth, message: message('12 bytes .*; nothing sound follows$') },
    { kind: 'tail', offset: last, message: message(`^${file.length - 1 - last} bytes`) },
  ])
  t.same([found.length, damage], [4, 3])
})

t.test('so are damaged records of sound frames behind that', async t => {
  const damaged: CraftedRecord = varints(60, SHAPE, 2, 0, 9999)
  const file = craft([root], [{}, { records: [{ oid: 30 }, damaged, { oid: 31 }] }])
  const third = file.lastIndexOf('PFRM')
  file[4096 + 80] = 1
  const path = join(tempDir(t), 'app.db')
  writeFileSync(path, file)
  const found: Finding[] = []
  verify(systemDisk, path, finding => found.push(finding))
  t.match(found, [
    { kind: 'frame', offset: 4096 },
    { kind: 'record', message: /^1 of 3 records/ },
  ])
  t.same([found.length, found[1]?.offset], [2, third + 72])
})

t.test('what objects of a packed state refer to is not missed where that is damaged', async t => {
  const header = { kind: 'base', tid: 0, time: 0, nextOid: 0 } as const
  const shape = { oid: SHAPE, shape: 0, tid: 1, state: Buffer.from('\x93\xa0\x01\x91\xa1x', 'latin1') }
  const frames = [
    { header, records: [shape, { oid: 1, refs: [30], tid: 1 }] },
    { header, records: [{ oid: 30, tid: 1 }] },
  ]
  const baseEnd = craftFrames(frames).length
  const file = craftFrames(frames, { baseTid: 1, baseTime: 1, nextOid: 40, baseEnd })
  t.same(findings(t, file), [])
  file[file.length - 20] = (file[file.length - 20] ?? 0) ^ 1
  t.match(findings(t, file), [/^frame of undefined: the frame is damaged/])
  t.equal(findings(t, file).length, 1)
})
