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
        [{ records: [root] }],
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
