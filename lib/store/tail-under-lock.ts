// What a writer does first with the lock held: applies what has arrived, and repairs the end of the log where one that died has
// left it torn, or an index file beside it that is not of this log. A little is read under the lock, never much: for more the lock is given up.
import type { TailStatus } from '../log/log-reader.js'
import { cutShortFrame, setTornEndAside } from '../log/recovery.js'
import type { CurrentFile } from './current-file.js'

/** More bytes than this to catch up with are read without the lock. */
const MOST_UNDER_LOCK = 1 << 20

/** `superseded`, `budget`: the lock must be given up to go on. */
export function tailUnderLock(current: CurrentFile): Exclude<TailStatus, 'short' | 'torn'> {
  const { reader, writer, file, path } = current.generation
  for (;;) {
    const status = reader.advance(MOST_UNDER_LOCK, true)
    if (status === 'short') {
      cutShortFrame(reader, writer)
    } else if (status === 'torn') {
      const saved = setTornEndAside(file, path, reader, writer)
      file.disk.warn(
        `${path}: a power cut has damaged the end of the store, behind commit ${reader.tail.tid}, before it was on disk. ` +
          `It was cut off and saved as ${saved}.`,
      )
    } else if (status === 'superseded' && current.isAtPath()) {
      reader.passSuperseded()
    } else {
      if (status === 'end') current.generation.checkIndexFile()
      return status
    }
  }
}
