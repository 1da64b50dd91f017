// `perdure load`: a new store from what `perdure dump` wrote.
import { createReadStream, openSync, statSync } from 'node:fs'
import { Socket } from 'node:net'
import { stdin } from 'node:process'
import { addAbortSignal, type Readable } from 'node:stream'
import type { Command } from 'commander'
import '../../lib/index.js' // knows the collections
import { loadDump, type LoadProgress, type LoadReport } from '../../lib/collection/load-dump.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { EXIT, Refusal, type ExitCode } from './exit-code.js'
import { interruptible } from './interruptible.js'
import { listed } from './lists.js'
import { checkNewFile } from './new-file.js'
import { print, printJson } from './output.js'
import { count, harmless, size } from './units.js'

/** Bytes that are read at once. */
const PIECE = 1 << 18

export function addLoad(program: Command, exit: (code: ExitCode) => void): void {
  program
    .command('load <dump>')
    .description('make a new store of what dump wrote (-: of standard input); it is checked before it has its name')
    .requiredOption('-o, --output <new file>', 'where to; it must not exist')
    .option('--json', 'print the report as one JSON object')
    .action(async (file: string, { output, json }: { output: string; json?: true }) =>
      exit(await runLoad(file, output, json === true, exit)),
    )
}

async function runLoad(
  path: string,
  output: string,
  asJson: boolean,
  exit: (code: ExitCode) => void,
): Promise<ExitCode> {
  checkNewFile(output)
  const fromStdin = path === '-'
  const name = fromStdin ? 'standard input' : path
  const { text: source, known } = fromStdin ? { text: stdin, known: undefined } : openText(path)
  const report = await interruptible(`${name}: interrupted; no store was made`, (signal, bar) => {
    const onProgress = ({ what, done, all = known }: LoadProgress): void =>
      bar.update(done, all ?? 0, what === 'loading' ? `${what}  ${size(done)}` : what)
    const text = addAbortSignal(signal, source)
    return loadDump(systemDisk, name, text as AsyncIterable<Uint8Array>, output, { signal, onProgress })
  })
  const exitCode = report.lost === 0 ? EXIT.done : EXIT.withLoss
  exit(exitCode)
  if (asJson) printJson({ path: name, output, ...report })
  else for (const line of describe(report, output)) print(line)
  return exitCode
}

/** Reading a named pipe as a file could not be given up before somebody writes to it; nor could opening it, but for Ctrl-C by itself. */
function openText(path: string): { readonly text: Readable; readonly known: number | undefined } {
  const status = statSync(path)
  if (status.isDirectory()) throw new Refusal(EXIT.no, `${path}: this is a directory`)
  if (status.isFIFO()) return { text: new Socket({ fd: openSync(path, 'r') }), known: undefined }
  return { text: createReadStream(path, { highWaterMark: PIECE }), known: status.size }
}

function* describe({ records, lost, damaged, tid }: LoadReport, output: string): Generator<string> {
  yield harmless(`${count(records, 'record')} loaded into ${output}, as of commit ${tid}`)
  if (lost > 0) yield `lost: ${count(lost, 'object')} of which the dump has nothing; using one throws GoneError`
  yield* listed(damaged, 'findings', what => harmless(`damaged: ${what}`))
}
