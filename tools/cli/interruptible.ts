// Long work on the command line: a progress bar while it runs, and Ctrl-C, which asks it to stop; a second one ends the process.
import { EXIT, Refusal } from './exit-code.js'
import { ProgressBar } from './progress-bar.js'

/** Runs `run`; `interrupted` is what is said, and all that is said, when it was stopped. */
export async function interruptible<T>(
  interrupted: string,
  run: (signal: AbortSignal, bar: ProgressBar) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const interrupt = (): void => controller.abort()
  const bar = new ProgressBar()
  process.once('SIGINT', interrupt)
  try {
    return await run(controller.signal, bar)
  } catch (error) {
    if (!controller.signal.aborted) throw error
    throw new Refusal(EXIT.interrupted, interrupted)
  } finally {
    bar.clear()
    process.off('SIGINT', interrupt)
  }
}
