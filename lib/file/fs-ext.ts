// The native add-on fs-ext, which takes the locks of files. Found and loaded at the first lock, never at import: reading needs no compiled
// add-on. What the system refuses on the way is thrown as it is, and the next call tries again.
import { closeSync, openSync, realpathSync } from 'node:fs'
import { devNull } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
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
  let missing: unknown
  for (const [load, name] of ways()) {
    try {
      return load(name) as FsExt
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error
      missing ??= error
    }
  }
  throw missing
}

/** The add-on by each of its names, as it is found from each of the places. */
function* ways(): Generator<[load: NodeJS.Require, name: string]> {
  // Asked of Node itself: bundlers take an imported `createRequire` for theirs, or away.
  const { createRequire } = process.getBuiltinModule('node:module')
  for (const place of places()) {
    const load = createRequire(place)
    yield [load, NAME]
    // Where Node could not read the description of a package, for want of descriptors, it takes it for ever for missing.
    yield [load, FILE]
  }
}

/**
 * Where this code stands, or who has bundled it. In a bundle that is no module, `import.meta.url` is missing, or is the place that this
 * file had where the bundle was made, which is why the program that was started comes last.
 */
function* places(): Generator<string> {
  const own = ownName()
  if (own !== undefined && isAbsolute(own)) yield own
  if (import.meta.url) yield import.meta.url
  yield program()
}

/**
 * undefined: this stands in a module. Bundlers that make one may say all the same that `typeof __filename` is 'string'. There may be a
 * global one, too, that means something else: with `node -e` it is '[eval]'.
 */
function ownName(): string | undefined {
  try {
    return __filename
  } catch {
    return undefined
  }
}

/** That was started, as an installed command through a link. */
function program(): string {
  const name = process.argv[1] ?? join(process.cwd(), 'program')
  try {
    return realpathSync(name)
  } catch {
    return resolve(name)
  }
}

/** npm removes an optional package that could not be compiled, and then has nothing that it could rebuild. */
function remedy(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException
  if (isSystemError(cause)) return `cannot be read: ${message}.`
  if (code === 'ERR_DLOPEN_DISABLED')
    return 'Node was told not to load (--no-addons, or --permission without --allow-addons): start it without that.'
  if (code !== 'ERR_DLOPEN_FAILED' && code !== 'MODULE_NOT_FOUND') return `cannot be loaded: ${message}.`
  const tools = 'That takes a C++ compiler, make and Python 3.'
  return isInstalled()
    ? 'is installed but not compiled for this Node. Run `npm install-scripts approve fs-ext` (older versions of npm do ' +
        'not know this, nor need it), then `npm rebuild fs-ext`; with pnpm, `pnpm approve-builds`; with yarn, put ' +
        '`"dependenciesMeta": { "fs-ext": { "built": true } }` into package.json, and run `yarn install` and then ' +
        `\`yarn rebuild fs-ext\`. ${tools}`
    : `is not installed: it was left out, or could not be compiled. Run \`npm install fs-ext\`. ${tools}`
}

function isInstalled(): boolean {
  for (const [load, name] of ways()) {
    try {
      load.resolve(name)
      return true
    } catch {
      // not from there, or not by this name
    }
  }
  return false
}
