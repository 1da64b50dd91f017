import t from 'tap'
import { checksum } from '../../lib/log/checksum.js'
import {
  checkFrame,
  FRAME_HEADER_LENGTH,
  FRAME_TRAILER_LENGTH,
  frameLength,
  LARGEST_FRAME,
  mayBeginFrame,
  readFrameHeader,
  sealFrame,
  SMALLEST_FRAME,
  type FrameHeader,
} from '../../lib/log/frame.js'

const SALT = 0xfedcba98
const body = Buffer.from('the body')
const header: FrameHeader = {
  kind: 'commit',
  control: undefined,
  offset: 4096,
  tid: 5,
  time: 1_700_000_000_000,
  bodyLength: body.length,
  records: 2,
  nextOid: 20,
  syncedTo: 4000,
  boot: 0x89abcdef,
  previous: 0x12345678,
  salt: SALT,
}

function seal(fields: Partial<FrameHeader> = {}): Uint8Array {
  const frame = new Uint8Array(SMALLEST_FRAME + body.length)
  frame.set(body, FRAME_HEADER_LENGTH)
  sealFrame(frame, { ...header, ...fields })
  return frame
}
/** A frame whose header was changed afterwards, with a checksum that fits again. */
function forged(change: (view: DataView) => void): Uint8Array {
  const frame = seal()
  const view = new DataView(frame.buffer)
  change(view)
  view.setUint32(68, checksum(frame.subarray(0, 68)), true)
  return frame
}
const read = (frame: Uint8Array, offset = 4096) => readFrameHeader(frame, 0, offset, SALT)

t.test('a frame is a header of 72 bytes, its body and a trailer of 12', async t => {
  const frame = seal()
  t.same([FRAME_HEADER_LENGTH, FRAME_TRAILER_LENGTH], [72, 12])
  t.equal(frameLength(header), frame.length)
  t.equal(Buffer.from(frame.subarray(0, 4)).toString(), 'PFRM')
  t.equal(Buffer.from(frame.subarray(-4)).toString(), 'FEND')
  t.equal(
    Buffer.from(frame).readUInt32LE(frame.length - 8),
    frame.length,
    'its length stands at its end, to walk backwards',
  )
})

t.test('a header is read as it was written, for each kind of frame', async t => {
  t.same(read(seal()), header)
  for (const control of ['superseded', 'suspect'] as const) {
    t.same(read(seal({ kind: 'control', control })), { ...header, kind: 'control', control })
  }
  t.same(read(seal({ kind: 'base' })), { ...header, kind: 'base' })
})

t.test('numbers go up to 2^53 - 1, and checksums to 2^32 - 1', async t => {
  const most = Number.MAX_SAFE_INTEGER
  const largest = {
    offset: most,
    tid: most,
    time: most,
    nextOid: most,
    syncedTo: most,
    boot: 2 ** 32 - 1,
    previous: 2 ** 32 - 1,
  }
  t.same(readFrameHeader(seal(largest), 0, most, SALT), { ...header, ...largest })
})

t.test('an impossible number is no header', async t => {
  for (const at of [8, 16, 24, 40, 48]) {
    t.equal(read(forged(view => view.setBigUint64(at, 2n ** 53n, true))), undefined, `2^53 at ${at}`)
  }
  t.equal(
    read(forged(view => view.setUint32(32, LARGEST_FRAME - SMALLEST_FRAME + 1, true))),
    undefined,
    'more than 1 GiB',
  )
  t.ok(read(forged(view => view.setUint32(32, LARGEST_FRAME - SMALLEST_FRAME, true))), '1 GiB')
  t.equal(read(forged(view => view.setUint8(4, 0))), undefined, 'no kind')
  t.equal(read(forged(view => view.setUint8(4, 4))), undefined, 'an unknown kind')
  t.equal(read(forged(view => view.setUint8(5, 1))), undefined, 'a commit that controls')
  t.equal(read(forged(view => view.setUint8(4, 3))), undefined, 'a control frame that says nothing')
})

t.test('a frame is of one place in one file', async t => {
  t.equal(read(seal(), 8192), undefined, 'at another offset it is none')
  t.equal(readFrameHeader(seal(), 0, 4096, SALT + 1), undefined, 'in a file with another uuid it is none')
})

t.test('a header that is not all there is none', async t => {
  const frame = seal()
  for (let length = 0; length < FRAME_HEADER_LENGTH; length++) {
    if (read(frame.subarray(0, length)) !== undefined) t.fail(`${length} bytes were taken for a header`)
  }
  t.ok(read(frame.subarray(0, FRAME_HEADER_LENGTH)))
})

t.test('no byte of a frame can change unnoticed', async t => {
  const frame = seal()
  const unnoticed: number[] = []
  for (let at = 0; at < frame.length; at++) {
    for (const bit of [0x01, 0x80]) {
      const damaged = Uint8Array.from(frame)
      damaged[at] = (damaged[at] ?? 0) ^ bit
      const found = read(damaged)
      if (found !== undefined && checkFrame(damaged, 0, found) !== undefined) unnoticed.push(at)
    }
  }
  t.same(unnoticed, [])
  t.ok(checkFrame(frame, 0, header))
})

t.test('the checksum of a frame covers its header too, so that the next frame tells which one it follows', async t => {
  const [one, other] = [seal(), seal({ tid: 6 })]
  t.not(checkFrame(one, 0, header), checkFrame(other, 0, header))
})

t.test('a frame in the middle of other bytes is read where it stands', async t => {
  const bytes = Buffer.concat([Buffer.alloc(13, 0xff), seal(), Buffer.alloc(7, 0xff)])
  const found = readFrameHeader(bytes, 13, 4096, SALT)
  t.same(found, header)
  t.equal(checkFrame(bytes, 13, header), checkFrame(seal(), 0, header))
})

t.test('fewer bytes than a header may begin a frame, if they begin with its magic', async t => {
  const frame = seal()
  for (let length = 0; length < FRAME_HEADER_LENGTH; length++) {
    if (!mayBeginFrame(frame.subarray(0, length))) t.fail(`${length} bytes of a frame were not taken for its beginning`)
  }
  t.notOk(mayBeginFrame(Buffer.from('PX')))
  t.notOk(mayBeginFrame(new Uint8Array(20)))
})
