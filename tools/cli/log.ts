// `perdure log`: the commits that the file still holds, newest last, like any log.
import type { Command } from 'commander'
import { CorruptLogError } from '../../lib/error.js'
import { decodeAnnotation, Inspector } from '../../lib/object/inspector.js'
import { readHistory, type CommitEntry } from '../../lib/store/history.js'
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
  | {
      readonly kind: 'commit'
      readonly tid: number
      readonly time: number
      /** Where its frame begins, and how long that is. */
      readonly offset: number
      readonly bytes: number
      readonly objects: number
      /** Objects written, by type. */
      readonly types: Readonly<Record<string, number>>
      readonly note: string | undefined
      /** Transactions. */
      readonly count: number
      readonly meta: unknown
    }

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
    const show = (line: Line): void => {
      if (json) printJson({ ...line, time: moment(line.time) })
      else print(describe(line, width))
    }
    const held: Line[] = []
    readLines(snapshot, snapshot.tid - last, line => {
      if (reverse) held.push(line)
      else show(line)
    })
    for (const line of held.reverse()) show(line)
  })
}

/** The commits after `after`, oldest first; before them, if it comes to that, where a pack has put older ones together. */
function readLines(snapshot: Snapshot, after: number, visit: (line: Line) => void): void {
  const { generation } = snapshot
  const { baseTid, baseTime } = generation.header
  if (baseTid > 0 && after < baseTid)
    visit({ kind: 'packed', tid: baseTid, time: baseTime, generation: generation.number })
  const inspector = new Inspector(snapshot)
  let reached = baseTid
  try {
    const visitCommit = ({ tid, time, offset, bytes, oids, annotation }: CommitEntry): void => {
      reached = tid
      if (tid <= after || tid > snapshot.tid) return
      const types: Record<string, number> = {}
      for (const oid of oids) {
        const type = inspector.typeOf(oid) ?? 'missing'
        types[type] = (types[type] ?? 0) + 1
      }
      const { note, meta, count = 1 } = decodeAnnotation(annotation)
      visit({ kind: 'commit', tid, time, offset, bytes, objects: oids.length, types, note, count, meta })
    }
    readHistory(generation, visitCommit, after)
  } catch (error) {
    // Damage behind the snapshot is reported by whoever opened the store.
    if (!(error instanceof CorruptLogError) || reached < snapshot.tid) throw error
  }
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
    line.note ?? '',
    line.count === 1 ? '' : `(${line.count} transactions)`,
  ]
  return harmless(parts.filter(part => part !== '').join('  '))
}
