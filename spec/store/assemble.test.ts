import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { chainStart, encodeFileHeader, HEADER_LENGTH, saltOf } from '../../lib/log/file-header.js'
import { assembleCommit } from '../../lib/store/assemble.js'
import { stretchOf, type Draft, type Offset } from '../../lib/store/types.js'
import { draft, record } from '../helpers/drafts.js'
import { projectRoot } from '../helpers/project-root.js'
import { seeded } from '../helpers/seeded.js'

const uuid = Uint8Array.from({ length: 16 }, (_, n) => 16 + n)
const tail = { offset: HEADER_LENGTH, tid: 0, time: 0, nextOid: 16, checksum: chainStart(uuid), lastFrame: 0 }
const place = { tail, now: 1_700_000_000_000, salt: saltOf(uuid), boot: 0x12345678, syncedTo: HEADER_LENGTH }
const nowhere = () => 0 as Offset

t.test('a frame is a pure function of the draft and its place', async t => {
  const some = draft(record(-1, 'a', [1]), record(1, 'b', [-1]))
  const [one, two] = [assembleCommit(some, place, nowhere), assembleCommit(some, place, nowhere)]
  t.same(one, two)
})

t.test('at another place only numbers and links change: the states are the same', async t => {
  const random = seeded(t)
  const some = draft(...Array.from({ length: 20 }, (_, n) => record(-1 - n, `${random.next()}`, [-1, -20])))
  const far = { ...place, tail: { ...tail, offset: 2 ** 40, tid: 7, nextOid: 5000 } }
  const frame = assembleCommit(some, far, nowhere)
  t.equal(frame.firstOid, 5000)
  t.match(frame.tail, { tid: 8, nextOid: 5020, lastFrame: 2 ** 40, offset: 2 ** 40 + frame.bytes.length })
  const bytes = Buffer.from(frame.bytes)
  for (const { bytes: state } of some.records) if (!bytes.includes(Buffer.from(state))) t.fail('a state was changed')
})

t.test('the first oids are 16 and on, whatever stood in the header', async t => {
  const empty = { ...place, tail: { ...tail, nextOid: 0 } }
  t.equal(assembleCommit(draft(record(-1, 'x')), empty, nowhere).firstOid, 16)
})

t.test('the worked example of the format page is what is written, byte for byte', async t => {
  const page = readFileSync(join(projectRoot, 'spec', 'format.md'), 'utf8')
  const expected = Buffer.alloc(HEADER_LENGTH + 144)
  for (const [, at = '', hex = ''] of page.matchAll(/^([0-9a-f]{4}) {2}((?:[0-9a-f]{2} ){16})/gm)) {
    expected.write(hex.replaceAll(' ', ''), parseInt(at, 16), 'hex')
  }
  const header = {
    storeId: Uint8Array.from({ length: 16 }, (_, n) => n),
    uuid,
    generation: 1,
    baseTid: 0,
    baseTime: 0,
    nextOid: 16,
    baseEnd: HEADER_LENGTH,
    moments: [],
    idsSince: 0,
    readonlyFlags: 0,
  }
  const shape = Buffer.concat([Buffer.of(0x93, 0xa8), Buffer.from('Greeting'), Buffer.from([0, 0x92, 0xa4])])
  const example: Draft = {
    records: [
      { oid: -1, shape: 0, refs: [], ...stretchOf(Buffer.concat([shape, Buffer.from('text\xa2to', 'latin1')])) },
      { oid: 1, shape: -1, refs: [1], ...stretchOf(Buffer.from('\x92\xa2hi\x81\xa0\x00', 'latin1')) },
    ],
    fresh: 1,
    annotation: Buffer.from('\x81\xa4note\xa5first', 'latin1'),
  }
  const written = Buffer.concat([encodeFileHeader(header), assembleCommit(example, place, nowhere).bytes])
  t.equal(written.toString('hex'), expected.toString('hex'))
})
