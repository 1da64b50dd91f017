// Where the project stands, whatever folder it was compiled into.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const find = (from: string): string =>
  existsSync(join(from, 'package.json')) || dirname(from) === from ? from : find(dirname(from))

/** The folder of package.json. */
export const projectRoot = find(dirname(fileURLToPath(import.meta.url)))
