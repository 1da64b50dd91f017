import t from 'tap'
import { checkFrame, readFrameHeader, sealFrame, SMALLEST_FRAME, type FrameHeader } from '../../lib/log/frame.js'
import { provedChecksum, repairHeader } from '../../lib/log/repair-header.js'
import { seeded, type Random } from '../helpers/seeded.js'

const before = { time: 1_700_000_000_000, nextOid: 100, syncedTo: 8192, boot: 0x12345678 }

/** A frame with any body, and what those around it tell of its header. */
function makeFrame(random: Random): { frame: Buffer; header: FrameHeader; told: FrameHeader } {
  const body = random.bytes(random.int(3000))
  const told: FrameHeader = {
    kind: 'commit',
    control: undefined,
    offset: 10_000 + random.int(10_000),
    tid: 1 + random.int(1000),
    bodyLength: body.length,
    records: random.int(50),
    previous: random.int(2 ** 32),
    salt: random.int(2 ** 32),
    ...before,
  }
  const header = {
    ...told,
    time: before.time + random.int(10 ** 9),
    nextOid: before.nextOid + random.int(1000),
    syncedTo: before.syncedTo + random.int(1000),
    boot: random.int(2 ** 32),
  }
  const frame = Buffer.alloc(SMALLEST_FRAME + body.length)
  frame.set(body, 72)
  sealFrame(frame, header)
  return { frame, header, told }
}

function repaired(frame: Buffer, told: FrameHeader): FrameHeader | undefined {
  const proved = provedChecksum(frame)
  const head = proved === undefined ? undefined : repairHeader(frame.subarray(0, 72), told, proved)
  return head && readFrameHeader(head, 0, told.offset, told.salt)
}

t.test('body and trailer prove the checksum of the header', async t => {
  const random = seeded(t)
  for (let n = 0; n < 200; n++) {
    const { frame } = makeFrame(random)
    const stored = frame.readUInt32LE(68)
    frame.fill(0, 0, 72)
    if (provedChecksum(frame) !== stored) t.equal(provedChecksum(frame), stored)
  }
  t.equal(provedChecksum(Buffer.alloc(100)), undefined, 'but not without a trailer')
})

t.test('any one or two neighbouring bytes are put right', async t => {
  const random = seeded(t)
  for (let at = 0; at < 72; at++) {
    for (const length of [1, 2]) {
      const { frame, header, told } = makeFrame(random)
      const damaged = Buffer.from(frame)
      for (let n = at; n < Math.min(72, at + length); n++) damaged[n] = (damaged[n] ?? 0) ^ (1 + random.int(255))
      // Two neighbours of different fields are no neighbours, and a checksum that is not there proves nothing.
      if (length === 2 && [31, 47, 55, 59, 67].includes(at)) continue
      t.same(repaired(damaged, told), header, `${length} at ${at}`)
    }
  }
})

t.test('so are all bytes of what those around it tell', async t => {
  const random = seeded(t)
  const { frame, header, told } = makeFrame(random)
  for (const [from, to] of [
    [0, 24],
    [32, 40],
    [60, 72],
  ] as const)
    frame.set(random.bytes(to - from), from)
  t.same(repaired(frame, told), header)
})

t.test('and a field of its own if it says what that of the frame before says', async t => {
  const { frame, told } = makeFrame(seeded(t))
  const header = { ...told, time: told.time + 1 }
  sealFrame(frame, header)
  frame.fill(0, 40, 60)
  t.same(repaired(frame, told), header)
})

t.test('nothing is made up where the body is damaged, too, or more than that is open', async t => {
  const random = seeded(t)
  let byChance = 0
  for (let n = 0; n < 300; n++) {
    const { frame, told } = makeFrame(random)
    const damaged = Buffer.from(frame)
    const inBody = n % 2 === 0 && told.bodyLength > 0
    if (inBody) {
      damaged[1] = 0
      const at = 72 + random.int(told.bodyLength)
      damaged[at] = (damaged[at] ?? 0) ^ (1 << random.int(8))
    } else {
      damaged.set(random.bytes(4), 24) // the time
      if (random.chance(0.5)) damaged[70] = (damaged[70] ?? 0) ^ 1
    }
    if (repaired(damaged, told) === undefined) continue
    if (inBody) t.fail(`case ${n} was put right`)
    else byChance++
  }
  // One or two bytes elsewhere have the right checksum, and are possible, once in some thousand cases.
  t.ok(byChance <= 3, `${byChance} were put right by chance`)
})

t.test('a repaired header makes the frame whole', async t => {
  const { frame, told } = makeFrame(seeded(t))
  const sound = Buffer.from(frame)
  frame[30] = 7
  const head = repairHeader(frame.subarray(0, 72), told, provedChecksum(frame) ?? 0)
  frame.set(head ?? [])
  t.ok(frame.equals(sound))
  const header = readFrameHeader(frame, 0, told.offset)
  t.ok(header && checkFrame(frame, 0, header))
})
