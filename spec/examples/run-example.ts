// Runs an example as its first line says, in a folder of the test's own.
import { fileURLToPath } from 'node:url'
import { plainNode } from '../helpers/plain-node.js'
import { succeed } from '../package/as-user.js'

/** `example` is named as below examples/, without its suffix. Returns what it printed; throws if it fails. */
export function runExample(folder: string, example: string, ...args: string[]): Promise<string> {
  const script = fileURLToPath(new URL(`../../examples/${example}.js`, import.meta.url))
  const [command, all] = plainNode(script, ...args)
  return succeed(folder, command, ...all)
}

/** The numbers that a pattern finds in what was printed. */
export function numbers(printed: string, pattern: RegExp): number[] {
  const found = pattern.exec(printed)
  if (!found) throw new Error(`${pattern} is not in\n${printed}`)
  return found.slice(1).map(Number)
}
