// The command line: which commands there are, and how a run ends. Prints nothing itself but help and mistakes in the call.
import { createRequire } from 'node:module'
import { Command, CommanderError } from 'commander'
import { addDump } from './dump.js'
import { EXIT, EXIT_CODES, explain, type ExitCode } from './exit-code.js'
import { addInspect } from './inspect.js'
import { addLoad } from './load.js'
import { addLog } from './log.js'
import { ClosedPipe, draw, flush, print, say } from './output.js'
import { addPack } from './pack.js'
import { addRecover } from './recover.js'
import { harmless } from './units.js'
import { addVerify } from './verify.js'

const EXAMPLES = `
Examples:
  perdure inspect app.db                 what is in it: sizes, objects by type, the root
  perdure inspect app.db /accounts/ada   one object, found from the root
  perdure inspect app.db 12 --json       object number 12, for a program
  perdure log app.db -n 10               the last ten commits
  perdure verify app.db                  is every byte as it was written?
  perdure pack app.db                    drop old versions and what nothing refers to
  perdure recover app.db -o saved.db     save what is sound in a damaged store
  perdure dump app.db > app.jsonl        all of it as text, one JSON object a line
  perdure load app.jsonl -o new.db       make a store of such text

All commands but pack only read the store they are given, and take no lock: they may run while others write.
Data goes to standard output, everything else to standard error.

${EXIT_CODES}`

/** Runs one command line and returns its exit code; never throws. */
export async function run(args: readonly string[]): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.done
  try {
    const program = createProgram(code => (exitCode = code))
    await program.parseAsync(args, { from: 'user' })
    flush()
    return exitCode
  } catch (error) {
    return ended(error, exitCode)
  }
}

/** `exitCode`: as far as the command had come. */
function ended(error: unknown, exitCode: ExitCode): ExitCode {
  if (error instanceof ClosedPipe) return exitCode
  try {
    flush()
  } catch (second) {
    if (second instanceof ClosedPipe) return exitCode
  }
  // Commander has said what it had to say.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
  const { exitCode: code, message, trace } = explain(error)
  say(message)
  if (trace !== undefined) draw(`${trace}\n`)
  return code
}

function createProgram(exit: (code: ExitCode) => void): Command {
  const { version } = createRequire(import.meta.url)('perdure/package.json') as { version: string }
  const program = new Command('perdure')
    .description('Look into Perdure stores, check them, and pack them.')
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: text => print(text.replace(/\n$/, '')),
      writeErr: draw,
      outputError: text =>
        draw(
          text
            .replace(/^error: /, 'perdure: ')
            .split('\n')
            .map(harmless)
            .join('\n'),
        ),
    })
    .showHelpAfterError('(perdure --help tells more)')
    .addHelpText('after', EXAMPLES)
  addInspect(program, exit)
  addLog(program, exit)
  addVerify(program, exit)
  addPack(program, exit)
  addRecover(program, exit)
  addDump(program, exit)
  addLoad(program, exit)
  return program
}
