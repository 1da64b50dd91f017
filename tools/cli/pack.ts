// `perdure pack`: the library's pack, with a progress bar; Ctrl-C stops it, and nothing is changed then.
import type { Command } from 'commander'
import { systemDisk } from '../../lib/file/system-disk.js'
import { pack, type PackResult } from '../../lib/store/pack.js'
import { Store } from '../../lib/store/store.js'
import { wholeNumber } from './arguments.js'
import { EXIT, Refusal, type ExitCode } from './exit-code.js'
import { print, printJson } from './output.js'
import { ProgressBar } from './progress-bar.js'
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
  const result = await interruptible(path, async signal => {
    const store = Store.open(systemDisk, path, { lockTimeout, unsafeFilesystem: unsafeFilesystem === true })
    const bar = new ProgressBar()
    try {
      return await pack(store, { signal, onProgress: progress => bar.update(progress) })
    } finally {
      bar.clear()
      store.close()
    }
  })
  if (json) printJson({ path, ...result })
  else print(describe(result))
  return EXIT.done
}

/** Ctrl-C asks `run` to stop; a second one ends the process at once. */
async function interruptible<T>(path: string, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const interrupt = (): void => controller.abort()
  process.once('SIGINT', interrupt)
  try {
    return await run(controller.signal)
  } catch (error) {
    if (!controller.signal.aborted) throw error
    throw new Refusal(EXIT.interrupted, `${path}: interrupted; the store is as it was`)
  } finally {
    process.off('SIGINT', interrupt)
  }
}

function describe({ bytesBefore, bytesAfter, objects, dropped }: PackResult): string {
  const sizes = [bytesBefore, bytesAfter].map(bytes => size(bytes, Math.max(bytesBefore, bytesAfter)))
  return `${sizes.join(' -> ')}, ${count(objects, 'object')} kept, ${count(dropped)} dropped`
}
