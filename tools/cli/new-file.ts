// Where a command is told to write a new file: what can be said of that before any work is done.
import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { EXIT, Refusal } from './exit-code.js'

/** Throws Refusal: there is no such directory. That the file itself does not exist is seen when it is made. */
export function checkNewFile(path: string): void {
  const directory = dirname(path)
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return
  throw new Refusal(EXIT.couldNot, `${path}: there is no directory ${directory}`)
}
