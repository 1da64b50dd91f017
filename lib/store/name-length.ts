// How long the name of a store may be: systems take no longer one than 255 bytes, and those of the files beside it begin with it.
import { basename } from 'node:path'
import { UnsupportedError } from '../error.js'

const LONGEST_NAME = 255
const LONGEST_ENDING = '.torn-9007199254740991-0123abcd'.length

/** Before a store is made that could be neither packed nor repaired. Throws UnsupportedError. */
export function refuseLongName(path: string): void {
  const bytes = Buffer.byteLength(basename(path))
  const most = LONGEST_NAME - LONGEST_ENDING
  if (bytes <= most) return
  throw new UnsupportedError(
    `${path}: this name has ${bytes} bytes, and that of a store may have ${most}, as the files beside it have longer ones: choose a shorter one`,
  )
}
