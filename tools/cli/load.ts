// `perdure load`: a new store from what `perdure dump` wrote.
import { createReadStream, statSync } from 'node:fs'
import { stdin } from 'node:process'
import { addAbortSignal } from 'node:stream'
import type { Command } from 'commander'
import '../../lib/index.js' // knows the collections
import { loadDump, type LoadProgress, type LoadReport } from '../../lib/collection/load-dump.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { EXIT, type ExitCode } from './exit-code.js'
import { interruptible } from './interruptible.js'
import { print, printJson } from './output.js'
import { count, size } from './units.js'

/** Bytes that are read at once. */
const PIECE = 1 << 18

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
    const known = fromStdin ? undefined : statSync(path).size
    const onProgress = ({ what, done, all = known }: LoadProgress): void =>
      bar.update(done, all ?? 0, what === 'loading' ? `${what}  ${size(done)}` : what)
    const text = addAbortSignal(signal, fromStdin ? stdin : createReadStream(path, { highWaterMark: PIECE }))
    return loadDump(systemDisk, name, text as AsyncIterable<Uint8Array>, output, { signal, onProgress })
  })
  if (asJson) printJson({ path: name, output, ...report })
  else print(describe(report, output))
  return EXIT.done
}

function describe({ records, tid }: LoadReport, output: string): string {
  return `${count(records, 'record')} loaded into ${output}, as of commit ${tid}`
}
