// The frames that were applied last, if they are few, as bytes: who asks for what has just arrived need not read it again.
const NOTHING = new Uint8Array(0)

/** More than these are not kept; they stand in a place that is used again. */
const MOST = 1 << 15

export class RecentBytes {
  bytes: Uint8Array = NOTHING
  /** Where the first of them stands in the file ... */
  from = 0
  /** ... and up to where they are what stands there for good. */
  to = 0

  keep(bytes: Uint8Array, from: number, to: number): void {
    const isMuch = bytes.length > MOST
    this.bytes = isMuch ? NOTHING : bytes
    this.from = from
    this.to = isMuch ? from : to
  }
}
