// `perdure load`: a new store from what `perdure dump` wrote.
import { createReadStream, statSync } from 'node:fs'
import { stdin } from 'node:process'
import { addAbortSignal } from 'node:stream'
import type { Command } from 'commander'
import '../../lib/index.js' // knows the collections
import { loadDump, type LoadProgress, type LoadReport } from '../../lib/collection/load-dump.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { EXIT, Refusal, type ExitCode } from './exit-code.js'
import { interruptible } from './interruptible.js'
import { print, printJson } from './output.js'
import { count, harmless, size } from './units.js'

/** Bytes that are read at once. */
const PIECE = 1 << 18
/** Of longer lists only so many are printed. */
const MOST_SHOWN = 20

export function addLoad(program: Command, exit: (code: ExitCode) => void): void {
  program
    .command('load <dump>')
    .description('make a new store of what dump wrote (-: of standard input); it is checked before it has its name')
    .requiredOption('-o, --output <new file>', 'where to; it must not exist')
    .option('--json', 'print the report as one JSON object')
    .action(async (file: string, { output, json }: { output: string; json?: true }) =>
      exit(await runLoad(file, output, json === true)),
    )
}

async function runLoad(path: string, output: string, asJson: boolean): Promise<ExitCode> {
  const fromStdin = path === '-'
  const name = fromStdin ? 'standard input' : path
  const report = await interruptible(`${name}: interrupted; no store was made`, (signal, bar) => {
    const known = fromStdin ? undefined : sizeOf(path)
    const onProgress = ({ what, done, all = known }: LoadProgress): void =>
      bar.update(done, all ?? 0, what === 'loading' ? `${what}  ${size(done)}` : what)
    const text = addAbortSignal(signal, fromStdin ? stdin : createReadStream(path, { highWaterMark: PIECE }))
    return loadDump(systemDisk, name, text as AsyncIterable<Uint8Array>, output, { signal, onProgress })
  })
  if (asJson) printJson({ path: name, output, ...report })
  else for (const line of describe(report, output)) print(line)
  return report.lost === 0 ? EXIT.done : EXIT.withLoss
}

function sizeOf(path: string): number {
  const status = statSync(path)
  if (status.isDirectory()) throw new Refusal(EXIT.no, `${path}: this is a directory`)
  return status.size
}

function* describe({ records, lost, damaged, tid }: LoadReport, output: string): Generator<string> {
  yield `${count(records, 'record')} loaded into ${output}, as of commit ${tid}`
  if (lost > 0) yield `lost: ${count(lost, 'object')} of which the dump has nothing; using one throws GoneError`
  for (const what of damaged.slice(0, MOST_SHOWN)) yield harmless(`damaged: ${what}`)
  if (damaged.length > MOST_SHOWN) yield `… and ${damaged.length - MOST_SHOWN} more: --json lists them all`
}
