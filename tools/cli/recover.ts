// `perdure recover`: saves what is sound in a damaged store into a new file, and says what was not. The parts of a collection may come
// from different commits then, so the new file's collections are checked.
import type { Command } from 'commander'
import { verifyCollectionsAsync } from '../../lib/collection/verify-collections.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import { recoverAsync, type RecoverProgress, type RecoverReport } from '../../lib/store/recover.js'
import { EXIT, Refusal, type ExitCode } from './exit-code.js'
import { interruptible } from './interruptible.js'
import { listed, more, MOST_SHOWN } from './lists.js'
import { checkNewFile } from './new-file.js'
import { print, printJson, say } from './output.js'
import type { VerifyProgress } from '../../lib/store/verify.js'
import { count, harmless, size } from './units.js'

export function addRecover(program: Command, exit: (code: ExitCode) => void): void {
  program
    .command('recover <file>')
    .description('save what is sound in a damaged store into a new file; the damaged one is not touched')
    .requiredOption('-o, --output <new file>', 'where to; it must not exist')
    .option('--json', 'print the report as one JSON object')
    .action(async (file: string, { output, json }: { output: string; json?: true }) =>
      exit(await runRecover(file, output, json === true, exit)),
    )
}

/** Tells before anything is printed how it will end, should nobody read that. */
async function runRecover(
  path: string,
  output: string,
  asJson: boolean,
  exit: (code: ExitCode) => void,
): Promise<ExitCode> {
  checkNewFile(output)
  const report = await interruptible(`${path}: interrupted; nothing was written`, (signal, bar) => {
    const onProgress = ({ what, done, all }: RecoverProgress): void => bar.update(done, all, what)
    return recoverAsync(systemDisk, path, output, { signal, onProgress })
  })
  const { lost, skipped, missingCommits } = report
  const isWhole = lost.length + skipped.length + missingCommits.length === 0
  exit(isWhole ? EXIT.done : EXIT.withLoss)
  if (!asJson) for (const line of describe(report, output)) print(line)
  const damaged = await damagedCollections(path, output)
  const exitCode = isWhole && damaged.length === 0 ? EXIT.done : EXIT.withLoss
  exit(exitCode)
  if (asJson) printJson({ path, output, ...report, damaged })
  else for (const line of describeDamaged(damaged)) print(line)
  return exitCode
}

/** What is wrong with collections of the new file, and what in it cannot be decoded. */
async function damagedCollections(path: string, output: string): Promise<string[]> {
  const wrong: string[] = []
  const unchecked = `what was sound is in ${output}, and its collections have not been checked`
  try {
    await interruptible(`${path}: interrupted; ${unchecked}`, (signal, bar) => {
      const onProgress = ({ what, done, all }: VerifyProgress): void => bar.update(done, all, what)
      return verifyCollectionsAsync(systemDisk, output, ({ message }) => wrong.push(message), { signal, onProgress })
    })
  } catch (error) {
    if (!(error instanceof Refusal)) say(unchecked)
    throw error
  }
  return wrong
}

function* describe(
  { saved, lost, skipped, rebuilt, torn, missingCommits, lastTid, rootLost }: RecoverReport,
  output: string,
): Generator<string> {
  yield harmless(`${count(saved, 'object')} saved in ${output}, up to commit ${lastTid}`)
  yield* listed(missingCommits, 'missing stretches', ({ from, to }) =>
    from === to ? `missing: commit ${from}` : `missing: commits ${from} to ${to}`,
  )
  if (missingCommits.length > 0)
    yield 'What was changed in one transaction may have been saved in part, and need not fit together: verify cannot tell.'
  yield* listed(
    skipped,
    'skipped stretches',
    ({ offset, bytes }) => `skipped: ${size(bytes)} at offset ${offset}, nothing sound there`,
  )
  yield* listed(
    rebuilt,
    'headers that were put right',
    ({ offset, bytes }) =>
      `put right: the header of ${size(bytes)} at offset ${offset}, of which all else is sound and proves what it said`,
  )
  if (torn)
    yield `left out: ${size(torn.bytes)} at offset ${torn.offset}, where a commit was never finished, or never on disk before a power cut`
  if (lost.length > 0) {
    yield `lost: ${count(lost.length, 'object')} that others refer to (${lost.slice(0, MOST_SHOWN).join(', ')}); using one throws GoneError: replace or delete what leads to it`
    yield* more(lost.length, 'lost objects')
  }
  if (rootLost) yield 'lost: the root. The new file can be inspected by object number, and not be opened as before.'
}

function* describeDamaged(damaged: readonly string[]): Generator<string> {
  yield* listed(damaged, 'findings', what => harmless(`damaged: ${what}`))
  if (damaged.length > 0)
    yield 'What a damaged collection answers may be wrong: put a new one in its place, made of what can be read of it, and pack. dump shows all that is left.'
}
