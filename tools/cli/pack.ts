// `perdure pack`: the library's pack, with a progress bar; Ctrl-C stops it, and nothing is changed then.
import type { Command } from 'commander'
import { systemDisk } from '../../lib/file/system-disk.js'
import { pack, type PackResult } from '../../lib/store/pack.js'
import type { PackProgress } from '../../lib/store/live-copy.js'
import { Store } from '../../lib/store/store.js'
import { wholeNumber } from './arguments.js'
import { EXIT, type ExitCode } from './exit-code.js'
import { interruptible } from './interruptible.js'
import { print, printJson } from './output.js'
import { count, size } from './units.js'

interface Options {
  readonly json?: true
  readonly lockTimeout: number
  readonly unsafeFilesystem?: true
}

export function addPack(program: Command, exit: (code: ExitCode) => void): void {
  program
    .command('pack <file>')
    .description('drop old versions and unreachable objects from a store, while others go on reading and writing it')
    .option('--json', 'print the result as one JSON object')
    .option('--lock-timeout <ms>', 'how long to wait for a process that holds the commit lock', wholeNumber, 10_000)
    .option('--unsafe-filesystem', 'go on although the file seems to be on a network file system')
    .action(async (file: string, options: Options) => exit(await runPack(file, options)))
}

async function runPack(path: string, { json, lockTimeout, unsafeFilesystem }: Options): Promise<ExitCode> {
  const result = await interruptible(`${path}: interrupted; the store is as it was`, async (signal, bar) => {
    const store = Store.open(systemDisk, path, { lockTimeout, unsafeFilesystem: unsafeFilesystem === true })
    const onProgress = ({ objects, most, bytes }: PackProgress): void =>
      bar.update(objects, most, `${count(objects, 'record')}  ${size(bytes)}`)
    try {
      return await pack(store, { signal, onProgress })
    } finally {
      store.close()
    }
  })
  if (json) printJson({ path, ...result })
  else print(describe(result))
  return EXIT.done
}

function describe({ bytesBefore, bytesAfter, objects, dropped }: PackResult): string {
  const sizes = [bytesBefore, bytesAfter].map(bytes => size(bytes, Math.max(bytesBefore, bytesAfter)))
  return `${sizes.join(' -> ')}, ${count(objects, 'record')} kept, ${count(dropped)} dropped`
}
