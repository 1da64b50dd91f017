// Warns when the process ends while a connection has changes that were never committed.
interface Pending {
  readonly store: { readonly path: string }
}

/** Each once, and mostly one. */
const pending: Pending[] = []
let watching = false

export function watchPending(connection: Pending, isPending: boolean): void {
  const at = pending.lastIndexOf(connection)
  if (!isPending) {
    if (at >= 0) pending.splice(at, 1)
    return
  }
  if (at < 0) pending.push(connection)
  if (watching) return
  watching = true
  atExit(warn)
}

/** Warnings are emitted by a later tick, which does not come any more. */
function warn(): void {
  for (const { store } of pending) {
    process.stderr.write(
      `(perdure) the process ends with changes to ${store.path} that were not committed: they are lost\n`,
    )
  }
}

type AtExit = (act: () => void) => void

const AT_EXIT = Symbol.for('perdure.atExit')

/** All copies of this module in a process share one listener, that of the first: of more than ten, Node warns. */
function atExit(act: () => void): void {
  const known = (process as { [AT_EXIT]?: AtExit })[AT_EXIT]
  if (known !== undefined) {
    known(act)
    return
  }
  const acts = [act]
  process.once('exit', () => {
    for (const each of acts) each()
  })
  Object.defineProperty(process, AT_EXIT, { value: (other: () => void) => acts.push(other) })
}
