// `perdure dump`: all of a store as text, to standard output or into a new file.
import type { Command } from 'commander'
import { systemDisk } from '../../lib/file/system-disk.js'
import { dump, type DumpProgress, type DumpReport } from '../../lib/collection/dump.js'
import type { Store } from '../../lib/store/store.js'
import { UNTIL } from './arguments.js'
import { EXIT, type ExitCode } from './exit-code.js'
import { interruptible } from './interruptible.js'
import { checkNewFile, intoNewFile } from './new-file.js'
import { print, printJson, say, write as writeAll } from './output.js'
import type { ProgressBar } from './progress-bar.js'
import { withStore, type StoreToRead } from './store-to-read.js'
import { count, harmless } from './units.js'

interface Options {
  readonly output?: string
  readonly until?: number
  readonly json?: true
}

/** Characters that are gathered before they are written. */
const GATHERED = 1 << 16

export function addDump(program: Command, exit: (code: ExitCode) => void): void {
  program
    .command('dump <file>')
    .description(
      'write all that can be reached in a store as text: one JSON object a line, which load can make a store of',
    )
    .option('-o, --output <new file>', 'where to, instead of standard output (-); it must not exist')
    .option(...UNTIL)
    .option('--json', 'with -o, print the report as one JSON object')
    .action(async (file: string, options: Options) => exit(await runDump(file, options, exit)))
}

/** Tells at the first loss how it will end, should nobody read the rest. */
async function runDump(
  path: string,
  { output: given, until, json }: Options,
  exit: (code: ExitCode) => void,
): Promise<ExitCode> {
  const output = given === '-' ? undefined : given
  if (output !== undefined) checkNewFile(output)
  let lost = 0
  const write = async ({ store, damage }: StoreToRead): Promise<void> => {
    const show = (line: string, isLost: boolean): void => {
      if (isLost && damage === undefined) exit(EXIT.withLoss)
      print(line)
    }
    const report =
      output === undefined
        ? await dumpStore(store, `${path}: interrupted; what was printed is not all`, show)
        : await dumpInto(output, store, `${path}: interrupted; nothing was written`)
    lost = report.lost
    if (output === undefined) return
    if (json) printJson({ path, output, ...report })
    else print(harmless(`${count(report.records, 'record')} written to ${output}, as of commit ${report.tid}`))
  }
  const exitCode = await withStore(path, exit, write, until)
  if (lost === 0) return exitCode
  say(`${path}: of ${count(lost, 'object')} that others refer to, nothing was left to be written`)
  return exitCode === EXIT.done ? EXIT.withLoss : exitCode
}

function dumpStore(
  store: Store,
  interrupted: string,
  write: (line: string, isLost: boolean) => void,
): Promise<DumpReport> {
  return interruptible(interrupted, (signal, bar) => dumping(store, write, signal, bar))
}

/** Until the file has its name, what has been written is taken away by an interruption. */
function dumpInto(output: string, store: Store, interrupted: string): Promise<DumpReport> {
  return interruptible(interrupted, (signal, bar) =>
    intoNewFile(output, fd =>
      gathering(
        text => writeAll(fd, text),
        give => dumping(store, give, signal, bar),
      ),
    ),
  )
}

function dumping(
  store: Store,
  write: (line: string, isLost: boolean) => void,
  signal: AbortSignal,
  bar: ProgressBar,
): Promise<DumpReport> {
  const onProgress = ({ done, all }: DumpProgress): void => bar.update(done, all, count(done, 'record'))
  return dump(systemDisk, store.latest(), write, { signal, onProgress })
}

/** Gives the lines on, many at a time. */
async function gathering<T>(
  writeMany: (text: string) => void,
  fill: (write: (line: string) => void) => Promise<T>,
): Promise<T> {
  let gathered = ''
  const flush = (): void => {
    writeMany(gathered)
    gathered = ''
  }
  const result = await fill(line => {
    gathered += `${line}\n`
    if (gathered.length >= GATHERED) flush()
  })
  flush()
  return result
}
