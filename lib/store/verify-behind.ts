// What the check of a file says of what stands behind the first damage: each further damaged stretch or header, damaged records of sound frames,
// and an end that is no commit. What the records say is not checked there: nobody knows which state they belong to.
import type { CorruptLogError } from '../error.js'
import { FRAME_HEADER_LENGTH } from '../log/frame.js'
import { DamagedLog, type FramePart } from './damaged-log.js'
import { FrameRecords } from './frame-records.js'
import type { Generation } from './generation.js'
import type { Finding } from './verify.js'

/** Gives how far it is now and then. */
export function* checkBehind(
  { file, path, header: fileHeader }: Generation,
  first: CorruptLogError,
  report: (finding: Finding) => void,
): Generator<number, void> {
  const { baseTid: tid, nextOid } = fileHeader
  let told = 0
  let rebuilt = 0
  /** `next`: where sound data goes on behind the damage that has not been told yet. */
  const tellDamage = (next: number | undefined): void => {
    for (const { offset, bytes } of log.skipped.slice(told)) {
      told++
      if (offset <= first.offset) continue
      const message = `more damage: ${bytes} bytes hold nothing sound; ${whatFollows(next)}`
      report({ kind: 'frame', offset, message })
    }
    for (const { offset } of log.rebuilt.slice(rebuilt)) {
      rebuilt++
      if (offset > first.offset)
        report({ kind: 'frame', offset, message: 'more damage: the header of a frame, which a salvage can put right' })
    }
  }
  function* take({ header, at, isWhole, bytes }: FramePart): Generator<void, number> {
    const records = new FrameRecords(header, bytes, log.salt, { tid, nextOid })
    let count = 0
    const sound = yield* records.each(() => count++)
    if (!isWhole) return sound
    tellDamage(at)
    if (at > first.offset && count < header.records) {
      const message = `${header.records - count} of ${header.records} records of a sound frame are damaged`
      report({ kind: 'record', offset: at + FRAME_HEADER_LENGTH, message })
    }
    return sound
  }
  const log: DamagedLog = new DamagedLog(file, path, fileHeader, take)
  yield* log.goThrough()
  tellDamage(undefined)
  if (log.torn === undefined) return
  const { offset, bytes } = log.torn
  report({ kind: 'tail', offset, message: `${bytes} bytes behind the damage are no commit: a salvage leaves them out` })
}

export function whatFollows(next: number | undefined): string {
  return next === undefined ? 'nothing sound follows' : `sound data follows from ${next} on`
}
