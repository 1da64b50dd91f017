// Warns when the process ends while a connection has changes that were never committed, or transactions that nobody has waited for.
interface Connected {
  /** One that is closed owes the disk nothing, or whoever closed it has been told. */
  readonly store: { readonly path: string; readonly closed: boolean }
}

const LEFT = {
  changes: (path: string) => `with changes to ${path} that were not committed: they are lost`,
  transactions: (path: string) =>
    `before transactAsync() has committed what it was given for ${path}: that is lost. Await it first`,
  disk: (path: string) =>
    `before the disk has what transactAsync() has committed to ${path}: a power cut may take it. Await it first`,
}

/** What can be left when the process ends. */
export type Left = keyof typeof LEFT

/** Each once, and mostly one. */
const pending: Readonly<Record<Left, Connected[]>> = { changes: [], transactions: [], disk: [] }
let watching = false

export function watchPending(connection: Connected, isPending: boolean, what: Left = 'changes'): void {
  const those = pending[what]
  const at = those.lastIndexOf(connection)
  if (!isPending) {
    if (at >= 0) those.splice(at, 1)
    return
  }
  if (at < 0) those.push(connection)
  if (watching) return
  watching = true
  atExit(warn)
}

/** Warnings are emitted by a later tick, which does not come any more. */
function warn(): void {
  for (const what of Object.keys(LEFT) as Left[])
    for (const { store } of pending[what])
      if (what !== 'disk' || !store.closed)
        process.stderr.write(`(perdure) the process ends ${LEFT[what](store.path)}\n`)
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
