// The floor: the system calls of a commit and nothing else, on as many bytes as a commit of one small object appends.
import { constants, openSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'

const { flockSync, seekSync } = createRequire(import.meta.url)('fs-ext') as {
  readonly flockSync: (fd: number, flags: 'exnb' | 'un') => void
  readonly seekSync: (fd: number, position: number, whence: number) => number
}
const FRAME = Buffer.alloc(108, 1)
const SEEK_END = 2

const [path = '', commits = '100000'] = process.argv.slice(2)
const data = openSync(path, constants.O_CREAT | constants.O_RDWR | constants.O_APPEND)
const sidecar = openSync(`${path}.lock`, constants.O_CREAT | constants.O_RDWR)

function commit(): void {
  seekSync(data, 0, SEEK_END)
  flockSync(sidecar, 'exnb')
  flockSync(data, 'exnb')
  seekSync(data, 0, SEEK_END)
  writeSync(data, FRAME)
  flockSync(data, 'un')
  flockSync(sidecar, 'un')
}

for (let n = 0; n < 2000; n++) commit()
const started = performance.now()
for (let n = 0; n < Number(commits); n++) commit()
console.log((Number(commits) / (performance.now() - started)) * 1000)
