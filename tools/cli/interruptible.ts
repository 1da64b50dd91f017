// Long work on the command line: a progress bar while it runs, and the signals that ask it to stop, as Ctrl-C does; a second one ends
// the process at once.
import { EXIT, Refusal, type ExitCode } from './exit-code.js'
import { ProgressBar } from './progress-bar.js'

const ENDS_WITH = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated, SIGHUP: EXIT.hungUp } as const
type StopSignal = keyof typeof ENDS_WITH
const SIGNALS = Object.keys(ENDS_WITH) as StopSignal[]

/** Runs `run`; `interrupted` is what is said, and all that is said, when it was stopped. */
export async function interruptible<T>(
  interrupted: string,
  run: (signal: AbortSignal, bar: ProgressBar) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  let exitCode: ExitCode | undefined
  const heedNoMore = (): void => SIGNALS.forEach(each => void process.off(each, interrupt))
  const interrupt = (signal: StopSignal): void => {
    heedNoMore()
    exitCode = ENDS_WITH[signal]
    controller.abort()
  }
  const bar = new ProgressBar()
  for (const each of SIGNALS) process.on(each, interrupt)
  try {
    return await run(controller.signal, bar)
  } catch (error) {
    if (exitCode === undefined) throw error
    throw new Refusal(exitCode, interrupted)
  } finally {
    bar.clear()
    heedNoMore()
  }
}
