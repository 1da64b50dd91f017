// A new store from the text of a dump. Takes nothing on trust: what it makes is checked like a store that somebody else wrote, before
// it has its name. See spec/format.md.
import { BadDumpError, SchemaError } from '../error.js'
import { asDiskError } from '../file/disk-error.js'
import type { Disk } from '../file/disk.js'
import { DumpedRecords, type DumpHead } from './dumped-records.js'
import { FormError } from '../object/json.js'
import { eachGiving, inSlices, type LongWork } from '../store/long-work.js'
import { NewStore } from '../store/new-store.js'
import type { VerifyProgress } from '../store/verify.js'
import { verifyCollectionsAsync } from './verify-collections.js'

/** How far loading has come. */
export interface LoadProgress {
  /** The text is gone through, then what was made of it. */
  readonly what: 'loading' | 'checking'
  /** Bytes of the text so far; then records or bytes of the new file, of `all`. */
  readonly done: number
  /** undefined: nobody knows before the end. */
  readonly all: number | undefined
}

export interface LoadReport {
  readonly records: number
  /** Objects of which nothing was left in the dump. */
  readonly lost: number
  /** What is wrong with collections whose parts are among them. */
  readonly damaged: readonly string[]
  /** The commit whose state it is. */
  readonly tid: number
}

/** As that of a store that `open` makes, unless told: what was private stays it. */
const MODE = 0o600
const LINE_END = 0x0a
/** No string is longer, so no line that was written is; and the first one is short. */
const LONGEST_LINE = 0x1fffffe8
const LONGEST_FIRST = 1 << 12

/**
 * Makes a new store at `to` from the text that comes in pieces; `from` is its name. Rejects with BadDumpError (it is no whole
 * dump: nothing was made), UnsupportedError (`to` exists), DiskError, or the reason of `options.signal` when that is aborted.
 */
export async function loadDump(
  disk: Disk,
  from: string,
  pieces: AsyncIterable<Uint8Array>,
  to: string,
  options: LongWork<LoadProgress> = {},
): Promise<LoadReport> {
  const load = new Load(disk, from, to)
  try {
    NewStore.pathFor(disk, to)
    for await (const piece of reading(from, pieces)) {
      options.signal?.throwIfAborted()
      load.take(piece)
      options.onProgress?.({ what: 'loading', done: load.bytes, all: undefined })
    }
    options.signal?.throwIfAborted()
    return await load.finish(options)
  } catch (error) {
    throw asDiskError(to, error)
  } finally {
    load.discard()
  }
}

async function* reading(from: string, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  try {
    yield* pieces
  } catch (error) {
    throw asDiskError(from, error)
  }
}

class Load {
  readonly #disk: Disk
  readonly #from: string
  readonly #to: string
  readonly #records: DumpedRecords
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  /** Made with the first record. */
  #made: NewStore | undefined
  /** Of the line whose end has not come yet. */
  #begun: Uint8Array[] = []
  #begunBytes = 0
  #line = 0
  bytes = 0

  constructor(disk: Disk, from: string, to: string) {
    this.#disk = disk
    this.#from = from
    this.#to = to
    this.#records = new DumpedRecords(record => {
      this.#store.writer.add(record)
    })
  }

  get #store(): NewStore {
    return (this.#made ??= new NewStore(this.#disk, this.#to, MODE))
  }

  /** What was made goes, unless it has its name. */
  discard(): void {
    this.#made?.discard()
  }

  take(piece: Uint8Array): void {
    this.bytes += piece.length
    let from = 0
    for (let end = piece.indexOf(LINE_END); end >= 0; end = piece.indexOf(LINE_END, from)) {
      this.#take(this.#whole(piece.subarray(from, end)))
      from = end + 1
    }
    if (from === piece.length) return
    this.#begun.push(piece.slice(from))
    this.#begunBytes += piece.length - from
    if (this.#begunBytes > (this.#line === 0 ? LONGEST_FIRST : LONGEST_LINE))
      throw new BadDumpError(this.#from, this.#line + 1, 'it is longer than such a line can be')
  }

  /** With what came before it. */
  #whole(last: Uint8Array): Uint8Array {
    if (this.#begun.length === 0) return last
    const whole = Buffer.concat([...this.#begun, last])
    this.#begun = []
    this.#begunBytes = 0
    return whole
  }

  #take(line: Uint8Array): void {
    this.#line++
    this.#checked(() => {
      this.#records.take(this.#parse(line))
    })
  }

  #parse(line: Uint8Array): unknown {
    try {
      return JSON.parse(this.#decoder.decode(line))
    } catch (error) {
      throw new FormError(`this is no JSON (${(error as Error).message})`)
    }
  }

  /** All of the text has been taken: checks what was made of it, and gives it its name. */
  async finish(options: LongWork<LoadProgress>): Promise<LoadReport> {
    if (this.#begun.length > 0) this.#take(this.#whole(new Uint8Array()))
    const head = this.#checked(() => this.#records.finish())
    const { count: records, lost } = this.#records
    await inSlices(this.#disk, this.#finishing(head), options)
    const damaged = await this.#checkCollections(options)
    const [first] = damaged
    if (first !== undefined && lost === 0)
      throw new BadDumpError(this.#from, this.#line, `what it says of a collection is wrong: ${first}`)
    this.#store.publish()
    return { records, lost, damaged, tid: head.tid }
  }

  async #checkCollections(options: LongWork<LoadProgress>): Promise<string[]> {
    const onProgress = ({ done, all }: VerifyProgress): void => options.onProgress?.({ what: 'checking', done, all })
    const wrong: string[] = []
    const path = this.#store.temporaryPath
    await verifyCollectionsAsync(this.#disk, path, ({ message }) => wrong.push(message), { ...options, onProgress })
    return wrong
  }

  *#finishing({ tid, time, nextOid, idsSince }: DumpHead): Generator<LoadProgress, void> {
    const header = { baseTid: tid, baseTime: time, nextOid, idsSince }
    const progress: LoadProgress = { what: 'checking', done: 0, all: undefined }
    yield* eachGiving(
      progress,
      this.#store.finish(header, () => true),
    )
  }

  #checked<T>(act: () => T): T {
    try {
      return act()
    } catch (error) {
      if (!(error instanceof FormError) && !(error instanceof SchemaError)) throw error
      throw new BadDumpError(this.#from, this.#line, error.message)
    }
  }
}
