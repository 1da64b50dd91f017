// `perdure verify`: prints the findings of the library's check as they come.
import type { Command } from 'commander'
import { NotAStoreError, StoreNotFoundError } from '../../lib/error.js'
import { verifyCollectionsAsync } from '../../lib/collection/verify-collections.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { isReadableAnnotation } from '../../lib/object/annotation.js'
import { verifyAsync, type Finding, type VerifyProgress, type VerifySummary } from '../../lib/store/verify.js'
import { EXIT, type ExitCode } from './exit-code.js'
import { interruptible } from './interruptible.js'
import { flush, print, printJson } from './output.js'
import { count, harmless, size } from './units.js'

export function addVerify(program: Command, exit: (code: ExitCode) => void): void {
  program
    .command('verify <file>')
    .description('check every frame, checksum, reference and collection of a store; changes nothing, and needs no lock')
    .option('--json', 'one JSON object a line: the findings, then the summary')
    .action(async (file: string, options: { json?: true }) => exit(await runVerify(file, options.json === true, exit)))
}

/** Tells at the first damage how it will end, should nobody read the rest. */
async function runVerify(path: string, asJson: boolean, exit: (code: ExitCode) => void): Promise<ExitCode> {
  const there = systemDisk.lookUp(path)
  if (there === undefined) throw new StoreNotFoundError(path)
  if (!there.isFile) throw new NotAStoreError(path, 'this is not a regular file')
  const summary = await interruptible(`${path}: interrupted`, async (signal, bar): Promise<VerifySummary> => {
    let canBeRead = true
    const show = (finding: Finding): void => {
      if (finding.kind !== 'tail') exit(EXIT.no)
      if (finding.kind !== 'tail' && finding.kind !== 'note') canBeRead = false
      bar.clear()
      if (asJson) printJson({ kind: 'finding', finding })
      else print(describe(finding))
      flush()
    }
    const onProgress = ({ what, done, all }: VerifyProgress): void => bar.update(done, all, what)
    const records = await verifyAsync(systemDisk, path, show, { signal, onProgress }, isReadableAnnotation)
    // States and collections are many records each, which are read for this.
    if (!canBeRead) return records
    const damage = await verifyCollectionsAsync(systemDisk, path, show, { signal, onProgress })
    return { ...records, damage: records.damage + damage }
  })
  if (asJson) printJson({ kind: 'summary', path, ...summary })
  else print(harmless(`${path}: ${sum(summary)}`))
  return summary.damage === 0 ? EXIT.done : EXIT.no
}

function describe({ kind, offset, message }: Finding): string {
  const where = offset === 0 ? '' : ` at offset ${offset}`
  return harmless(kind === 'tail' ? `remark${where}: ${message}` : `damage${where} (${kind}): ${message}`)
}

function sum({ commits, packedUpTo, records, bytes, damage }: VerifySummary): string {
  const since = packedUpTo === undefined ? '' : ` since the pack up to ${packedUpTo}`
  const read = `${count(commits, 'commit')}${since}, ${count(records, 'record')}, ${size(bytes)}`
  return `${read}: ${damage === 0 ? 'no damage' : count(damage, 'finding of damage', 'findings of damage')}`
}
