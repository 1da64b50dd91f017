// The native add-on fs-ext, which takes the locks of files. Found and loaded at the first lock, never at import: reading needs no compiled
// add-on. What the system refuses on the way is thrown as it is, and the next call tries again.
import { closeSync, openSync } from 'node:fs'
import { createRequire } from 'node:module'
import { devNull } from 'node:os'
import { join } from 'node:path'
import { UnsupportedError } from '../error.js'
import type { Fd } from './disk.js'
import { isSystemError } from './disk-error.js'

export interface FsExt {
  flockSync(fd: Fd, flags: 'exnb' | 'un'): void
  seekSync(fd: Fd, position: number, whence: number): number
}

const NAME = 'fs-ext'
/** Its file, as far as one name is known for it. */
const FILE = 'fs-ext/fs-ext.js'

let load: NodeJS.Require | undefined
let loaded: FsExt | undefined

/** undefined: nobody has needed it yet. */
export function fsExtIfLoaded(): FsExt | undefined {
  return loaded
}

/** Throws UnsupportedError that says what to do, or the system's error. */
export function loadFsExt(): FsExt {
  try {
    return (loaded ??= find())
  } catch (cause) {
    if (isSystemError(cause)) {
      if (cause.code !== 'EACCES' && cause.code !== 'EPERM') throw cause
    } else {
      closeSync(openSync(devNull, 'r')) // a process that is out of descriptors is told that, by the system: it passes
    }
    throw new UnsupportedError(`writing needs the add-on fs-ext, which ${remedy(cause)} Reading works without it.`, {
      cause,
    })
  }
}

function find(): FsExt {
  load ??= createRequire(here())
  try {
    return load(NAME) as FsExt
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error
    // Where Node could not read the description of a package, for want of descriptors, it takes it for ever for missing.
    return load(FILE) as FsExt
  }
}

/** Where this code stands, or who has bundled it: with some bundlers there is no `import.meta.url` in what is no module. */
function here(): string {
  const url = import.meta.url as string | undefined
  if (url) return url
  return typeof __filename === 'undefined' ? join(process.cwd(), 'bundle') : __filename
}

/** npm removes an optional package that could not be compiled, and then has nothing that it could rebuild. */
function remedy(cause: unknown): string {
  if (isSystemError(cause)) return `cannot be read: ${cause.message}.`
  if ((cause as NodeJS.ErrnoException).code === 'ERR_DLOPEN_DISABLED')
    return 'Node was told not to load (--no-addons, or --permission without --allow-addons): start it without that.'
  const tools = 'That takes a C++ compiler, make and Python 3.'
  return isInstalled()
    ? 'is installed but not compiled for this Node. Run `npm install-scripts approve fs-ext` (older versions of npm do ' +
        `not know this, nor need it), then \`npm rebuild fs-ext\`. ${tools}`
    : `is not installed: it was left out, or could not be compiled. Run \`npm install fs-ext\`. ${tools}`
}

function isInstalled(): boolean {
  for (const name of [NAME, FILE]) {
    try {
      load?.resolve(name)
      return true
    } catch {
      // not by this name
    }
  }
  return false
}
