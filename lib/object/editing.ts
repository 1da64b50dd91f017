// While code of a class edits the plain state of an object (static upgrade, static merge), it may do nothing else with stored data: the
// object is being read or committed.
import { SchemaError, StateError } from '../error.js'
import type { Header } from './header.js'

let editing: string | undefined

/** While `run` runs, persistent objects may be neither made nor touched. `what`: the code that it runs. */
export function whileEditing<T>(what: string, run: () => T): T {
  const before = editing
  editing = what
  try {
    return run()
  } finally {
    editing = before
  }
}

/** Runs a static function of a class for one object. Throws SchemaError that says for which, with what it has thrown as the cause. */
export function runStatic<T>(name: 'upgrade' | 'merge', { label, oid }: Header, run: () => T): T {
  try {
    return run()
  } catch (cause) {
    if (isFullStack(cause)) throw cause
    const what = `static ${name} of ${label}`
    const said = messageOf(cause)
    const says = said === undefined ? '' : `: ${said}`
    // What the library has refused it begins so already.
    throw new SchemaError(said?.startsWith(`${what} `) === true ? said : `${what} has thrown${says}`, oid, { cause })
  }
}

/** Where that is so, whoever is called fails, and may not another time. */
function isFullStack(error: unknown): boolean {
  return error instanceof RangeError && messageOf(error)?.includes('call stack') === true
}

/** Code of a program may have put anything there. */
function messageOf(error: unknown): string | undefined {
  const message: unknown = error instanceof Error ? error.message : undefined
  return typeof message === 'string' ? message : undefined
}

export function forbidIfEditing(): void {
  if (editing !== undefined) {
    throw new SchemaError(
      `${editing} may only edit the plain state that it is given, not make or touch persistent objects: ` +
        'what does that, as splitting a class, belongs in a transaction',
    )
  }
}

/** For what a connection can do. */
export function refuseIfEditing(call: string): void {
  if (editing !== undefined)
    throw new StateError(
      `${call} cannot be called inside ${editing}, which may only edit the plain state that it is given`,
    )
}
