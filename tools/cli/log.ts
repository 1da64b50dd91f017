// `perdure log`: the commits that the file still holds, newest last, like any log.
import type { Command } from 'commander'
import { readLog, type Commit } from '../../lib/object/commit-log.js'
import type { Snapshot } from '../../lib/store/snapshot.js'
import { wholeNumber } from './arguments.js'
import type { ExitCode } from './exit-code.js'
import { print, printJson } from './output.js'
import { withStore } from './store-to-read.js'
import { count, harmless, moment, size } from './units.js'

interface Options {
  readonly json?: true
  readonly reverse?: true
  readonly last?: number
}

type Line =
  | {
      readonly kind: 'packed'
      readonly tid: number
      readonly time: number
      /** How often the store has been packed, plus one. */
      readonly generation: number
    }
  | ({ readonly kind: 'commit' } & Commit)

export function addLog(program: Command, exit: (code: ExitCode) => void): void {
  program
    .command('log <file>')
    .description('list the commits of a store, newest last: number, time, objects, bytes, types, note')
    .option('-n, --last <count>', 'only the last so many commits', wholeNumber)
    .option('-r, --reverse', 'newest first')
    .option('--json', 'one JSON object a line')
    .action(async (file: string, options: Options) => exit(await runLog(file, options, exit)))
}

function runLog(
  path: string,
  { json, reverse, last = Infinity }: Options,
  exit: (code: ExitCode) => void,
): Promise<ExitCode> {
  return withStore(path, exit, ({ store }) => {
    const snapshot = store.latest()
    const width = String(snapshot.tid).length
    for (const line of linesOf(snapshot, Math.max(0, snapshot.tid - last), reverse === true)) {
      if (json) printJson({ ...line, time: moment(line.time) })
      else print(describe(line, width))
    }
  })
}

/** The commits behind `after`, and, if it comes to that, where a pack has put older ones together. */
function* linesOf(snapshot: Snapshot, after: number, reverse: boolean): Generator<Line> {
  const { header, number } = snapshot.generation
  const { baseTid: tid, baseTime: time } = header
  const packed: Line[] = tid > after ? [{ kind: 'packed', tid, time, generation: number }] : []
  if (!reverse) yield* packed
  for (const commit of readLog(snapshot, { after, reverse })) yield { kind: 'commit', ...commit }
  if (reverse) yield* packed
}

function describe(line: Line, width: number): string {
  const begin = `${String(line.tid).padStart(width)}  ${moment(line.time)}`
  if (line.kind === 'packed') return `${begin}  packed: this and all earlier commits are one state now`
  const types = Object.entries(line.types).map(([type, n]) => (n === 1 ? type : `${type} x${n}`))
  const parts = [
    begin,
    count(line.objects, 'object').padStart(9),
    size(line.bytes).padStart(9),
    types.join(', '),
    line.unreadable ? '(its note and meta cannot be read)' : (line.note ?? ''),
    line.count === 1 ? '' : `(${line.count} transactions)`,
  ]
  return harmless(parts.filter(part => part !== '').join('  '))
}
