// Logs made frame by frame, right or wrong as a test needs them, without the code that writes them otherwise.
import { chainStart, encodeFileHeader, HEADER_LENGTH, saltOf, type FileHeader } from '../../lib/log/file-header.js'
import { FRAME_HEADER_LENGTH, sealFrame, SMALLEST_FRAME, type FrameHeader } from '../../lib/log/frame.js'

export class LogBuilder {
  readonly header: FileHeader
  readonly salt: number
  bytes: Buffer
  /** Where each frame ends; the first entry is the end of the file header. */
  readonly ends: number[] = [HEADER_LENGTH]
  #tid: number
  #time: number
  #nextOid: number
  #previous: number

  constructor(fields: Partial<FileHeader> = {}) {
    this.header = {
      storeId: new Uint8Array(16).fill(1),
      uuid: new Uint8Array(16).fill(2),
      generation: 1,
      baseTid: 0,
      baseTime: 0,
      nextOid: 16,
      baseEnd: HEADER_LENGTH,
      moments: [],
      idsSince: 0,
      readonlyFlags: 0,
      ...fields,
    }
    this.bytes = Buffer.from(encodeFileHeader(this.header))
    this.salt = saltOf(this.header.uuid)
    this.#tid = this.header.baseTid
    this.#time = Math.max(1, this.header.baseTime)
    this.#nextOid = this.header.nextOid
    this.#previous = chainStart(this.header.uuid)
  }

  get end(): number {
    return this.bytes.length
  }

  /** One commit for each text, as its body. */
  commits(...texts: string[]): this {
    for (const text of texts) this.frame({ tid: this.#tid + 1, time: this.#time + 1 }, text)
    return this
  }

  superseded(): this {
    return this.frame({ kind: 'control', control: 'superseded' }, 'the uuid of a new')
  }

  base(text: string): this {
    return this.frame({ kind: 'base', tid: 0, time: 0, nextOid: 0 }, text)
  }

  /** Any frame; what is not told fits the frame before. */
  frame(fields: Partial<FrameHeader>, text = ''): this {
    const frame = Buffer.alloc(SMALLEST_FRAME + Buffer.byteLength(text))
    frame.write(text, FRAME_HEADER_LENGTH)
    const header: FrameHeader = {
      kind: 'commit',
      control: undefined,
      offset: this.end,
      tid: this.#tid,
      time: this.#time,
      bodyLength: Buffer.byteLength(text),
      records: 0,
      nextOid: this.#nextOid,
      syncedTo: HEADER_LENGTH,
      boot: 0,
      previous: this.#previous,
      salt: this.salt,
      ...fields,
    }
    this.#previous = sealFrame(frame, header)
    if (header.kind !== 'base') {
      this.#tid = header.tid
      this.#time = header.time
      this.#nextOid = header.nextOid
    }
    this.bytes = Buffer.concat([this.bytes, frame])
    this.ends.push(this.end)
    return this
  }
}
