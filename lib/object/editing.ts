// While code of a class edits the plain state of an object (static upgrade, static merge), it may do nothing else with stored data: the
// object is being read or committed.
import { SchemaError, StateError } from '../error.js'

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

export function forbidIfEditing(): void {
  if (editing !== undefined) {
    throw new SchemaError(
      `${editing} may only edit the plain state that it is given, not make or touch persistent objects`,
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
